"""The one class a bot needs."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlencode

import aiohttp
from pydantic import Field

from smart_money_client.errors import NotLiveError, ServiceUnavailableError
from smart_money_client.models import Horizon, Regimes, Signal, SignalRow, Status, Value
from smart_money_client.transport import Patience, Transport

DEFAULT_URL = "http://127.0.0.1:4341"
_PAGE = 200


class _List(Value):
    signals: tuple[SignalRow, ...]


class _Page(Value):
    signals: tuple[Signal, ...]
    next: str | None = Field(default=None, pattern=r"^/[^/\\]")


class SmartMoneyClient:
    """Reads the signals of one service; use it as an asynchronous context manager.

    Polling is cheap: an answer that has not changed is not sent again, and the same object is
    returned.

    Parameters
    ----------
    base_url
        Where the service is.
    api_key
        Its key, if it asks for one.
    timeout
        Seconds one request may take.
    patience
        How often to ask again while the service is away.

    Examples
    --------
    >>> async def best(coin: str) -> str:
    ...     async with SmartMoneyClient() as client:
    ...         return (await client.signal(coin)).action
    """

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        api_key: str | None = None,
        *,
        timeout: float = 10.0,
        patience: Patience | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._patience = patience or Patience()
        self._session: aiohttp.ClientSession | None = None
        self._transport: Transport | None = None

    async def __aenter__(self) -> Self:
        """Open the connection pool."""
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=self._timeout)
        self._transport = Transport(self._session, self._base_url, self._patience)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        if self._session is not None:
            await self._session.close()
        self._session = self._transport = None

    async def signals(self, coins: Sequence[str] = ()) -> tuple[SignalRow, ...]:
        """Return the newest signal of every coin, or of `coins` alone, over four hours.

        Raises
        ------
        SmartMoneyError
            One of its kinds; so does every other method.
        """
        query = f"?{urlencode([('coin', coin) for coin in coins])}" if coins else ""
        return (await self._ask.read(f"/api/v1/signals{query}", _List)).signals

    async def signal(self, coin: str, horizon: Horizon = "4h") -> Signal:
        """Return the newest signal of `coin`, whole."""
        return await self._ask.read(f"{_path(coin)}?{_query(horizon=horizon)}", Signal)

    async def history(
        self, coin: str, horizon: Horizon = "4h", *, limit: int | None = None
    ) -> AsyncIterator[Signal]:
        """Yield stored signals, newest first, at most `limit`; pages are fetched as needed."""
        left = limit
        size = _PAGE if limit is None else max(1, min(limit, _PAGE))
        path: str | None = f"{_path(coin)}/history?{_query(horizon=horizon, limit=str(size))}"
        while path and left != 0:
            page = await self._ask.read(path, _Page)
            for signal in page.signals[:left]:
                yield signal
            left = None if left is None else max(0, left - len(page.signals))
            path = page.next

    async def regime(self) -> Regimes:
        """Return the regime of the market and of every coin that has one."""
        return await self._ask.read("/api/v1/regime", Regimes)

    async def status(self) -> Status:
        """Return the service's own account of itself."""
        return await self._ask.read("/api/v1/status", Status)

    async def wait_until_live(self, timeout: float = 600.0, *, poll: float = 1.0) -> Status:  # noqa: ASYNC109
        """Return the status as soon as the start is over, asking every `poll` seconds.

        Raises
        ------
        NotLiveError
            If that took longer than `timeout` seconds; the message says how far it came.
        """
        said = "it did not answer"
        try:
            async with asyncio.timeout(timeout):
                while True:
                    try:
                        status = await self.status()
                    except ServiceUnavailableError as e:
                        said = str(e)
                    else:
                        if status.live:
                            return status
                        said = status.progress.message
                    await asyncio.sleep(poll)
        except TimeoutError as e:
            raise NotLiveError(f"{self._base_url} is not live after {timeout:g} s: {said}") from e

    @property
    def _ask(self) -> Transport:
        if self._transport is None:
            raise RuntimeError(
                "use the client inside 'async with SmartMoneyClient(...) as client:'"
            )
        return self._transport


def _path(coin: str) -> str:
    return f"/api/v1/signals/{quote(coin, safe='')}"


def _query(**parameters: str) -> str:
    given: Mapping[str, str] = parameters
    return urlencode(given)
