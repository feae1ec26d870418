"""What came of deciding at the close of each bar: the answers that a model is taught.

A label looks ahead by what it is, so it says when its outcome was known (`Labels.ended`): splits
part training from test by that moment. Labels never change as later bars come; a bar whose outcome
has not shown by the last bar has none.
"""

from dataclasses import dataclass, fields
from datetime import timedelta
from math import ceil

import numpy as np

from signal_system.ml.arrays import Floats, Ints
from signal_system.ml.bars import MILLISECOND, Bars


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """One row for each bar whose outcome is known.

    Attributes
    ----------
    first, last
        Numbers of the bar decided at and of the bar that settled it.
    began, ended
        When these two closed.
    outcomes
        1 if being long paid, -1 if being short did, 0 if neither.
    returns
        Of being long from the first close to where it ended, before costs.
    reach
        How far the price had to move either way, as a fraction of the first close.
    """

    first: Ints
    last: Ints
    began: Ints
    ended: Ints
    outcomes: Ints
    returns: Floats
    reach: Floats

    def __len__(self) -> int:
        return len(self.first)

    def rows(self, chosen: Ints) -> "Labels":
        """Return the labels with these numbers."""
        return Labels(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def after_costs(self, sides: Ints, cost: float) -> Floats:
        """Return what having taken `sides` (1, 0 or -1) paid, a round trip costing `cost`."""
        return np.asarray(sides * self.returns - np.abs(sides) * cost, dtype=float)


def volatility(closes: Floats, half_life: float) -> Floats:
    """Return the root of the exponentially weighted mean square of log returns, bar by bar.

    Bar `t` uses closes up to `t`. The weights are normalised, so that it is unbiased from the
    second bar on; the first is NaN.
    """
    decay = 0.5 ** (1 / half_life)
    squares = np.diff(np.log(closes)) ** 2
    found, total, weight = np.full(len(closes), np.nan), 0.0, 0.0
    for bar, square in enumerate(squares, 1):
        total, weight = decay * total + square, decay * weight + 1
        found[bar] = total / weight
    return np.asarray(np.sqrt(found), dtype=float)


def fixed_horizon(bars: Bars, horizon: timedelta, *, cost: float) -> Labels:
    """Label by which side paid more than a round trip's `cost` after `horizon`.

    The outcome is taken at the first close that is not earlier; where more than a bar is missing
    there, it speaks of a longer time, as being in the market would have.
    """
    first = np.arange(len(bars))
    last = np.searchsorted(bars.closed, bars.closed + horizon // MILLISECOND)
    first, last = first[last < len(bars)], last[last < len(bars)]
    returns = bars.closes[last] / bars.closes[first] - 1
    outcomes = np.where(np.abs(returns) > cost, np.sign(returns), 0).astype(np.int64)
    return Labels(
        first,
        last,
        bars.closed[first],
        bars.closed[last],
        outcomes,
        returns,
        np.full(len(first), cost),
    )


def triple_barrier(
    bars: Bars, horizon: timedelta, *, width: float, half_life: float, floor: float = 0.0
) -> Labels:
    """Label by which of two prices is touched first, or 0 if neither is within `horizon`.

    Lopez de Prado, Advances in Financial Machine Learning (2018), section 3.4. The prices lie
    `width` volatilities of the horizon away, and at least the fraction `floor`. A bar that touches
    both does not say which came first: that is 0 too.

    Parameters
    ----------
    half_life
        Of the volatility, in bars. The first three of them have no label.
    """
    reach = width * volatility(bars.closes, half_life) * np.sqrt(horizon / bars.length)
    reach[: ceil(3 * half_life)] = np.nan
    first = np.flatnonzero(reach > 0)
    reach = np.maximum(reach[first], floor)
    above, below = bars.closes[first] * (1 + reach), bars.closes[first] * (1 - reach)
    last, outcomes = _first_touch(bars, first, above, below, horizon)
    ends = np.select([outcomes > 0, outcomes < 0], [above, below], bars.closes[last])
    labels = Labels(
        first=first,
        last=last,
        began=bars.closed[first],
        ended=bars.closed[last],
        outcomes=outcomes,
        returns=ends / bars.closes[first] - 1,
        reach=reach,
    )
    return labels.rows(np.flatnonzero(last > first))


def uniqueness(first: Ints, last: Ints) -> Floats:
    """Return for each label how much of what it saw is its own, in (0, 1].

    The mean, over the bars after `first` up to `last`, of one over the number of labels that saw
    the bar (Lopez de Prado 2018, section 4.4). Pass the labels of one training set alone.

    Examples
    --------
    >>> uniqueness(np.array([0, 1, 5]), np.array([2, 3, 6]))
    array([0.75, 0.75, 1.  ])
    """
    if not len(first):
        return np.zeros(0)
    seen = np.zeros(int(last.max()) + 2)
    np.add.at(seen, first + 1, 1)
    np.add.at(seen, last + 1, -1)
    counts = np.cumsum(seen)
    shares = np.concatenate([[0.0], np.cumsum(np.where(counts > 0, 1 / np.maximum(counts, 1), 0))])
    return np.asarray((shares[last + 1] - shares[first + 1]) / (last - first), dtype=float)


def _first_touch(
    bars: Bars, first: Ints, above: Floats, below: Floats, horizon: timedelta
) -> tuple[Ints, Ints]:
    """Return the bar that settles each row and how; the row's own bar where none has yet."""
    last, outcomes = first.copy(), np.zeros(len(first), dtype=np.int64)
    deadline = bars.closed[first] + horizon // MILLISECOND
    waiting, ahead = np.arange(len(first)), 1
    while len(waiting := waiting[first[waiting] + ahead < len(bars)]):
        bar = first[waiting] + ahead
        up, down = bars.highs[bar] >= above[waiting], bars.lows[bar] <= below[waiting]
        settled = up | down | (bars.closed[bar] >= deadline[waiting])
        outcomes[waiting] = up.astype(np.int64) - down
        last[waiting[settled]] = bar[settled]
        waiting, ahead = waiting[~settled], ahead + 1
    return last, outcomes
