"""How classifiers are taught and judged: everything that is fixed before anything is looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from shared_events.errors import DataError
from signal_system.ml.bars import MILLISECOND
from signal_system.ml.direction import Barriers
from signal_system.ml.splits import PurgedWalkForward, Split
from signal_system.training.direction_data import DirectionData
from signal_system.training.ensembles import Shape

SHAPES = (Shape(2, 60), Shape(2, 150), Shape(4, 60), Shape(4, 150))
HALF_LIFE_BARS = 48.0
LEAST_FOLDS = 6


@dataclass(frozen=True, slots=True)
class Plan:
    """The walk.

    Attributes
    ----------
    horizon
        Until when an outcome may show; also the embargo between what is known and what is judged.
    window, step
        What a refit learns from, and for how long it is judged.
    cost
        Of a round trip, as a fraction: barriers lie no nearer, and a trade must be worth more.
    shapes
        One is chosen on the first part of the walk.
    choosing_share
        The share of the walk that choosing may look at; the rest is reported, and looked at once.
    calibrating_share
        The last part of a training set, which tells how sure to be and not what to think.
    """

    horizon: timedelta
    window: timedelta
    step: timedelta
    cost: float
    shapes: Sequence[Shape] = SHAPES
    choosing_share: float = 0.35
    calibrating_share: float = 0.2
    width: float = 1.0

    @property
    def barriers(self) -> Barriers:
        """The rule of the labels."""
        return Barriers(width=self.width, half_life_bars=HALF_LIFE_BARS, floor=self.cost)


def walk(data: DirectionData, plan: Plan) -> Sequence[Split]:
    """Return the folds, each taught by outcomes that were known a horizon before its first row.

    Raises
    ------
    DataError
        If there are too few rows to choose by and to report.
    """
    rows = data.spec.interval_ms
    first = int(np.searchsorted(data.labels.began, _start(data) + plan.window // MILLISECOND))
    folds = (len(data) - first) * rows // (plan.step // MILLISECOND)
    if folds < LEAST_FOLDS:
        raise DataError(
            f"{len(data):,} rows with a known outcome make {max(0, folds)} refits, and"
            f" {LEAST_FOLDS} are needed: bring a longer history, or take a shorter --window-days"
            " or --refit-days"
        )
    return list(folded(data, plan, folds, first))


def folded(data: DirectionData, plan: Plan, folds: int, first: int) -> Sequence[Split]:
    """Return so many folds over the rows from `first` on."""
    splits = PurgedWalkForward(folds, first / len(data), plan.horizon, plan.window)
    return list(splits.splits(data.labels.began, data.labels.ended))


def _start(data: DirectionData) -> int:
    return int(data.labels.began[0]) if len(data) else 0
