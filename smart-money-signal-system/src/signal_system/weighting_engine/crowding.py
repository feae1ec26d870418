"""How many voices there really are: who earns and loses together says the same thing.

Two voters are compared by the correlation of their paper results over the last weeks, which is that
of their positions. A voice counts ``1 / sum_j max(0, C_ij)^6``: sharp enough that voters who merely
share a market keep theirs, while n copies of one voter share one voice.
"""

from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt

from signal_system.weighting_engine.columns import Floats, Ints, sums

Alike = npt.NDArray[np.floating[Any]]
"""Correlations of every two voters."""

ECHO_UNIT = 30
_LOUDEST = 4.0
_ROUNDS = 20


def echo(results: Floats, deviation: Floats) -> Ints:
    """Return results in thirtieths of their deviation, at most four deviations: one byte each.

    Examples
    --------
    >>> echo(np.array([1.0, -9.0, 0.0]), np.array([2.0, 1.0, 0.0])).tolist()
    [15, -120, 0]
    """
    scaled = np.divide(results, deviation, out=np.zeros_like(results), where=deviation > 0)
    rounded: Ints = np.rint(ECHO_UNIT * np.clip(scaled, -_LOUDEST, _LOUDEST)).astype(np.int8)
    return rounded


def correlations(echoes: Ints) -> Alike:
    """Return the correlation of every two voters' echoes, a row each; 0 with one who was silent.

    Examples
    --------
    >>> correlations(
    ...     np.array([[1, -1, 2, -2], [2, -2, 4, -4], [1, 1, -1, -1], [0, 0, 0, 0]])
    ... ).tolist()
    [[1.0, 1.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    """
    rows = echoes.astype(np.float32)
    found = rows @ rows.T  # sums of small integers: exact
    length = np.sqrt(found.diagonal())
    length[length == 0] = 1.0
    found /= length
    found /= length[:, None]
    np.fill_diagonal(found, 1.0)
    return found


def uniqueness(correlation: Alike, sharpness: int) -> Floats:
    """Return what is left of each voice after those that say the same.

    Examples
    --------
    >>> uniqueness(np.array([[1.0, 1.0, 0.5], [1.0, 1.0, 0.5], [0.5, 0.5, 1.0]]), 6).round(2)
    array([0.5 , 0.5 , 0.97])
    """
    alike, left = np.maximum(correlation, 0.0), np.ones_like(correlation)
    for bit in bin(sharpness)[:1:-1]:  # squaring: a power of whole arrays is slow
        if bit == "1":
            left *= alike
        alike *= alike
    shared: Floats = 1 / left.sum(axis=1, dtype=np.float64)
    return shared


def clusters(correlation: Alike, same: float) -> Ints:
    """Return the number of each voter's cluster: everybody reached over correlations from `same` on.

    Examples
    --------
    >>> clusters(np.array([[1.0, 0.95, 0.0], [0.95, 1.0, 0.0], [0.0, 0.0, 1.0]]), 0.9).tolist()
    [0, 0, 2]
    """
    linked = correlation >= same
    label: Ints = np.arange(len(correlation))
    while True:
        lowest = np.where(linked, label, len(label)).min(axis=1, initial=len(label))
        lowest = np.minimum(label, lowest)
        if np.array_equal(lowest, label):
            return label
        label = lowest


def effective(weights: Floats, correlation: Alike) -> float:
    """Return how many independent voices of equal weight there are: (sum w)^2 / w'Cw.

    Examples
    --------
    >>> alike = np.array([[1.0, 1.0], [1.0, 1.0]])
    >>> effective(np.ones(2), alike), effective(np.ones(2), np.eye(2))
    (1.0, 2.0)
    """
    risk = float(weights @ np.maximum(correlation, 0.0) @ weights)
    return float(weights.sum() ** 2) / risk if risk > 0 else 0.0


def audible(raw: Floats, least: float) -> Floats:
    """Return the weights without those that are less than `least` of the heaviest.

    Examples
    --------
    >>> audible(np.array([2.0, 0.3, 0.1]), 0.1).tolist()
    [2.0, 0.3, 0.0]
    """
    return np.where(raw >= least * raw.max(initial=0.0), raw, 0.0)


def capped(raw: Floats, share: float) -> Floats:
    """Return weights in [0, 1] in proportion to `raw`, none with more than `share` of their sum.

    Where fewer vote than it takes to keep every share that small, all that vote weigh the same.

    Examples
    --------
    >>> capped(np.array([8.0, 1.0, 1.0, 0.0]), 0.4).round(3).tolist()
    [1.0, 0.75, 0.75, 0.0]
    """
    if not raw.any():
        return np.zeros_like(raw)
    return np.minimum(raw / _limit(raw, share), 1.0)


def bounded(raw: Floats, label: Ints, entity: float, cluster: float) -> Floats:
    """Return weights in [0, 1] of which neither an entity nor a cluster has more than its share.

    A cluster shrinks as a whole. Where too few vote for such shares, all that vote weigh the same.

    Examples
    --------
    >>> bounded(np.array([3.0, 3.0, 1.0, 1.0, 1.0]), np.array([0, 0, 2, 3, 4]), 0.3, 0.4).round(2)
    array([1., 1., 1., 1., 1.])
    """
    heard = np.flatnonzero(raw)
    _, group = np.unique(label[heard], return_inverse=True)
    weights = raw[heard]
    for _ in range(_ROUNDS):
        before, total = weights, sums(group, weights, len(heard))
        scale = np.divide(capped(total, cluster), total, out=np.zeros_like(total), where=total > 0)
        weights = capped(weights * scale[group], entity)
        if np.array_equal(weights, before):
            break
    bound = np.zeros_like(raw)
    bound[heard] = weights
    return bound


def _limit(raw: Floats, share: float) -> float:
    """Return the weight above which all weigh the same, one of `raw` being positive."""
    most = min(int(np.count_nonzero(raw)), ceil(1 / share))
    heaviest = np.sort(np.partition(raw, len(raw) - most)[-most:])[::-1]
    rest = raw.sum() - np.concatenate([[0.0], np.cumsum(heaviest)])
    for above in range(most):
        if share * (above + 1) >= 1:
            break
        limit = share * rest[above] / (1 - share * above)
        if limit >= heaviest[above]:
            return float(heaviest[0] if above == 0 else limit)
    return float(raw[raw > 0].min())
