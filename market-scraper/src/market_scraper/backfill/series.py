"""What can be asked for of the past, page by page."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple, Protocol

from market_scraper.connectors.candles import CandleSource
from market_scraper.connectors.hyperliquid.parse_flows import (
    parse_ledger_updates,
    parse_user_funding,
)
from market_scraper.connectors.hyperliquid.parse_history import parse_fills, parse_payments
from market_scraper.connectors.hyperliquid.rest import MOST_FILLS, InfoClient
from market_scraper.errors import WireFormatError
from market_scraper.intervals import INTERVALS, floor
from market_scraper.moments import milliseconds, moment
from shared_events.payloads import AccountFlow, Interval, TraderFill

_SETTLE = timedelta(seconds=2)


Ask = Callable[[str, int, int], Awaitable[bytes]]
Parse = Callable[[bytes, str], Sequence[AccountFlow]]


class Page(NamedTuple):
    """Facts in time order, and where to go on; `next_ms` None says that the span is done."""

    facts: Sequence[Any]
    next_ms: int | None
    seen: tuple[str, ...] = ()


class Series(Protocol):
    """One thing's past."""

    @property
    def name(self) -> str:
        """What it is called, also by its cursor."""
        ...

    async def page(self, at_ms: int, to_ms: int, seen: Sequence[str], /) -> Page:
        """Return the next facts from `at_ms` to `to_ms`, without those that were `seen` there.

        Raises
        ------
        TransientError
            If the venue does not answer; ask again.
        DataError
            If it cannot be read on.
        """
        ...


class CandleSeries:
    """Final candles of one coin. The venue keeps the newest 5,000 of each interval."""

    def __init__(self, source: CandleSource, coin: str, interval: Interval) -> None:
        self.name = f"candles {coin} {interval}"
        self._source = source
        self._coin = coin
        self._interval = interval

    async def page(self, at_ms: int, to_ms: int, _seen: Sequence[str], /) -> Page:
        """Return as many candles as the venue gives at once."""
        length = INTERVALS[self._interval]
        start, now = floor(moment(at_ms), length), moment(to_ms)
        end = min(start + length * (self._source.page - 1), now)
        candles = await self._source.candles(self._coin, self._interval, start, end, now - _SETTLE)
        final = sorted(
            (c for c in candles if c.closed and c.open_time >= start), key=lambda c: c.open_time
        )
        return Page(final, None if end == now else milliseconds(end + length))


class FundingSeries:
    """What funding one coin had, hour by hour."""

    def __init__(self, info: InfoClient, coin: str) -> None:
        self.name = f"funding {coin}"
        self._info = info
        self._coin = coin

    async def page(self, at_ms: int, to_ms: int, _seen: Sequence[str], /) -> Page:
        """Return payments until there are no more."""
        payments = parse_payments(await self._info.funding_history(self._coin, at_ms, to_ms))
        if not payments:
            return Page((), None)
        return Page(payments, milliseconds(payments[-1].at) + 1)


class FillSeries:
    """The fills of one wallet, of which the venue keeps the newest 10,000 or so.

    A page may end in the middle of a block, so the next one begins with the last one's millisecond.
    """

    def __init__(self, info: InfoClient, address: str) -> None:
        self.name = f"fills {address}"
        self._info = info
        self._address = address

    async def page(self, at_ms: int, to_ms: int, seen: Sequence[str], /) -> Page:
        """Return fills until there are no more."""
        raw = await self._info.fills_by_time(self._address, at_ms, to_ms)
        fills, known = parse_fills(raw, self._address), set(seen)
        fresh = [fill for fill in fills if _identity(fill) not in known]
        if not fresh:
            if len(fills) >= MOST_FILLS:
                raise WireFormatError(
                    f"{self._address} filled over {MOST_FILLS} times at {fills[0].at}: the venue tells no more"
                    " of that moment, and so nothing after it"
                )
            return Page((), None)
        last = fresh[-1].at
        return Page(fresh, milliseconds(last), tuple(_identity(f) for f in fills if f.at == last))


class FlowSeries:
    """What one wallet paid and received beside its trades: funding, or everything else.

    Parameters
    ----------
    ask
        Asks for the oldest rows of a span; the venue gives at most `MOST_PAYMENTS` at once.
    parse
        Reads them.
    """

    def __init__(self, name: str, address: str, ask: Ask, parse: Parse) -> None:
        self.name = f"{name} {address}"
        self._address = address
        self._ask = ask
        self._parse = parse

    async def page(self, at_ms: int, to_ms: int, seen: Sequence[str], /) -> Page:
        """Return flows until there are no more; a page may end among those of one moment."""
        flows = self._parse(await self._ask(self._address, at_ms, to_ms), self._address)
        known = set(seen)
        fresh = [flow for flow in flows if flow.identity not in known]
        if not fresh:
            return Page((), None)
        last = fresh[-1].at
        return Page(fresh, milliseconds(last), tuple(f.identity for f in flows if f.at == last))


def flow_series(info: InfoClient, address: str) -> tuple[FlowSeries, FlowSeries]:
    """Return everything that changed `address` without a trade."""
    return (
        FlowSeries("fundings", address, info.user_funding, parse_user_funding),
        FlowSeries("ledger", address, info.ledger_updates, parse_ledger_updates),
    )


def _identity(fill: TraderFill) -> str:
    return f"{fill.coin} {fill.tid} {fill.side}"
