"""Which features a classifier lives on, measured where it had not learned.

Random columns are learned along: whatever is not worth more than the best of them is worth nothing.
Permutation importance (Breiman 2001) on the test rows of purged folds; for columns that say much the
same, shuffled together (Lopez de Prado, Machine Learning for Asset Managers, 2020, chapter 6), as
otherwise each hides behind the others; and exact TreeSHAP, which says what is used, useful or not.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
from sklearn.cluster import AgglomerativeClustering  # type: ignore[import-untyped]  # no stubs

from signal_system.ml.arrays import Floats, Ints, Matrix
from signal_system.ml.importances import ClusterImportance, ColumnImportance, Importances, Spread

CONTROLS = 3
"""How many random columns are learned along."""

_SHUFFLES = 3
_EXPLAINED_ROWS = 500
_CLUSTERED_ROWS = 5_000
_APART = 0.5
_COVERED = 1.96
_SMALLEST = 1e-9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """A classifier that has learned, and rows that it has not seen, the random columns being last.

    Attributes
    ----------
    answer
        Returns the probability of each class, of shape (rows, classes).
    contributions
        Returns what each column adds to each class's margin, of shape (rows, classes, columns + 1).
    classes
        What came of each row.
    markets
        What market each row lay in.
    moments
        When each row was decided at, in milliseconds.
    """

    answer: Callable[[Matrix], Floats]
    contributions: Callable[[Matrix], Matrix]
    rows: Matrix
    classes: Ints
    markets: Sequence[str]
    moments: Ints


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    """One fold: rise of log loss by column and cluster, by market and column, and use by column."""

    columns: Floats
    clusters: Floats
    markets: Mapping[str, tuple[int, Floats]]
    shap: Floats


class FeatureImportanceAnalyzer:
    """Measures fold after fold, then says what it all comes to.

    Parameters
    ----------
    names
        The columns, in order.
    rows
        Some rows, without the random columns: which columns say much the same is told by them.
    seed
        Decides the random columns and the shuffles.
    """

    def __init__(self, names: Sequence[str], rows: Matrix, seed: int = 0) -> None:
        self._names, self._seed = tuple(names), seed
        self._known = ~np.isnan(rows).all(axis=0)
        self._clusters = clusters(rows)
        self._measured: list[_Measured] = []
        self._moments: list[Ints] = []

    def with_controls(self, rows: Matrix) -> Matrix:
        """Return `rows` with the random columns after their own."""
        random = np.random.default_rng(self._seed)
        noise = random.standard_normal((len(rows), CONTROLS)).astype(np.float32)
        return np.concatenate([rows, noise], axis=1)

    def add(self, fold: Fold) -> None:
        """Measure one fold."""
        random = np.random.default_rng((self._seed, len(self._measured)))
        usual = _losses(fold, fold.rows)
        columns = len(self._names) + CONTROLS
        rises = np.stack([_rise(fold, [column], usual, random) for column in range(columns)])
        markets = np.array(fold.markets)
        self._measured.append(
            _Measured(
                columns=rises.mean(axis=1),
                clusters=np.array(
                    [_rise(fold, members, usual, random).mean() for members in self._clusters]
                ),
                markets={
                    str(name): (int(here.sum()), rises[:, here].mean(axis=1))
                    for name in np.unique(markets)
                    if (here := markets == name).any()
                },
                shap=_use(fold, random),
            )
        )
        self._moments.append(fold.moments)

    def importances(self) -> Importances:
        """Return what the folds come to.

        Raises
        ------
        ValueError
            If there was none.
        """
        if not self._measured:
            raise ValueError("nothing was measured: add a fold")
        count, moments = len(self._names), np.concatenate(self._moments)
        table = np.stack([each.columns for each in self._measured])
        control = float(table[:, count:].mean(axis=0).max())
        columns = self._columns(table, control)
        grouped = self._grouped(control)
        return Importances(
            rows=len(moments),
            folds=len(table),
            first=_moment(moments.min()),
            last=_moment(moments.max()),
            control=control,
            rank_agreement=_agreement(table[:, :count][:, self._known]),
            columns=columns,
            clusters=grouped,
            remove=_removable(columns, grouped),
            unknown=tuple(np.array(self._names)[~self._known].tolist()),
        )

    def _columns(self, table: Floats, control: float) -> tuple[ColumnImportance, ...]:
        count = len(self._names)
        best = table[:, count:].max(axis=1)
        shap = np.stack([each.shap for each in self._measured]).mean(axis=0)
        home = {column: n for n, members in enumerate(self._clusters) for column in members}
        markets = self._markets()
        return tuple(
            ColumnImportance(
                name=name,
                permutation=_spread(table[:, place]),
                shap=float(shap[place]),
                above_control=bool(table[:, place].mean() > control),
                folds_above=float(np.mean(table[:, place] > best)),
                cluster=home[place],
                by_fold=tuple(table[:, place].tolist()),
                by_regime={market: float(each[place]) for market, each in markets.items()},
            )
            for place, name in enumerate(self._names)
        )

    def _grouped(self, control: float) -> tuple[ClusterImportance, ...]:
        table = np.stack([each.clusters for each in self._measured])
        return tuple(
            ClusterImportance(
                columns=tuple(self._names[column] for column in members),
                permutation=_spread(table[:, n]),
                above_control=bool(table[:, n].mean() > control),
            )
            for n, members in enumerate(self._clusters)
        )

    def _markets(self) -> Mapping[str, Floats]:
        """Return the rise by column in each market, every row counting the same."""
        names = sorted({name for each in self._measured for name in each.markets})
        found = {}
        for name in names:
            parts = [each.markets[name] for each in self._measured if name in each.markets]
            rows = [count for count, _ in parts]
            found[name] = np.average([rise for _, rise in parts], axis=0, weights=rows)
        return found


def clusters(rows: Matrix) -> list[list[int]]:
    """Return groups of columns whose ranks correlate by more than one half, either way, on average.

    A column that is not known, or says always the same, is alone.
    """
    some = rows[:: max(1, len(rows) // _CLUSTERED_ROWS)]
    ranks = np.argsort(np.argsort(np.nan_to_num(some), axis=0, kind="stable"), axis=0).astype(float)
    constant = np.nan_to_num(some).std(axis=0) == 0
    together = np.abs(np.corrcoef(ranks, rowvar=False))
    together[constant] = together[:, constant] = 0.0
    np.fill_diagonal(together, 1.0)
    found = AgglomerativeClustering(
        n_clusters=None, metric="precomputed", linkage="average", distance_threshold=_APART
    ).fit_predict(1 - together)
    groups: dict[int, list[int]] = {}
    for column, group in enumerate(found.tolist()):
        groups.setdefault(group, []).append(column)
    return sorted(groups.values())


def _rise(fold: Fold, columns: Sequence[int], usual: Floats, random: np.random.Generator) -> Floats:
    """Return by how much each row's loss rises when `columns` are those of other rows."""
    rises = np.zeros(len(usual))
    for _ in range(_SHUFFLES):
        mixed = fold.rows.copy()
        mixed[:, columns] = mixed[random.permutation(len(mixed))][:, columns]
        rises += _losses(fold, mixed) - usual
    return np.asarray(rises / _SHUFFLES)


def _losses(fold: Fold, rows: Matrix) -> Floats:
    told = fold.answer(rows)[np.arange(len(rows)), fold.classes]
    return np.asarray(-1_000 * np.log(np.maximum(told, _SMALLEST)))


def _use(fold: Fold, random: np.random.Generator) -> Floats:
    some = random.permutation(len(fold.rows))[:_EXPLAINED_ROWS]
    told = np.abs(fold.contributions(fold.rows[some])).mean(axis=(0, 1))
    return np.asarray(told[:-1], dtype=float)


def _spread(values: Floats) -> Spread:
    mean = float(values.mean())
    error = float(values.std(ddof=1)) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return Spread(value=mean, low=mean - _COVERED * error, high=mean + _COVERED * error)


def _agreement(table: Floats) -> float | None:
    """Return the mean rank correlation between one fold and the next."""
    ranks = np.argsort(np.argsort(table, axis=1), axis=1)
    if len(ranks) < 2 or table.shape[1] < 2:  # noqa: PLR2004 -- nothing to compare with
        return None
    return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in pairwise(ranks)]))


def _removable(
    columns: Sequence[ColumnImportance], grouped: Sequence[ClusterImportance]
) -> tuple[str, ...]:
    """Return what is below the control, but for the best of a group that is above it together."""
    kept = set()
    for group in grouped:
        members = [column for column in columns if column.name in group.columns]
        if group.above_control and not any(member.above_control for member in members):
            kept.add(max(members, key=lambda member: member.permutation.value).name)
    return tuple(
        column.name for column in columns if not column.above_control and column.name not in kept
    )


def _moment(milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=int(milliseconds))
