"""How likely a Sharpe ratio is skill, when it is the best of several that were tried.

Bailey and Lopez de Prado, "The Deflated Sharpe Ratio", Journal of Portfolio Management 40 (2014).
Ratios are per bar, not annualised.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import e, sqrt
from statistics import NormalDist, fmean, stdev, variance

_EULER_GAMMA = 0.5772156649015329
_NORMAL = NormalDist()
_LEAST_RETURNS = 3


@dataclass(frozen=True, slots=True)
class Track:
    """What decides how well a Sharpe ratio is known: its returns' number and shape.

    Attributes
    ----------
    kurtosis
        3 for a normal distribution.
    """

    sharpe: float
    returns: int
    skewness: float = 0.0
    kurtosis: float = 3.0

    @classmethod
    def of(cls, returns: Sequence[float]) -> "Track | None":
        """Measure `returns`; None where there are too few, or nothing varies."""
        if len(returns) < _LEAST_RETURNS or not (deviation := stdev(returns)):
            return None
        mean = fmean(returns)
        scores = [(each - mean) / deviation for each in returns]
        return cls(
            sharpe=mean / deviation,
            returns=len(returns),
            skewness=fmean(score**3 for score in scores),
            kurtosis=fmean(score**4 for score in scores),
        )


@dataclass(frozen=True, slots=True)
class Deflated:
    """A Sharpe ratio's chance of being above what luck alone gives the best of `trials`."""

    trials: int
    threshold: float
    probability: float


def probabilistic_sharpe(track: Track, benchmark: float = 0.0) -> float:
    """Return the probability that the true Sharpe ratio is above `benchmark`.

    Examples
    --------
    >>> round(probabilistic_sharpe(Track(sharpe=0.1, returns=101)), 4)
    0.8407
    """
    ratio = track.sharpe
    spread = 1 - track.skewness * ratio + (track.kurtosis - 1) / 4 * ratio**2
    return _NORMAL.cdf((ratio - benchmark) * sqrt(track.returns - 1) / sqrt(spread))


def luckiest(trials: int, dispersion: float) -> float:
    """Return the expected best Sharpe ratio of `trials` without skill, `dispersion` their variance.

    Examples
    --------
    >>> round(luckiest(trials=100, dispersion=0.5 / 250), 4)
    0.1132
    """
    if trials < 2:  # noqa: PLR2004 -- one trial was not chosen among others
        return 0.0
    high, higher = _NORMAL.inv_cdf(1 - 1 / trials), _NORMAL.inv_cdf(1 - 1 / (trials * e))
    return sqrt(dispersion) * ((1 - _EULER_GAMMA) * high + _EULER_GAMMA * higher)


def deflated(track: Track, trials: Sequence[float]) -> Deflated:
    """Judge `track`, the best of `trials`: the ratios of everything that was ever tried.

    Leaving out a trial that disappointed makes the answer wrong.
    """
    dispersion = variance(trials) if len(trials) > 1 else 0.0
    threshold = luckiest(len(trials), dispersion)
    return Deflated(len(trials), threshold, probabilistic_sharpe(track, threshold))
