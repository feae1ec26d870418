"""Binance's REST interface within its rules: request weights a minute, 429 to slow down, 418 for a ban."""

import aiohttp

from market_scraper.connectors.answers import body, said
from market_scraper.connectors.binance.tapped import place_of
from market_scraper.connectors.web import MOST_BYTES
from market_scraper.errors import RateLimitedError, SourceUnavailableError
from market_scraper.tapping import Tap, untapped
from shared_events.runtime.clock import Clock

WEIGHT_A_MINUTE = 2_400
USED_WEIGHT = "X-MBX-USED-WEIGHT-1M"

_MINUTE = 60.0
_SHARE = 0.5
_HOLD_SECONDS = 60.0
_TIMEOUT = aiohttp.ClientTimeout(total=20, connect=10)
_KLINE_WEIGHTS = ((100, 1), (500, 2), (1_000, 5))


class BinanceClient:
    """Thin I/O that never asks while it was told not to.

    The venue counts what an address asked in the current minute and says so in every answer; at half
    of what is allowed we wait for the next one. After a 429 or a 418 nothing is asked until the time it
    names is over, by whichever collector: asking during a ban makes it longer, up to three days.

    Parameters
    ----------
    http
        From `web_session`.
    base_url
        The venue, or a server that behaves like it.
    clock
        Measures minutes and holds.
    tap
        Called with every answer but those to `read`, which its caller listens to.
    """

    def __init__(
        self, http: aiohttp.ClientSession, base_url: str, clock: Clock, tap: Tap = untapped
    ) -> None:
        self._http = http
        self._base_url = base_url.rstrip("/")
        self._clock = clock
        self._tap = tap
        self._held_until = 0.0
        self._minute = 0
        self._used = 0

    async def klines(
        self, symbol: str, interval: str, start_ms: int, end_ms: int, most: int
    ) -> bytes:
        """Return the candles of `symbol` that opened from `start_ms` to `end_ms`."""
        weight = next((w for limit, w in _KLINE_WEIGHTS if most <= limit), 10)
        return await self.ask(
            f"/fapi/v1/klines?symbol={symbol}&interval={interval}"
            f"&startTime={start_ms}&endTime={end_ms}&limit={most}",
            weight,
        )

    async def premium(self, symbol: str) -> bytes:
        """Return mark, index and funding rate."""
        return await self.ask(f"/fapi/v1/premiumIndex?symbol={symbol}", 1)

    async def open_interest(self, symbol: str) -> bytes:
        """Return the open interest."""
        return await self.ask(f"/fapi/v1/openInterest?symbol={symbol}", 1)

    async def funding_intervals(self) -> bytes:
        """Return how often funding is paid where that is unusual."""
        return await self.ask("/fapi/v1/fundingInfo", 1)

    async def read(self, url: str) -> bytes:
        """Return what `url`, a light page of this venue, holds; see `context_metrics.Pages`."""
        return await self._answer(url.removeprefix(self._base_url), 1)

    async def ask(self, path: str, weight: int) -> bytes:
        """Return the answer to a request that weighs `weight`.

        Raises
        ------
        RateLimitedError
            If the venue says so, and without asking while an earlier one holds.
        """
        answer = await self._answer(path, weight)
        self._tap("page", place_of(path), answer)
        return answer

    async def _answer(self, path: str, weight: int) -> bytes:
        await self._enter(weight)
        what = path.partition("?")[0]
        try:
            async with self._http.get(
                self._base_url + path, timeout=_TIMEOUT, allow_redirects=False
            ) as response:
                self._note(response.headers.get(USED_WEIGHT))
                return await body(response, what, MOST_BYTES)
        except RateLimitedError as e:
            e.retry_after = e.retry_after or _HOLD_SECONDS
            self._held_until = max(self._held_until, self._now() + e.retry_after)
            raise
        except (aiohttp.ClientError, TimeoutError) as e:
            raise SourceUnavailableError(f"no answer to {what!r}: {said(e)}") from e

    async def _enter(self, weight: int) -> None:
        """Wait for a minute with room for `weight`, and count it."""
        while True:
            now = self._now()
            if now < self._held_until:
                raise RateLimitedError(
                    "binance told us to keep away", retry_after=self._held_until - now
                )
            if int(now // _MINUTE) != self._minute:
                self._minute, self._used = int(now // _MINUTE), 0
            if self._used + weight <= WEIGHT_A_MINUTE * _SHARE:
                self._used += weight
                return
            await self._clock.sleep(_MINUTE - now % _MINUTE)

    def _note(self, used: str | None) -> None:
        """Take over what the venue counted: others may use the same address."""
        if used is not None and used.isdecimal():
            self._used = max(self._used, int(used[:9]))

    def _now(self) -> float:
        return self._clock.now().timestamp()
