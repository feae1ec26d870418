"""Which labels may teach and which then judge, so that no answer is known beforehand.

A label speaks of the time from its decision to its outcome. One that overlaps the time of a test,
or comes closer to it than the embargo, teaches nothing there (Lopez de Prado, Advances in
Financial Machine Learning, 2018, chapter 7 and section 12.4). Closeness is measured in time, not in
rows: rows go missing, time does not.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations, pairwise
from math import comb

import numpy as np

from signal_system.ml.arrays import Flags, Ints
from signal_system.ml.bars import MILLISECOND


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Row numbers of the labels that teach and of those that judge."""

    train: Ints
    test: Ints


@dataclass(frozen=True, slots=True)
class PurgedWalkForward:
    """Folds one after another, each taught by what was known before it.

    Parameters
    ----------
    folds
        Into how many equal parts the labels after the first training set are cut.
    first_share
        Of the labels that the first fold may learn from.
    embargo
        The least time between a known outcome and the first decision that it may help.
    memory
        How far back a training set reaches; None is to the beginning.
    """

    folds: int
    first_share: float
    embargo: timedelta = timedelta(0)
    memory: timedelta | None = None

    def splits(self, began: Ints, ended: Ints) -> Iterator[Split]:
        """Yield the folds over labels that `began` and `ended` then, in order of their beginning.

        Raises
        ------
        ValueError
            If there are fewer labels than folds.
        """
        first = int(len(began) * self.first_share)
        for start, end in pairwise(_cuts(first, len(began), self.folds)):
            taught = ended <= began[start] - self.embargo // MILLISECOND
            if self.memory is not None:
                taught &= began >= began[start] - self.memory // MILLISECOND
            yield Split(np.flatnonzero(taught), np.arange(start, end))


@dataclass(frozen=True, slots=True)
class CombinatorialPurged:
    """Every choice of test groups among several: many histories instead of one.

    Parameters
    ----------
    groups
        Into how many equal parts the labels are cut.
    tested
        How many of them judge at a time.
    embargo
        How far around a test nothing teaches.
    """

    groups: int
    tested: int
    embargo: timedelta = timedelta(0)

    @property
    def paths(self) -> int:
        """How many whole histories the test groups can be put together to.

        Examples
        --------
        >>> CombinatorialPurged(groups=6, tested=2).paths
        5
        """
        return comb(self.groups - 1, self.tested - 1)

    def splits(self, began: Ints, ended: Ints) -> Iterator[Split]:
        """Yield one split for each choice, over labels in order of their beginning.

        Raises
        ------
        ValueError
            If there are fewer labels than groups.
        """
        parts = self._parts(began)
        for chosen in self._choices():
            test = np.concatenate([parts[group] for group in chosen])
            free = np.ones(len(began), dtype=bool)
            for group in chosen:
                free &= ~_near(began, ended, parts[group], self.embargo)
            yield Split(np.flatnonzero(free), test)

    def path_numbers(self, began: Ints) -> Iterator[Ints]:
        """Yield for each split which path each of its test rows belongs to, from 0."""
        parts, seen = self._parts(began), [0] * self.groups
        for chosen in self._choices():
            yield np.concatenate([np.full(len(parts[group]), seen[group]) for group in chosen])
            for group in chosen:
                seen[group] += 1

    def _choices(self) -> Iterator[tuple[int, ...]]:
        return combinations(range(self.groups), self.tested)

    def _parts(self, began: Ints) -> Sequence[Ints]:
        cuts = _cuts(0, len(began), self.groups)
        return [np.arange(start, end) for start, end in pairwise(cuts)]


def _near(began: Ints, ended: Ints, test: Ints, embargo: timedelta) -> Flags:
    """Tell which labels overlap the time of the `test` rows, or come closer than `embargo`."""
    margin = embargo // MILLISECOND
    start, end = began[test].min() - margin, ended[test].max() + margin
    return np.asarray((ended > start) & (began < end))


def _cuts(first: int, end: int, parts: int) -> Sequence[int]:
    if end - first < parts:
        raise ValueError(f"{end - first} labels cannot be cut into {parts} parts")
    return [first + (end - first) * part // parts for part in range(parts + 1)]
