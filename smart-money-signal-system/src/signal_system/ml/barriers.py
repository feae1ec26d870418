"""The two prices that a prediction is about, from the closes before it: live, as in the labels."""

from collections.abc import Sequence
from math import ceil, sqrt

import numpy as np

from signal_system.ml.direction import Barriers

_FORGOTTEN = 30  # half-lives after which a return weighs less than a billionth


def barriers_at(
    closes: Sequence[float], rule: Barriers, horizon_bars: float
) -> tuple[float, float] | None:
    """Return the upper and the lower price after the last of `closes`; None if they are too few.

    They lie as far from it as `signal_system.ml.labels.triple_barrier` puts them, but for returns
    so old that they weigh nothing.

    Examples
    --------
    >>> rule = Barriers(width=1.0, half_life_bars=1, floor=0.05)
    >>> barriers_at([100.0, 100.1, 100.0, 100.0], rule, horizon_bars=4)
    (105.0, 95.0)
    """
    if len(closes) <= ceil(3 * rule.half_life_bars):
        return None
    recent = np.array(closes[-ceil(_FORGOTTEN * rule.half_life_bars) - 1 :])
    squares = np.diff(np.log(recent)) ** 2
    weights = 0.5 ** (np.arange(len(squares))[::-1] / rule.half_life_bars)
    volatility = sqrt(float((weights * squares).sum() / weights.sum()))
    reach = max(rule.width * volatility * sqrt(horizon_bars), rule.floor)
    if not reach:
        return None
    last = float(recent[-1])
    return last * (1 + reach), last * (1 - reach)
