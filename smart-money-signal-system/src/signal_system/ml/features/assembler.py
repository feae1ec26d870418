"""Events in, bars out: a candle with the flow, the positions and the context it closed among."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from msgspec import Struct, field, structs

from shared_events.envelope import StandardEvent
from shared_events.payloads import Candle, MarketContext, TradeFlow
from shared_events.payloads.market import Interval
from signal_system.domain.exposure import SIZE_SCALE
from signal_system.ml.features.bar import INTERVAL_MS, SKEW_MS, Bar
from signal_system.ml.features.books import Books
from signal_system.ml.features.positioning import Context, Positioning

MAX_MARKETS = 5_000
CONTEXT_SECONDS = 3_600

_KEPT_FLOWS = 3
_MILLISECOND = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Sample(NamedTuple):
    """A bar of one coin, closed or forming."""

    coin: str
    interval: Interval
    bar: Bar


class Traded(Struct, array_like=True):
    """What takers bought and sold within one bar, in the coin."""

    bought: float = 0.0
    sold: float = 0.0


class Market(Struct):
    """What is remembered of one coin and interval.

    Attributes
    ----------
    flows
        By the opening of the bar: the newest few.
    forming
        The newest candle that was not over.
    counted
        The newest bar with positions, and what had ever been traded by then.
    """

    flows: dict[int, Traded] = {}
    forming: Bar | None = None
    counted: tuple[int, int] | None = None


class Assembler(Struct):
    """Makes bars of what was recorded, in the order it was recorded.

    Parameters
    ----------
    intervals
        The lengths of bars that are made; candles of others are left out.

    Examples
    --------
    >>> Assembler(("1h",)).forming("BTC", "1h")
    """

    intervals: Collection[Interval]
    books: Books = field(default_factory=Books)
    contexts: dict[str, tuple[datetime, Context]] = {}
    markets: dict[str, Market] = {}

    def apply(self, record: StandardEvent[Any]) -> Sample | None:
        """Take an event; return the bar if it was a candle that closed or was corrected."""
        self.books.hear(record)
        match record.type:
            case "candles":
                return self._on_candle(record.data, record.recorded_at)
            case "trade_flow":
                self._on_flow(record.data, record.recorded_at)
            case "market_contexts":
                self._on_context(record.data, record.recorded_at)
        return None

    def forming(self, coin: str, interval: Interval) -> Bar | None:
        """Return the bar that is not over yet, with the flow so far; None if none is known."""
        market = self.markets.get(_key(coin, interval))
        if market is None or market.forming is None:
            return None
        return _with_flow(market.forming, market)

    def _on_candle(self, told: Candle, at: datetime) -> Sample | None:
        market = self._market(told.coin, told.interval)
        if market is None or not _is_whole(told):
            return None
        bar = _bar(told, at)
        if not told.closed:
            if market.forming is None or bar.open_ms >= market.forming.open_ms:
                market.forming = bar
            return None
        if market.forming is not None and market.forming.open_ms <= bar.open_ms:
            market.forming = None
        bar = _with_flow(bar, market)
        if _is_prompt(bar, told.interval):
            bar = structs.replace(
                bar,
                positioning=self._positioning(told, market, at),
                context=self._context(told.coin, at),
            )
        return Sample(told.coin, told.interval, bar)

    def _on_flow(self, told: TradeFlow, at: datetime) -> None:
        second_ms = _ms(told.second)
        if second_ms > _ms(at) + SKEW_MS:
            return
        for interval in self.intervals:
            market = self._market(told.coin, interval)
            if market is not None:
                _count(market.flows, second_ms - second_ms % INTERVAL_MS[interval], told)

    def _on_context(self, told: MarketContext, at: datetime) -> None:
        said_at, known = min(told.at, at), self.contexts.get(told.coin)
        if known is None and len(self.contexts) >= MAX_MARKETS:
            return
        if known is None or said_at >= known[0]:
            funding, interest = told.funding, told.open_interest
            self.contexts[told.coin] = (
                said_at,
                Context(
                    None if funding is None else float(funding),
                    None if interest is None else float(interest),
                ),
            )

    def _positioning(self, told: Candle, market: Market, at: datetime) -> Positioning:
        """Return who holds what; what was traded counts from the bar before, if that was seen."""
        open_ms, total = _ms(told.open_time), self.books.traded.get(told.coin, 0)
        before = market.counted
        follows = before is not None and before[0] + INTERVAL_MS[told.interval] == open_ms
        traded = (total - before[1]) / SIZE_SCALE if before is not None and follows else None
        if before is None or open_ms > before[0]:
            market.counted = open_ms, total
        return self.books.positioning(told.coin, at, traded)

    def _context(self, coin: str, at: datetime) -> Context | None:
        said_at, context = self.contexts.get(coin, (_EPOCH, None))
        return context if at - said_at <= timedelta(seconds=CONTEXT_SECONDS) else None

    def _market(self, coin: str, interval: Interval) -> Market | None:
        if interval not in self.intervals:
            return None
        key = _key(coin, interval)
        if key not in self.markets and len(self.markets) < MAX_MARKETS * len(self.intervals):
            self.markets[key] = Market()
        return self.markets.get(key)


def _key(coin: str, interval: Interval) -> str:
    return f"{coin}:{interval}"


def _ms(moment: datetime) -> int:
    return (moment - _EPOCH) // _MILLISECOND


def _is_whole(told: Candle) -> bool:
    return _ms(told.close_time) - _ms(told.open_time) == INTERVAL_MS[told.interval]


def _is_prompt(bar: Bar, interval: Interval) -> bool:
    """Tell whether the bar was learned before the next one closed.

    What is held when an older one is learned is not what was held when it closed.
    """
    late_ms = (bar.available_ms or 0) - bar.open_ms - INTERVAL_MS[interval]
    return late_ms < INTERVAL_MS[interval]


def _bar(told: Candle, at: datetime) -> Bar:
    return Bar(
        open_ms=_ms(told.open_time),
        open=float(told.open),
        high=float(told.high),
        low=float(told.low),
        close=float(told.close),
        volume=float(told.volume),
        available_ms=_ms(at),
        revision=told.revision,
    )


def _with_flow(bar: Bar, market: Market) -> Bar:
    flow = market.flows.get(bar.open_ms)
    if flow is None:
        return bar
    return structs.replace(bar, buy_volume=flow.bought, sell_volume=flow.sold)


def _count(flows: dict[int, Traded], open_ms: int, told: TradeFlow) -> None:
    """Add a second to its bar, unless the bar is so old that its flow has been forgotten."""
    if open_ms not in flows:
        if len(flows) == _KEPT_FLOWS:
            if open_ms < min(flows):
                return
            del flows[min(flows)]
        flows[open_ms] = Traded()
    flow = flows[open_ms]
    flow.bought += float(told.buy_volume)
    flow.sold += float(told.sell_volume)
