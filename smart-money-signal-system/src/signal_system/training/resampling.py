"""Intervals for numbers that are made of sums over days which are not independent."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from signal_system.ml.arrays import Floats, Ints

Statistic = Callable[[Floats], Floats]
"""Makes a number of sums: of shape (sums, draws) to (draws), NaN where it is not defined."""

DRAWS = 500
STRETCH_DAYS = 20
_COVERED = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and the interval that covers it with 95 %; None where it is not defined."""

    value: float | None
    low: float | None = None
    high: float | None = None


def estimate(table: Floats, statistic: Statistic) -> Estimate:
    """Return the statistic of the whole `table` (sums, days), with an interval.

    Stretches of days, `STRETCH_DAYS` long on average, are drawn anew: the stationary bootstrap of
    Politis and Romano (JASA 1994).

    Examples
    --------
    >>> estimate(np.ones((2, 100)), lambda sums: sums[0] / sums[1])
    Estimate(value=1.0, low=1.0, high=1.0)
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(statistic(table.sum(axis=1, keepdims=True))[0])
        drawn = statistic(table @ redrawn(table.shape[1]))
    return covered(value, drawn)


def covered(value: float, drawn: Floats) -> Estimate:
    """Return `value` with the interval that 95 % of the `drawn` ones lie in."""
    if not np.isfinite(value):
        return Estimate(None)
    low, high = np.percentile(drawn[np.isfinite(drawn)], _COVERED)
    return Estimate(value, float(low), float(high))


def by_day(days: Ints, *columns: Floats) -> Floats:
    """Return the sums of `columns` over each of the ascending `days`, of shape (columns, days)."""
    _, places = np.unique(days, return_inverse=True)
    return np.stack([np.bincount(places, weights=column) for column in columns])


@lru_cache(maxsize=4)
def redrawn(days: int) -> Floats:
    """Return how often each day is drawn, of shape (days, draws).

    For statistics that are not made of sums: weigh every row by its day's number.
    """
    random = np.random.default_rng(0)
    places = np.empty((days, DRAWS), dtype=np.int64)
    places[0] = random.integers(days, size=DRAWS)
    for day in range(1, days):
        fresh = random.random(DRAWS) < 1 / STRETCH_DAYS
        going_on = (places[day - 1] + 1) % days
        places[day] = np.where(fresh, random.integers(days, size=DRAWS), going_on)
    drawn = places + np.arange(DRAWS) * days
    counts = np.bincount(drawn.ravel(), minlength=days * DRAWS)
    return counts.reshape(DRAWS, days).T.astype(float)
