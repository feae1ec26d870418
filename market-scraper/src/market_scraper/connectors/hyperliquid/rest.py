"""Hyperliquid's ``/info`` endpoint and its leaderboard file: one method per request, bytes back."""

import aiohttp
import msgspec

from market_scraper.connectors.answers import body, said
from market_scraper.connectors.hyperliquid.budget import base_weight, row_weight
from market_scraper.connectors.hyperliquid.throttle import Throttle, Urgency
from market_scraper.connectors.hyperliquid.wire import Request
from market_scraper.errors import RateLimitedError, SourceUnavailableError
from market_scraper.tapping import Tap, untapped

LEADERBOARD = "leaderboard"
MOST_PAYMENTS = 500
MOST_FILLS = 2_000
_NULL_IS_NONE = frozenset({"subAccounts"})
_ROW_MARKS = {
    "candleSnapshot": b'"t":',
    "fundingHistory": b'"fundingRate":',
    "userFillsByTime": b'"tid":',
    "userFunding": b'"delta":',
    "userNonFundingLedgerUpdates": b'"delta":',
}
_REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=20)
_CONNECTIONS = 12
_FILE_TIMEOUT = aiohttp.ClientTimeout(total=120)


def info_session() -> aiohttp.ClientSession:
    """Return a client for the venue, with few connections, kept open; whoever makes it closes it."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=_CONNECTIONS, limit_per_host=_CONNECTIONS, ttl_dns_cache=300
        )
    )


class InfoClient:
    """Thin I/O: waits for budget, sends, maps trouble to our errors, returns the body untouched.

    A ``null`` where a value belongs is trouble too: it is how the venue says "not now".

    Parameters
    ----------
    http
        The shared client; whoever made it closes it.
    base_url
        The venue, or a simulator of it.
    leaderboard_url
        Where the leaderboard file lies.
    throttle
        The door every request goes through.
    tap
        Called with every answer.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        base_url: str,
        leaderboard_url: str,
        throttle: Throttle,
        tap: Tap = untapped,
    ) -> None:
        self._http = http
        self._url = f"{base_url.rstrip('/')}/info"
        self._leaderboard_url = leaderboard_url
        self.throttle = throttle
        self._tap = tap

    async def clearinghouse_state(self, address: str, urgency: Urgency, dex: str = "") -> bytes:
        """Return what `address` holds on one perpetuals exchange, by default the venue's own."""
        request: Request = {"type": "clearinghouseState", "user": address}
        return await self._ask(request | ({"dex": dex} if dex else {}), urgency)

    async def meta(self) -> bytes:
        """Return which markets are listed."""
        return await self._ask({"type": "meta"}, Urgency.MARKET)

    async def all_metas(self) -> bytes:
        """Return which perpetuals are listed, on the venue's own exchange and on those of builders."""
        return await self._ask({"type": "allPerpMetas"}, Urgency.MARKET)

    async def meta_and_contexts(self) -> bytes:
        """Return the markets and how they stand."""
        return await self._ask({"type": "metaAndAssetCtxs"}, Urgency.MARKET)

    async def candles(
        self, coin: str, interval: str, start_ms: int, end_ms: int, most_rows: int
    ) -> bytes:
        """Return the candles of `coin` that opened from `start_ms` to `end_ms`."""
        req = {"coin": coin, "interval": interval, "startTime": start_ms, "endTime": end_ms}
        return await self._ask(
            {"type": "candleSnapshot", "req": req}, Urgency.MARKET, most_rows=most_rows
        )

    async def funding_history(self, coin: str, start_ms: int, end_ms: int) -> bytes:
        """Return the oldest payments of `coin` from `start_ms` to `end_ms`, at most `MOST_PAYMENTS`."""
        return await self._ask(
            {
                "type": "fundingHistory",
                "coin": coin,
                "startTime": start_ms,
                "endTime": end_ms,
            },
            Urgency.AUDIT,
            most_rows=MOST_PAYMENTS,
        )

    async def fills_by_time(self, address: str, start_ms: int, end_ms: int) -> bytes:
        """Return the oldest fills of `address` from `start_ms` to `end_ms`, at most `MOST_FILLS`."""
        return await self._ask(
            {
                "type": "userFillsByTime",
                "user": address,
                "startTime": start_ms,
                "endTime": end_ms,
            },
            Urgency.AUDIT,
            most_rows=MOST_FILLS,
        )

    async def user_funding(self, address: str, start_ms: int, end_ms: int) -> bytes:
        """Return the oldest funding of `address` from `start_ms` to `end_ms`, at most `MOST_PAYMENTS`."""
        return await self._flows("userFunding", address, start_ms, end_ms)

    async def ledger_updates(self, address: str, start_ms: int, end_ms: int) -> bytes:
        """Return the oldest transfers of `address` from `start_ms` to `end_ms`, at most `MOST_PAYMENTS`."""
        return await self._flows("userNonFundingLedgerUpdates", address, start_ms, end_ms)

    async def _flows(self, kind: str, address: str, start_ms: int, end_ms: int) -> bytes:
        return await self._ask(
            {"type": kind, "user": address, "startTime": start_ms, "endTime": end_ms},
            Urgency.AUDIT,
            most_rows=MOST_PAYMENTS,
        )

    async def user_role(self, address: str) -> bytes:
        """Return what `address` is; thirty times as expensive as a state."""
        return await self._ask({"type": "userRole", "user": address}, Urgency.AUDIT)

    async def vault_details(self, address: str) -> bytes:
        """Return who leads the vault at `address` and how it is parted."""
        return await self._ask({"type": "vaultDetails", "vaultAddress": address}, Urgency.AUDIT)

    async def sub_accounts(self, address: str) -> bytes:
        """Return the sub-accounts of `address`."""
        return await self._ask({"type": "subAccounts", "user": address}, Urgency.AUDIT)

    async def leaderboard(self) -> bytes:
        """Return the leaderboard file; another host, no weight."""
        try:
            async with self._http.get(self._leaderboard_url, timeout=_FILE_TIMEOUT) as response:
                answer = await body(response, LEADERBOARD)
        except (aiohttp.ClientError, TimeoutError) as e:
            raise SourceUnavailableError(f"no leaderboard: {said(e)}") from e
        self._tap("answer", LEADERBOARD, answer)
        return answer

    async def _ask(self, request: Request, urgency: Urgency, most_rows: int = 0) -> bytes:
        kind = request["type"]
        worst = base_weight(request) + row_weight(request, most_rows)
        place = await self.throttle.enter(worst, urgency)
        try:
            async with self._http.post(
                self._url, json=request, timeout=_REQUEST_TIMEOUT
            ) as response:
                answer = await body(response, kind, null_is_none=kind in _NULL_IS_NONE)
        except RateLimitedError as e:
            e.retry_after = await self.throttle.refused(e.retry_after)
            raise
        except (aiohttp.ClientError, TimeoutError) as e:
            raise SourceUnavailableError(f"no answer to {kind!r}: {said(e)}") from e
        self._tap("answer", msgspec.json.encode(request).decode(), answer)
        rows = answer.count(_ROW_MARKS.get(kind, b"")) if most_rows else 0
        await self.throttle.settle(place, base_weight(request) + row_weight(request, rows))
        return answer
