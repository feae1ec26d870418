"""Candles built from public trades, to hold the venue's against. Pure.

The venue's counts and volumes are right, its prices sometimes are not. A candle built from as many trades of the
same volume was built from all of them, and then its prices are the right ones.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from market_scraper.intervals import INTERVALS
from market_scraper.moments import milliseconds
from market_scraper.positions.ledger import Trade
from shared_events.payloads import Candle, Interval

_KEPT = 3
_ZERO = Decimal(0)


@dataclass(slots=True)
class _Built:
    """One candle in the making; trades of one block come in their order."""

    first_ms: int
    last_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = _ZERO
    trades: int = 0

    def take(self, trade: Trade) -> None:
        if trade.ms < self.first_ms:
            self.first_ms, self.open = trade.ms, trade.price
        if trade.ms >= self.last_ms:
            self.last_ms, self.close = trade.ms, trade.price
        self.high = max(self.high, trade.price)
        self.low = min(self.low, trade.price)
        self.volume += trade.size
        self.trades += 1


@dataclass(slots=True)
class BuiltCandles:
    """The newest candles of some series.

    Parameters
    ----------
    intervals
        Which lengths are built.
    """

    intervals: Sequence[Interval] = tuple(INTERVALS)
    corrected: int = 0
    _series: dict[tuple[str, Interval], dict[int, _Built]] = field(default_factory=dict)

    def take(self, trades: Iterable[Trade]) -> None:
        """Add `trades`, of which none was added before."""
        for trade in trades:
            for interval in self.intervals:
                self._add(trade, interval)

    def checked(self, candle: Candle) -> Candle:
        """Return `candle` with the prices of its trades if all of them are known, else as it is."""
        series = self._series.get((candle.coin, candle.interval), {})
        built = series.get(milliseconds(candle.open_time))
        if built is None or not candle.closed:
            return candle
        if (built.trades, built.volume) != (candle.trades, candle.volume):
            return candle
        prices = built.open, built.high, built.low, built.close
        if prices == (candle.open, candle.high, candle.low, candle.close):
            return candle
        self.corrected += 1
        names = ("open", "high", "low", "close")
        return candle.model_copy(
            update={**dict(zip(names, prices, strict=True)), "origin": "trades"}
        )

    def _add(self, trade: Trade, interval: Interval) -> None:
        length_ms = int(INTERVALS[interval].total_seconds() * 1_000)
        open_ms = trade.ms - trade.ms % length_ms
        series = self._series.setdefault((trade.coin, interval), {})
        built = series.get(open_ms)
        if built is None:
            built = series[open_ms] = _Built(
                trade.ms, trade.ms, trade.price, trade.price, trade.price, trade.price
            )
            while len(series) > _KEPT:
                del series[min(series)]
        built.take(trade)
