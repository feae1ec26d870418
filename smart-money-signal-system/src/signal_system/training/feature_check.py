"""Runs every check of a spec on real bars and says what it found."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from sklearn.impute import SimpleImputer  # type: ignore[import-untyped]  # no stubs
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]  # no stubs
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]  # no stubs
from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]  # no stubs
from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped]  # no stubs

from shared_events.errors import DataError
from signal_system.ml.features.bar import Bar
from signal_system.ml.features.checks import (
    Broken,
    Labels,
    Matrix,
    Sensitivity,
    Shuffled,
    future_perturbation,
    prefix_invariance,
    restarts,
    shuffled_labels,
    warm_up_sensitivity,
)
from signal_system.ml.features.series import FeatureSeries, Row
from signal_system.ml.features.spec import FeatureSpec

_CUTS = 40
_RESTARTS = 25
_SHUFFLES = 16
_ENDS = 10
_LONGEST = 5_000
_SEED = 7


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found.

    Attributes
    ----------
    broken
        By check: values that are not what they must be.
    shuffled
        What could be learned from labels that say nothing.
    sensitivity
        How far each column is from the truth when it is opened on few bars.
    """

    rows: int
    broken: Mapping[str, Sequence[Broken]]
    shuffled: Shuffled
    sensitivity: Sequence[Sensitivity]

    @property
    def is_good(self) -> bool:
        """Whether nothing looks ahead, forgets, or leaks."""
        return not any(self.broken.values()) and self.shuffled.is_chance


def checked(
    spec: FeatureSpec, bars: Sequence[Bar], on_progress: Callable[[int], None] = lambda _: None
) -> Checked:
    """Return what the checks of `spec` find on `bars`, in order.

    Raises
    ------
    DataError
        If there are too few bars to tell.
    """
    needed = spec.kept_bars + spec.reopen_every_bars + _CUTS
    if len(bars) < needed:
        raise DataError(
            f"{spec.name} needs {needed:,} bars to be checked and there are {len(bars):,}:"
            " take a longer history"
        )
    random = Random(_SEED)  # noqa: S311 -- which bars are looked at
    told = _told(spec, bars, on_progress)
    cuts = random.sample(range(spec.kept_bars, len(bars) - spec.reopen_every_bars), _CUTS)
    stops = set(random.sample(range(len(bars)), _RESTARTS))
    broken = {
        "prefix invariance": prefix_invariance(spec, bars, told, cuts),
        "future perturbation": future_perturbation(spec, bars, told, cuts, random),
        "restarts": restarts(spec, bars, told, stops),
    }
    recent = bars[-_LONGEST:]
    ends = random.sample(range(len(recent) - len(recent) // 4, len(recent)), _ENDS)
    return Checked(
        rows=len(told),
        broken={name: list(found) for name, found in broken.items()},
        shuffled=_shuffled(spec, bars, told),
        sensitivity=list(warm_up_sensitivity(spec, recent, ends)),
    )


def later_auc(matrix: Matrix, labels: Labels) -> float:
    """Return the area under the curve on the later half of what was learned on the earlier one.

    A logistic regression; what is not known counts as its column's mean. The last row of the
    earlier half is not learned from: its label is known only with the next bar.

    Raises
    ------
    DataError
        If no column is known in the earlier half.
    """
    half = len(labels) // 2
    known = matrix[:, ~np.isnan(matrix[: half - 1]).all(axis=0)]
    if not known.size:
        raise DataError("no column is known: what was recorded says nothing of these features")
    model = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression())
    model.fit(known[: half - 1], labels[: half - 1])
    return float(roc_auc_score(labels[half:], model.predict_proba(known[half:])[:, 1]))


def _told(
    spec: FeatureSpec, bars: Sequence[Bar], on_progress: Callable[[int], None]
) -> Sequence[Row]:
    series, told = FeatureSeries(spec), []
    for number, bar in enumerate(bars):
        on_progress(number)
        row = series.update(bar)
        if row is not None:
            told.append(row)
    return told


def _shuffled(spec: FeatureSpec, bars: Sequence[Bar], told: Sequence[Row]) -> Shuffled:
    closes = {bar.open_ms + spec.interval_ms: bar.close for bar in bars}
    steps = np.diff(np.array([closes[row.event_ms] for row in told]))
    matrix = np.array([values for _, _, values in told[:-1]])
    return shuffled_labels(later_auc, matrix, (steps > 0).astype(np.int64), _SHUFFLES, _SEED)
