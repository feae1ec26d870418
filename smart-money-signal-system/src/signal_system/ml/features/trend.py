"""Where the price stands beside its averages, and where it came from."""

from dataclasses import dataclass
from typing import ClassVar

from signal_system.ml.features.bar import Bar
from signal_system.ml.features.feature import Column, Handle, History, Values
from signal_system.ml.features.indicators import (
    OfClose,
    OnClose,
    TechnicalFeature,
    ema,
    rate_of_change,
)


@dataclass(frozen=True)
class PriceToEma(TechnicalFeature):
    """How far the price is from its average."""

    source: ClassVar[str] = "TA-Lib EMA"

    period: int

    @property
    def columns(self) -> tuple[Column, ...]:
        """One column."""
        formula = f"close / EMA({self.period}) - 1"
        return (Column(f"price_to_ema_{self.period}", formula, "fraction", -1),)

    @property
    def lookback(self) -> int:
        """A whole average."""
        return self.period

    def open(self, history: History) -> Handle:
        """Average over `history`."""
        return OnClose(ema(history, self.period), _distance)


@dataclass(frozen=True)
class EmaAlignment(TechnicalFeature):
    """Whether the averages stand in order, the fastest on top in a rising market."""

    source: ClassVar[str] = "TA-Lib EMA"

    fast: int
    middle: int
    slow: int

    @property
    def columns(self) -> tuple[Column, ...]:
        """One column."""
        fast, middle, slow = (f"EMA({each})" for each in (self.fast, self.middle, self.slow))
        formula = f"(sign({fast} - {middle}) + sign({middle} - {slow})) / 2"
        return (Column("ema_alignment", formula, "-1, -0.5, 0, 0.5 or 1", -1, 1),)

    @property
    def lookback(self) -> int:
        """The slowest average."""
        return self.slow

    def open(self, history: History) -> Handle:
        """Average over `history`."""
        return _Alignment(*(ema(history, each) for each in (self.fast, self.middle, self.slow)))


@dataclass(frozen=True)
class BarsAboveEma(TechnicalFeature):
    """For how long the price has kept to one side of its average."""

    source: ClassVar[str] = "TA-Lib EMA"

    period: int

    @property
    def columns(self) -> tuple[Column, ...]:
        """One column."""
        formula = (
            f"consecutive closes above EMA({self.period}), negative: below; 0: the close is on it"
        )
        return (Column(f"bars_above_ema_{self.period}", formula, "bars"),)

    @property
    def lookback(self) -> int:
        """A whole average."""
        return self.period

    def open(self, history: History) -> Handle:
        """Count back from the end of `history`."""
        return _Run(self.period, history)


@dataclass(frozen=True)
class Return(TechnicalFeature):
    """What the price did over a stretch of bars."""

    source: ClassVar[str] = "TA-Lib ROCP"

    period: int
    name: str = "return"

    @property
    def columns(self) -> tuple[Column, ...]:
        """One column."""
        formula = f"close / close {self.period} bars ago - 1"
        return (Column(f"{self.name}_{self.period}", formula, "fraction", -1),)

    @property
    def lookback(self) -> int:
        """The price it is compared with."""
        return self.period + 1

    def open(self, history: History) -> Handle:
        """Remember the last prices of `history`."""
        return OnClose(rate_of_change(history, self.period), _alone)


class _Alignment:
    def __init__(self, fast: OfClose[float], middle: OfClose[float], slow: OfClose[float]) -> None:
        self._fast, self._middle, self._slow = fast, middle, slow

    def update(self, bar: Bar) -> Values:
        close = bar.close
        return _aligned(
            self._fast.update(close), self._middle.update(close), self._slow.update(close)
        )

    def peek(self, bar: Bar) -> Values:
        close = bar.close
        return _aligned(self._fast.peek(close), self._middle.peek(close), self._slow.peek(close))


class _Run:
    """Counts on from the run that the history ends with."""

    def __init__(self, period: int, history: History) -> None:
        known = History(history.bars[:period])
        self._ema, self._run = ema(known, period), 0
        for bar in history.bars[period:]:
            self.update(bar)

    def update(self, bar: Bar) -> Values:
        self._run = self._after(bar.close, self._ema.update(bar.close))
        return (float(self._run),)

    def peek(self, bar: Bar) -> Values:
        return (float(self._after(bar.close, self._ema.peek(bar.close))),)

    def _after(self, close: float, average: float) -> int:
        side = (close > average) - (close < average)
        return self._run + side if self._run * side > 0 else side


def _distance(bar: Bar, average: float) -> Values:
    return (bar.close / average - 1,)


def _aligned(fast: float, middle: float, slow: float) -> Values:
    upper, lower = (fast > middle) - (fast < middle), (middle > slow) - (middle < slow)
    return ((upper + lower) / 2,)


def _alone(_: Bar, value: float) -> Values:
    return (value,)
