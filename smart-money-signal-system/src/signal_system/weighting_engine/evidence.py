"""How well each voter's timing paid per unit of risk, and how sure that is: kept up bar by bar.

The mean of every quantity follows a local-level model (a random walk observed with noise; Harvey,
*Forecasting, Structural Time Series Models and the Kalman Filter*, 1989): an observation raises the
effective number of observations by one, the passing of time lowers it. The first bars therefore
count alike, very old ones less, and more evidence never makes anything less sure.

The Sharpe ratio is that of timing before costs: who trades much pays much, which is no sign of
knowing little, and many who trade against each other pay little together. Its standard error is Lo's (*The Statistics of Sharpe Ratios*,
2002), inflated by the autocorrelation of the results as Newey and West (1987) do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log, sqrt

import numpy as np

from signal_system.weighting_engine.columns import Columns, Floats, Saved
from signal_system.weighting_engine.paper import Bar
from signal_system.weighting_engine.rules import DAY, EvidenceRules

REGIMES = ("bull", "neutral", "bear")
"""The states that skill is told apart by; in any other, only overall skill is known."""

_MEANS = ("timing", "square", "lag_1", "lag_2", "habit", "cost")
_COLUMNS = {
    **dict.fromkeys(("count", *_MEANS, "before_1", "before_2"), "f8"),
    **dict.fromkeys(("regime_count", "regime_timing"), f"({len(REGIMES)},)f8"),
}
_YEAR = 365 * DAY
_LEAST_VARIANCE = 1e-10
_MOST_INFLATION = 5.0


@dataclass(frozen=True, slots=True)
class Estimates:
    """What is known of everybody's skill, by voter; ratios are those of a year of active bars.

    Attributes
    ----------
    ratio, error
        The Sharpe ratio before costs, which tells information, and its standard error; without any
        result 0 and infinity.
    net
        The Sharpe ratio after costs, which tells what a single copier would have had.
    count
        Effective number of bars.
    by_regime, regime_count
        The same by regime, in the order of `REGIMES`.
    """

    ratio: Floats
    net: Floats
    error: Floats
    count: Floats
    by_regime: Floats
    regime_count: Floats


class Evidence:
    """Running means of everybody's results.

    Parameters
    ----------
    rules
        How fast the old is forgotten.
    bar_seconds
        How long a bar is.
    """

    def __init__(self, rules: EvidenceRules, bar_seconds: int) -> None:
        bars = rules.half_life_days * DAY / bar_seconds
        self._drift = (log(2) / bars) ** 2
        self._year = sqrt(_YEAR / bar_seconds)
        self.columns = Columns(_COLUMNS)

    def open(self) -> int:
        """Begin to keep evidence of one more voter; return its number."""
        return self.columns.add()

    def add(self, bar: Bar, regimes: Mapping[str, float]) -> None:
        """Take what everybody did in `bar`, in which the `regimes` had these probabilities."""
        columns, active = self.columns, bar.active
        timing = bar.timing
        gain = self._observed("count", active.astype(float), bar.bars)
        seen = {
            "timing": timing,
            "square": timing * timing,
            "lag_1": timing * columns["before_1"],
            "lag_2": timing * columns["before_2"],
            "habit": bar.habit,
            "cost": bar.cost,
        }
        for name in _MEANS:
            columns[name] += gain * (seen[name] - columns[name])
        columns["before_2"] = np.where(active, columns["before_1"], columns["before_2"])
        columns["before_1"] = np.where(active, timing, columns["before_1"])
        self._add_by_regime(bar, regimes)

    def estimates(self) -> Estimates:
        """Return what is known now."""
        columns, count, mean = self.columns, self.columns["count"], self.columns["timing"]
        freedom = count / np.maximum(count - 1, 1)
        variance = np.maximum((columns["square"] - mean**2) * freedom, _LEAST_VARIANCE)
        deviation = np.sqrt(variance)
        ratio = (mean + columns["cost"]) / deviation
        with np.errstate(divide="ignore"):
            error = np.sqrt(self._inflation(variance) * (1 + ratio**2 / 2) / count)
        known = columns["regime_count"]
        year = self._year
        return Estimates(
            ratio=year * ratio,
            net=year * mean / deviation,
            error=year * error,
            count=count,
            by_regime=year * columns["regime_timing"] / deviation[:, None],
            regime_count=known,
        )

    def per_risk(self) -> Floats:
        """Return one over the usual deviation of everybody's results; 0 of whom none is known."""
        square = self.columns["square"]
        told = square > _LEAST_VARIANCE
        inverse: Floats = np.where(told, 1 / np.sqrt(np.where(told, square, 1.0)), 0.0)
        return inverse

    def snapshot(self) -> Saved:
        """Return what `restore` needs to go on from here."""
        return self.columns.saved()

    def restore(self, saved: Saved) -> None:
        """Become what `saved` was taken of; this one must be new."""
        self.columns.restore(saved)

    def _observed(self, name: str, weight: Floats, bars: float) -> Floats:
        """Let time pass and count observations of that `weight`; return how far means move."""
        count = self.columns[name]
        count /= 1 + count * self._drift * bars
        count += weight
        gain: Floats = np.divide(weight, count, out=np.zeros_like(count), where=weight > 0)
        return gain

    def _add_by_regime(self, bar: Bar, regimes: Mapping[str, float]) -> None:
        probability = np.array([regimes.get(name, 0.0) for name in REGIMES])
        gain = self._observed("regime_count", bar.active[:, None] * probability, bar.bars)
        mean = self.columns["regime_timing"]
        mean += gain * ((bar.timing + bar.cost)[:, None] - mean)

    def _inflation(self, variance: Floats) -> Floats:
        """Return how much autocorrelation widens the error: Bartlett's weights over two lags."""
        columns, mean = self.columns, self.columns["timing"]
        first, second = (columns[name] - mean**2 for name in ("lag_1", "lag_2"))
        inflation = 1 + 2 * (2 / 3 * first + 1 / 3 * second) / variance
        clipped: Floats = np.clip(inflation, 1.0, _MOST_INFLATION)
        return clipped
