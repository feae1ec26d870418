"""What the regime is told by: volatility, trend, efficiency and downside of closed bars.

Averages weigh the past by half-lives, in bars. Nystrup, Lindstroem and Madsen (2020) and Shu, Yu and
Mulvey (2024) tell regimes by such features; the efficiency ratio is Kaufman's (1995).
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from math import fsum, log, sqrt
from typing import ClassVar

from shared_events.errors import ConfigError
from shared_events.payloads.market import Interval
from signal_system.ml.features.bar import Bar
from signal_system.ml.features.feature import (
    NAN,
    Column,
    Feature,
    Handle,
    History,
    Values,
    ratio,
)
from signal_system.ml.features.spec import FeatureSpec

_NYSTRUP = "Nystrup, Lindstroem, Madsen 2020"
_SHU = "Shu, Yu, Mulvey 2024"


class Averages:
    """Exponentially weighted means of the log returns and of their squares, weights adding to one.

    Parameters
    ----------
    half_life
        Bars after which a return counts half.
    square
        What is averaged beside the return itself.
    say
        Makes the value of the mean return and of the mean square.
    """

    def __init__(
        self,
        half_life: int,
        square: Callable[[float], float],
        say: Callable[[float, float], float],
        history: History,
    ) -> None:
        self._decay = 0.5 ** (1 / half_life)
        self._square, self._say = square, say
        self._last = log(history.bars[0].close)
        self._weight = self._mean = self._mean_square = 0.0
        for bar in history.bars[1:]:
            self._keep(bar)

    def update(self, bar: Bar) -> Values:
        """Take a closed bar."""
        self._keep(bar)
        return (self._say(self._mean / self._weight, self._mean_square / self._weight),)

    def peek(self, bar: Bar) -> Values:
        """Look at a forming bar."""
        weight, mean, square = self._next(log(bar.close) - self._last)
        return (self._say(mean / weight, square / weight),)

    def _keep(self, bar: Bar) -> None:
        price = log(bar.close)
        self._weight, self._mean, self._mean_square = self._next(price - self._last)
        self._last = price

    def _next(self, change: float) -> tuple[float, float, float]:
        decay = self._decay
        return (
            self._weight * decay + 1,
            self._mean * decay + change,
            self._mean_square * decay + self._square(change),
        )


@dataclass(frozen=True)
class _Average(Feature):
    """Anything that averages returns."""

    half_life: int

    @property
    def lookback(self) -> int:
        """A first price."""
        return 1


@dataclass(frozen=True)
class EwVolatility(_Average):
    """How much the price moves."""

    source: ClassVar[str] = _NYSTRUP

    @property
    def columns(self) -> tuple[Column, ...]:
        """One column."""
        formula = f"ln sqrt(EW(r²)), r the log return, half-life {self.half_life}"
        return (Column(f"log_volatility_{self.half_life}", formula, "ln per bar"),)

    def open(self, history: History) -> Handle:
        """Average over `history`."""
        return Averages(self.half_life, _squared, lambda _, square: _log_root(square), history)


@dataclass(frozen=True)
class EwTrend(_Average):
    """Where it moves to, in units of how much it moves."""

    source: ClassVar[str] = _NYSTRUP

    @property
    def columns(self) -> tuple[Column, ...]:
        """One column."""
        formula = f"EW(r) / sqrt(EW(r²)), r the log return, half-life {self.half_life}"
        return (Column(f"trend_{self.half_life}", formula, "ratio", -1, 1),)

    def open(self, history: History) -> Handle:
        """Average over `history`."""
        return Averages(self.half_life, _squared, _per_root, history)


@dataclass(frozen=True)
class EwDownside(_Average):
    """How much it falls when it falls."""

    source: ClassVar[str] = _SHU

    @property
    def columns(self) -> tuple[Column, ...]:
        """One column."""
        formula = f"ln sqrt(EW(min(r, 0)²)), r the log return, half-life {self.half_life}"
        return (Column(f"log_downside_{self.half_life}", formula, "ln per bar"),)

    def open(self, history: History) -> Handle:
        """Average over `history`."""
        return Averages(self.half_life, _fall_squared, lambda _, square: _log_root(square), history)


@dataclass(frozen=True)
class EwSortino(_Average):
    """Where it moves to, in units of how much it falls."""

    source: ClassVar[str] = _SHU

    @property
    def columns(self) -> tuple[Column, ...]:
        """One column."""
        formula = f"EW(r) / sqrt(EW(min(r, 0)²)), r the log return, half-life {self.half_life}"
        return (Column(f"sortino_{self.half_life}", formula, "ratio", -1),)

    def open(self, history: History) -> Handle:
        """Average over `history`."""
        return Averages(self.half_life, _fall_squared, _per_root, history)


@dataclass(frozen=True)
class Efficiency(Feature):
    """How straight the way was."""

    source: ClassVar[str] = "Kaufman 1995"

    bars: int

    @property
    def columns(self) -> tuple[Column, ...]:
        """One column."""
        formula = f"|sum r| / sum |r| over {self.bars} log returns"
        return (Column(f"efficiency_{self.bars}", formula, "ratio", 0, 1),)

    @property
    def lookback(self) -> int:
        """One price more than returns."""
        return self.bars

    def open(self, history: History) -> Handle:
        """Remember the last prices of `history`."""
        return _Way(self.bars, history)


class _Way:
    def __init__(self, bars: int, history: History) -> None:
        self._prices = deque((log(bar.close) for bar in history.bars[-bars:]), bars)
        steps = list(self._prices)
        later = zip(steps[1:], steps[:-1], strict=True)
        self._steps = deque((abs(to - start) for to, start in later), bars - 1)

    def update(self, bar: Bar) -> Values:
        values = self.peek(bar)
        price = log(bar.close)
        self._steps.append(abs(price - self._prices[-1]))
        self._prices.append(price)
        return values

    def peek(self, bar: Bar) -> Values:
        price = log(bar.close)
        way = fsum(self._steps) + abs(price - self._prices[-1])
        return (ratio(min(abs(price - self._prices[0]), way), way),)


HOURLY: tuple[Feature, ...] = (EwVolatility(24), EwTrend(48), EwTrend(168), Efficiency(72))
DAILY: tuple[Feature, ...] = (EwDownside(10), EwSortino(20), EwSortino(60))

REGIME_INTERVALS: tuple[Interval, ...] = ("1h", "1d")


def regime(interval: Interval) -> FeatureSpec:
    """Return what the regime is told by on bars of `interval`.

    The longest half-life fits twelve times into the warm-up: what came before weighs 0.02 %.

    Raises
    ------
    ConfigError
        For other bars than hours and days.
    """
    if interval == "1h":
        return FeatureSpec("regime", "1h", HOURLY, 2_016, 504, 168)
    if interval == "1d":
        return FeatureSpec("regime", "1d", DAILY, 720, 120, 8)
    known = " or ".join(REGIME_INTERVALS)
    raise ConfigError(f"regimes are told on bars of {known}, not of {interval}")


def _squared(change: float) -> float:
    return change * change


def _fall_squared(change: float) -> float:
    return change * change if change < 0 else 0.0


def _log_root(square: float) -> float:
    return log(square) / 2 if square > 0 else NAN


def _per_root(mean: float, square: float) -> float:
    return ratio(mean, sqrt(square))
