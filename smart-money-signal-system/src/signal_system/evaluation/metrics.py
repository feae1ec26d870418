"""Numbers that judge a forecast: of two states against a reference, and of what following it paid."""

from collections.abc import Sequence
from itertools import pairwise
from math import prod, sqrt
from statistics import fmean, stdev


def matthews(said: Sequence[bool], true: Sequence[bool]) -> float | None:
    """Return the Matthews correlation in [-1, 1]; None if either side never varies.

    Examples
    --------
    >>> matthews([True, True, False, False], [True, False, False, False])
    0.5773502691896258
    """
    pairs = list(zip(said, true, strict=True))
    hits, rejections = pairs.count((True, True)), pairs.count((False, False))
    alarms, misses = pairs.count((True, False)), pairs.count((False, True))
    norm = (hits + alarms) * (hits + misses) * (rejections + alarms) * (rejections + misses)
    return (hits * rejections - alarms * misses) / sqrt(norm) if norm else None


def switches(said: Sequence[bool]) -> int:
    """Return how often the state changed.

    Examples
    --------
    >>> switches([True, True, False, True])
    2
    """
    return sum(before != after for before, after in pairwise(said))


def long_or_flat(
    said: Sequence[bool], closes: Sequence[float], *, cost: float, delay: int = 1
) -> list[float]:
    """Return per-bar returns of holding the coin while `said`, else nothing.

    A state known at one close is acted on `delay` bars later: with 1, at the next close. Each side
    of a trade costs half of `cost`.

    Examples
    --------
    >>> long_or_flat([True, True, True], [100, 110, 121], cost=0.0, delay=0)
    [0.10000000000000009, 0.10000000000000009]
    """
    held = [False] * (delay + 1) + list(said)
    returns = []
    for bar in range(1, len(closes)):
        before, now = held[bar - 1], held[bar]
        paid = cost / 2 if before != now else 0.0
        returns.append((closes[bar] / closes[bar - 1] - 1) * now - paid)
    return returns


def sharpe(returns: Sequence[float], bars_per_year: float) -> float | None:
    """Return the annualised mean over standard deviation; None where nothing varies."""
    if len(returns) < 2 or not (deviation := stdev(returns)):  # noqa: PLR2004 -- stdev needs two
        return None
    return fmean(returns) / deviation * sqrt(bars_per_year)


def deepest_fall(returns: Sequence[float]) -> float:
    """Return the largest loss from a peak of compounded equity, as a fraction.

    Examples
    --------
    >>> round(deepest_fall([0.5, -0.5, 0.2]), 3)
    0.5
    """
    equity = peak = 1.0
    worst = 0.0
    for each in returns:
        equity *= 1 + each
        peak = max(peak, equity)
        worst = max(worst, 1 - equity / peak)
    return worst


def compounded(returns: Sequence[float]) -> float:
    """Return what one unit became, less that unit.

    Examples
    --------
    >>> round(compounded([0.1, 0.1]), 2)
    0.21
    """
    return prod(1 + each for each in returns) - 1
