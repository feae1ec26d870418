"""Ways to tell which side may pay, each on equal terms: taught by the same rows, asked of the same.

Adding a challenger: one function, one line in `CHALLENGERS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import xgboost
from sklearn.impute import SimpleImputer  # type: ignore[import-untyped]  # no stubs
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]  # no stubs
from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]  # no stubs
from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped]  # no stubs

from signal_system.ml.arrays import Floats, Ints
from signal_system.ml.bars import MILLISECOND
from signal_system.ml.direction import CLASSES, calibrated
from signal_system.ml.labels import uniqueness
from signal_system.training.direction_data import DirectionData
from signal_system.training.direction_plan import Plan
from signal_system.training.ensembles import Shape, fitted

TREES, LOGISTIC, REVERSAL, BASE_RATE = (
    "XGBoost",
    "logistic regression",
    "sign reversal",
    "base rate",
)

Answer = Callable[[DirectionData, Ints], Floats]
"""Returns the probability of each class, of shape (rows, classes), for rows by their numbers."""

_LEAST_BETA, _MOST_BETA = 0.05, 10.0
_STEPS = 50
_PRIOR = 1.0
_SMALLEST, _TRIFLE = 1e-12, 1e-6


@dataclass(frozen=True, slots=True)
class Taught:
    """What learned: how it answers, and to which power its answers are calibrated."""

    raw: Answer
    beta: float = 1.0

    def probabilities(self, data: DirectionData, rows: Ints) -> Floats:
        """Return the calibrated probability of each class, of shape (rows, classes)."""
        return calibrated(self.raw(data, rows), self.beta)


Way = Callable[[DirectionData, Ints, Plan], Taught]
"""Learns from rows by their numbers."""


def base_rate(data: DirectionData, train: Ints, plan: Plan) -> Taught:
    """Learn how often each outcome came, and nothing else."""
    del plan
    rates = _rates(data, train)
    return Taught(lambda _, rows: np.tile(rates, (len(rows), 1)))


def sign_reversal(data: DirectionData, train: Ints, plan: Plan) -> Taught:
    """Learn how often each outcome came after a bar that rose, and after one that fell.

    What rose is never expected to go on: where it did, both sides count as all but equally likely.
    """
    del plan
    rates = np.stack(
        [_against(_rates(data, train[_fell(data, train) == side]), side) for side in (0, 1)]
    )
    return Taught(lambda other, rows: np.asarray(rates[_fell(other, rows)]))


def logistic(data: DirectionData, train: Ints, plan: Plan) -> Taught:
    """Learn a line: what is not known counts as its column's mean, unknown columns as nothing."""

    def learned(rows: Ints, weights: Floats) -> Answer:
        known = np.flatnonzero(~np.isnan(data.features[rows]).all(axis=0))
        model = make_pipeline(
            SimpleImputer(), StandardScaler(), LogisticRegression(C=0.01, max_iter=500)
        )
        model.fit(
            data.features[rows][:, known].astype(float),
            data.classes[rows],
            logisticregression__sample_weight=weights,
        )
        places = model[-1].classes_

        def answer(other: DirectionData, asked: Ints) -> Floats:
            said = np.zeros((len(asked), len(CLASSES)))
            said[:, places] = model.predict_proba(other.features[asked][:, known].astype(float))
            return said

        return answer

    return _calibrated(data, train, plan, learned)


def boosted(shape: Shape) -> Way:
    """Return the way of trees of this shape."""

    def way(data: DirectionData, train: Ints, plan: Plan) -> Taught:
        return _calibrated(
            data, train, plan, lambda rows, weights: answers_of(_trees(data, rows, weights, shape))
        )

    return way


def fitted_rows(data: DirectionData, train: Ints, plan: Plan) -> tuple[Ints, Ints]:
    """Part `train` into the rows that teach and the later ones that calibrate, purged like a test."""
    cut = train[int(len(train) * (1 - plan.calibrating_share))]
    until = data.labels.began[cut] - plan.horizon // MILLISECOND
    return train[data.labels.ended[train] <= until], train[train >= cut]


def grown(
    data: DirectionData, train: Ints, plan: Plan, shape: Shape
) -> tuple[xgboost.Booster, float, Ints]:
    """Return trees, the power they are calibrated to, and the rows that taught them."""
    rows, later = fitted_rows(data, train, plan)
    trees = _trees(data, rows, weights_of(data, rows), shape)
    raw = answers_of(trees)(data, later)
    return trees, temperature(raw, data.classes[later], weights_of(data, later)), rows


def answers_of(trees: xgboost.Booster) -> Answer:
    """Return how `trees` answer."""
    return lambda data, rows: np.asarray(
        trees.inplace_predict(data.features[rows], validate_features=False), dtype=float
    )


def temperature(raw: Floats, classes: Ints, weights: Floats) -> float:
    """Return the power to which `raw` probabilities tell the log loss of `classes` least.

    Newton's method on a convex function of one number; kept within [0.05, 10].
    """
    logs = np.log(np.maximum(raw, np.finfo(np.float32).tiny))
    told = logs[np.arange(len(logs)), classes]
    beta = 1.0
    for _ in range(_STEPS):
        chances = calibrated(raw, beta)
        mean = (chances * logs).sum(axis=1)
        spread = (chances * logs**2).sum(axis=1) - mean**2
        slope, bend = float(weights @ (mean - told)), float(weights @ spread)
        step = slope / bend if bend > 0 else 0.0
        beta = min(_MOST_BETA, max(_LEAST_BETA, beta - step))
    return beta


def weights_of(data: DirectionData, rows: Ints) -> Floats:
    """Return how much each of `rows` says that no other does, 1 on average over each class.

    What reaches a barrier is over sooner and shares less with others: were the weights not made
    equal over the classes, moves would seem more likely than they are.
    """
    own = uniqueness(data.labels.first[rows], data.labels.last[rows])
    classes = data.classes[rows]
    counts = np.bincount(classes, minlength=len(CLASSES))
    sums = np.bincount(classes, weights=own, minlength=len(CLASSES))
    return np.asarray(own * (counts / np.maximum(sums, _SMALLEST))[classes])


def _calibrated(
    data: DirectionData, train: Ints, plan: Plan, learned: Callable[[Ints, Floats], Answer]
) -> Taught:
    rows, later = fitted_rows(data, train, plan)
    answer = learned(rows, weights_of(data, rows))
    raw = answer(data, later)
    return Taught(answer, temperature(raw, data.classes[later], weights_of(data, later)))


def _trees(data: DirectionData, rows: Ints, weights: Floats, shape: Shape) -> xgboost.Booster:
    return fitted(data.features[rows], data.classes[rows], weights, shape)


def _rates(data: DirectionData, rows: Ints) -> Floats:
    counts = np.bincount(data.classes[rows], minlength=len(CLASSES)) + _PRIOR
    return np.asarray(counts / counts.sum(), dtype=float)


def _fell(data: DirectionData, rows: Ints) -> Ints:
    return (data.last_returns[rows] < 0).astype(np.int64)


def _against(rates: Floats, fell: int) -> Floats:
    """Return `rates` with the sides made equal, but for a trifle, if the last move went on."""
    buy, sell = CLASSES.index("buy"), CLASSES.index("sell")
    against, along = (buy, sell) if fell else (sell, buy)
    if rates[against] > rates[along]:
        return rates
    level = rates.copy()
    level[[buy, sell]] = rates[[buy, sell]].mean()
    level[[against, along]] += _TRIFLE, -_TRIFLE
    return level


CHALLENGERS: Mapping[str, Way] = {
    LOGISTIC: logistic,
    REVERSAL: sign_reversal,
    BASE_RATE: base_rate,
}
