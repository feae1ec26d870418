"""How far the price swings, and whether the swings have a direction."""

from dataclasses import dataclass
from typing import ClassVar

from signal_system.ml.features.bar import Bar
from signal_system.ml.features.feature import Column, Handle, History, Values, ratio
from signal_system.ml.features.indicators import (
    OfRange,
    OnClose,
    OnRange,
    TechnicalFeature,
    Three,
    bollinger,
    falling,
    rising,
    trend_strength,
    true_range,
)


@dataclass(frozen=True)
class TrueRange(TechnicalFeature):
    """How far a bar reaches on average."""

    source: ClassVar[str] = "Wilder 1978; TA-Lib ATR"

    period: int = 14

    @property
    def columns(self) -> tuple[Column, ...]:
        """One column."""
        formula = f"100 · ATR({self.period}) / close"
        return (Column(f"atr_percent_{self.period}", formula, "percent", 0),)

    @property
    def lookback(self) -> int:
        """A whole average of ranges."""
        return self.period + 1

    def open(self, history: History) -> Handle:
        """Average over `history`."""
        return OnRange(true_range(history, self.period), _percent)


@dataclass(frozen=True)
class Bollinger(TechnicalFeature):
    """Where in its usual spread the price is, and how wide that is."""

    source: ClassVar[str] = "Bollinger 2001; TA-Lib BBANDS"

    period: int = 20
    deviations: float = 2.0

    @property
    def columns(self) -> tuple[Column, ...]:
        """Two columns."""
        bands = f"bands: mean ± {self.deviations:g} standard deviations over {self.period}"
        return (
            Column("bollinger_position", f"(close - lower) / (upper - lower); {bands}", "ratio"),
            Column("bollinger_width", "(upper - lower) / mean", "ratio", 0),
        )

    @property
    def lookback(self) -> int:
        """A whole mean."""
        return self.period

    def open(self, history: History) -> Handle:
        """Remember the last prices of `history`."""
        return OnClose(bollinger(history, self.period, self.deviations), _place_and_width)


@dataclass(frozen=True)
class Directional(TechnicalFeature):
    """Whether the swings go one way, and which."""

    source: ClassVar[str] = "Wilder 1978; TA-Lib ADX, PLUS_DI, MINUS_DI"

    period: int = 14

    @property
    def columns(self) -> tuple[Column, ...]:
        """Three columns."""
        ranges = f"true range, Wilder's sums over {self.period}"
        rises, falls = f"100 · new highs / {ranges}", f"100 · new lows / {ranges}"
        strength = f"Wilder's average over {self.period} of 100 · |DI+ - DI-| / (DI+ + DI-)"
        return (
            Column(f"adx_{self.period}", strength, "0 to 100", 0, 100),
            Column(f"di_plus_{self.period}", rises, "0 to 100", 0, 100),
            Column(f"di_minus_{self.period}", falls, "0 to 100", 0, 100),
        )

    @property
    def lookback(self) -> int:
        """An average of averages."""
        return 2 * self.period

    def open(self, history: History) -> Handle:
        """Average over `history`."""
        period = self.period
        return _Directions(
            trend_strength(history, period), rising(history, period), falling(history, period)
        )


class _Directions:
    def __init__(self, *indicators: OfRange[float]) -> None:
        self._indicators = indicators

    def update(self, bar: Bar) -> Values:
        high, low, close = bar.high, bar.low, bar.close
        return tuple([each.update(high, low, close) for each in self._indicators])

    def peek(self, bar: Bar) -> Values:
        high, low, close = bar.high, bar.low, bar.close
        return tuple([each.peek(high, low, close) for each in self._indicators])


def _percent(bar: Bar, reach: float) -> Values:
    return (100 * reach / bar.close,)


def _place_and_width(bar: Bar, bands: Three) -> Values:
    upper, mean, lower = bands
    return ratio(bar.close - lower, upper - lower), (upper - lower) / mean
