from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sklearn.calibration import CalibratedClassifierCV  # type: ignore[import-untyped]
from sklearn.frozen import FrozenEstimator  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

from signal_system.ml.bars import MILLISECOND
from signal_system.ml.direction import CLASSES, calibrated
from signal_system.ml.labels import uniqueness
from signal_system.testing.direction_walk import PLAN, planted
from signal_system.training.classifiers import (
    CHALLENGERS,
    base_rate,
    boosted,
    fitted_rows,
    logistic,
    sign_reversal,
    temperature,
    weights_of,
)
from signal_system.training.ensembles import Shape, as_onnx, as_ubj, fitted

WAYS = {"XGBoost": boosted(Shape(2, 20)), **CHALLENGERS}
TRAIN, TEST = np.arange(1_500), np.arange(1_600, 2_200)


@pytest.mark.parametrize("name", WAYS)
def test_every_way_says_probabilities(name: str) -> None:
    said = WAYS[name](planted(), TRAIN, PLAN).probabilities(planted(), TEST)

    assert said.shape == (len(TEST), len(CLASSES))
    np.testing.assert_allclose(said.sum(axis=1), 1.0)
    assert (said > 0).all()


@pytest.mark.parametrize("name", WAYS)
def test_no_way_looks_at_what_came_of_the_rows_it_is_asked_about(name: str) -> None:
    data = planted()
    others = data.classes.copy()
    others[TEST[0] :] = (others[TEST[0] :] + 1) % 3
    blind = replace(data, classes=others)

    before, after = (
        WAYS[name](each, TRAIN, PLAN).probabilities(each, TEST) for each in (data, blind)
    )

    np.testing.assert_array_equal(before, after)


def test_the_calibrating_rows_are_later_and_apart_from_those_that_teach() -> None:
    data = planted()

    rows, later = fitted_rows(data, TRAIN, PLAN)

    gap = data.labels.began[later].min() - data.labels.ended[rows].max()
    assert gap >= PLAN.horizon // MILLISECOND
    assert len(later) == pytest.approx(len(TRAIN) * PLAN.calibrating_share, abs=1)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.floats(0.2, 4.0))
def test_the_temperature_is_the_one_that_scikit_learn_finds(seed: int, sure: float) -> None:
    random = np.random.default_rng(seed)
    rows = random.normal(size=(400, 2))
    classes = (rows[:, 0] + random.normal(size=400) > 0).astype(int) + (rows[:, 1] > 1)
    model = LogisticRegression(C=100).fit(rows, classes)
    model.coef_ *= sure
    known = CalibratedClassifierCV(FrozenEstimator(model), method="temperature").fit(rows, classes)
    other = known.calibrated_classifiers_[0].calibrators[0].beta_

    found = temperature(model.predict_proba(rows), classes, np.ones(400))

    assert found == pytest.approx(other, rel=0.02)


def test_what_is_too_sure_is_made_less_sure() -> None:
    random = np.random.default_rng(0)
    true = random.dirichlet((2, 2, 2), 4_000)
    classes = np.array([random.choice(3, p=chances) for chances in true])

    beta = temperature(calibrated(true, 2.0), classes, np.ones(4_000))

    assert beta == pytest.approx(0.5, abs=0.04)


def test_what_knows_nothing_ends_at_the_least_power_not_beyond() -> None:
    raw = np.tile([[0.2, 0.3, 0.5]], (100, 1))

    assert temperature(raw, np.zeros(100, dtype=np.int64), np.ones(100)) == 0.05


def test_the_base_rate_is_how_often_each_outcome_came() -> None:
    said = base_rate(planted(), TRAIN, PLAN).probabilities(planted(), TEST)

    shares = np.bincount(planted().classes[TRAIN], minlength=3) / len(TRAIN)
    np.testing.assert_allclose(said[0], shares, atol=0.001)
    assert (said == said[0]).all()


def test_rows_that_share_what_they_saw_weigh_less_and_classes_as_often_as_they_came() -> None:
    data = planted()

    weights = weights_of(data, TRAIN)

    classes, own = (
        data.classes[TRAIN],
        uniqueness(data.labels.first[TRAIN], data.labels.last[TRAIN]),
    )
    for place in range(len(CLASSES)):
        of_class = classes == place
        assert weights[of_class].mean() == pytest.approx(1.0)
        assert np.corrcoef(weights[of_class], own[of_class])[0, 1] == pytest.approx(1.0)


def test_the_reversal_never_expects_a_move_to_go_on() -> None:
    momentum = planted()
    said = sign_reversal(momentum, TRAIN, PLAN).probabilities(momentum, TEST)

    fell = momentum.last_returns[TEST] < 0
    assert (said[fell, 0] > said[fell, 1]).all()
    assert (said[~fell, 1] > said[~fell, 0]).all()


def test_a_column_that_is_never_known_changes_no_line() -> None:
    data = planted()
    features = np.concatenate([data.features, np.full((len(data), 1), np.nan, np.float32)], axis=1)
    wider = replace(data, features=features)

    before, after = (
        logistic(each, TRAIN, PLAN).probabilities(each, TEST) for each in (data, wider)
    )

    np.testing.assert_allclose(before, after)


def test_the_same_rows_grow_the_same_trees() -> None:
    data = planted()
    grown = [
        fitted(data.features[TRAIN], data.classes[TRAIN], np.ones(len(TRAIN)), Shape(3, 8))
        for _ in range(2)
    ]

    assert as_ubj(grown[0]) == as_ubj(grown[1])
    assert as_onnx(grown[0]) == as_onnx(grown[1])
