"""How fast the price moves, and whether it tires."""

from dataclasses import dataclass
from typing import ClassVar

from signal_system.ml.features.bar import Bar
from signal_system.ml.features.feature import NAN, Column, Handle, History, Values
from signal_system.ml.features.indicators import (
    OnClose,
    OnRange,
    TechnicalFeature,
    Three,
    Two,
    macd,
    rsi,
    stochastic,
)


@dataclass(frozen=True)
class RelativeStrength(TechnicalFeature):
    """How much of the movement was upwards."""

    source: ClassVar[str] = "Wilder 1978; TA-Lib RSI"

    period: int

    @property
    def columns(self) -> tuple[Column, ...]:
        """One column."""
        formula = (
            f"100 · rises / (rises + falls), Wilder's averages over {self.period};"
            " unknown where nothing ever rose"
        )
        return (Column(f"rsi_{self.period}", formula, "0 to 100", 0, 100),)

    @property
    def lookback(self) -> int:
        """A whole average of changes."""
        return self.period + 1

    def open(self, history: History) -> Handle:
        """Average over `history`."""
        return OnClose(rsi(history, self.period), _unless_still)


@dataclass(frozen=True)
class MacdHistogram(TechnicalFeature):
    """Whether the distance of two averages grows."""

    source: ClassVar[str] = "Appel 1979; TA-Lib MACD"

    fast: int = 12
    slow: int = 26
    signal: int = 9

    @property
    def columns(self) -> tuple[Column, ...]:
        """One column."""
        formula = (
            f"(MACD - EMA(MACD, {self.signal})) / close, MACD = EMA({self.fast}) - EMA({self.slow})"
        )
        return (Column("macd_histogram", formula, "fraction"),)

    @property
    def lookback(self) -> int:
        """A whole signal line."""
        return self.slow + self.signal - 1

    def open(self, history: History) -> Handle:
        """Average over `history`."""
        return OnClose(macd(history, self.fast, self.slow, self.signal), _histogram)


@dataclass(frozen=True)
class Stochastic(TechnicalFeature):
    """Where in its recent range the price closes."""

    source: ClassVar[str] = "Lane 1984; TA-Lib STOCH"

    period: int = 14
    smooth: int = 3

    @property
    def columns(self) -> tuple[Column, ...]:
        """Two columns."""
        place = f"100 · (close - lowest) / (highest - lowest) over {self.period}"
        k = f"mean over {self.smooth} of {place}; 0 where the range is"
        d = f"mean over {self.smooth} of stochastic_k"
        return (
            Column("stochastic_k", k, "0 to 100", 0, 100),
            Column("stochastic_d", d, "0 to 100", 0, 100),
        )

    @property
    def lookback(self) -> int:
        """A range, smoothed twice."""
        return self.period + 2 * self.smooth - 2

    def open(self, history: History) -> Handle:
        """Remember the last ranges of `history`."""
        return OnRange(stochastic(history, self.period, self.smooth), _both)


def _unless_still(_: Bar, strength: float) -> Values:
    """Return the index, NaN where the library says 0 because nothing moved."""
    return (strength or NAN,)


def _histogram(bar: Bar, lines: Three) -> Values:
    return (lines[2] / bar.close,)


def _both(_: Bar, lines: Two) -> Values:
    return lines
