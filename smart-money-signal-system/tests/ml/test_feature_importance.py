import numpy as np
import pytest

from signal_system.ml.arrays import Floats, Matrix
from signal_system.ml.feature_importance import (
    CONTROLS,
    FeatureImportanceAnalyzer,
    Fold,
    clusters,
)
from signal_system.ml.importances import Importances

NAMES = ("useful", "its twin", "idle", "unknown")


def rows(count: int, seed: int) -> Matrix:
    random = np.random.default_rng(seed)
    useful = random.standard_normal(count)
    columns = [useful, useful + 0.05 * random.standard_normal(count), random.standard_normal(count)]
    return np.stack([*columns, np.full(count, np.nan)], axis=1).astype(np.float32)


def answer(given: Matrix) -> Floats:
    """Believe the first two columns alone, half each."""
    chance = 1 / (1 + np.exp(-2 * (given[:, 0] + given[:, 1]).astype(float)))
    return np.stack([0.9 * chance, 0.9 * (1 - chance), np.full(len(given), 0.1)], axis=1)


def contributions(given: Matrix) -> Matrix:
    said = np.zeros((len(given), 3, len(NAMES) + CONTROLS + 1), np.float32)
    said[:, 0, :2], said[:, 1, :2] = given[:, :2], -given[:, :2]
    return said


def measured(folds: int = 3, seed: int = 0) -> Importances:
    sample = rows(2_000, seed)
    analyzer = FeatureImportanceAnalyzer(NAMES, sample)
    for number in range(folds):
        test = rows(800, seed + 1 + number)
        random = np.random.default_rng(number)
        classes = (test[:, 0] + 0.5 * random.standard_normal(800) < 0).astype(np.int64)
        analyzer.add(
            Fold(
                answer=answer,
                contributions=contributions,
                rows=analyzer.with_controls(test),
                classes=classes,
                markets=["bull"] * 400 + ["bear"] * 400,
                moments=1_700_000_000_000 + np.arange(800) + 800 * number,
            )
        )
    return analyzer.importances()


def test_a_column_that_decides_is_worth_more_than_noise_and_an_idle_one_is_not() -> None:
    found = {each.name: each for each in measured().columns}

    assert found["useful"].above_control
    assert found["useful"].permutation.low > 0
    assert found["useful"].folds_above == 1.0
    assert found["idle"].permutation.value == 0.0
    assert not found["idle"].above_control


def test_what_is_worth_no_more_than_noise_is_listed_for_removal() -> None:
    found = measured()

    assert found.control == 0.0
    assert found.remove == ("idle", "unknown")
    assert found.unknown == ("unknown",)


def test_twins_are_one_group_and_worth_more_together_than_alone() -> None:
    found = measured()
    alone = {each.name: each.permutation.value for each in found.columns}

    together = next(each for each in found.clusters if "useful" in each.columns)

    assert together.columns == ("useful", "its twin")
    assert together.permutation.value > max(alone.values())


def test_the_best_of_a_group_that_only_counts_together_is_kept() -> None:
    sample = rows(2_000, 0)
    analyzer = FeatureImportanceAnalyzer(NAMES, sample)
    test = rows(800, 1)

    def either(given: Matrix) -> Floats:
        """Believe whichever of the two is larger: one alone may be anything."""
        chance = 0.5 + 0.45 * np.tanh(3 * np.maximum(given[:, 0], given[:, 1]).astype(float))
        return np.stack([chance, 1 - chance, np.full(len(given), 1e-6)], axis=1)

    analyzer.add(
        Fold(
            either,
            contributions,
            analyzer.with_controls(test),
            np.full(800, 2),
            ["bull"] * 800,
            np.arange(800),
        )
    )

    assert "idle" in analyzer.importances().remove


def test_folds_and_markets_are_told_apart() -> None:
    found = measured(folds=4).columns[0]

    assert len(found.by_fold) == 4
    assert found.permutation.value == pytest.approx(np.mean(found.by_fold))
    assert set(found.by_regime) == {"bull", "bear"}
    assert min(found.by_regime.values()) > 0


def test_the_order_of_the_columns_lasts_from_fold_to_fold() -> None:
    agreement = measured(folds=4).rank_agreement

    assert agreement is not None
    assert agreement > 0.4
    assert measured(folds=1).rank_agreement is None


def test_the_same_folds_give_the_same_numbers() -> None:
    assert measured() == measured()


def test_random_columns_come_last_and_leave_the_others_as_they_are() -> None:
    given = rows(100, 3)

    wider = FeatureImportanceAnalyzer(NAMES, given).with_controls(given)

    assert wider.shape == (100, len(NAMES) + CONTROLS)
    np.testing.assert_array_equal(wider[:, : len(NAMES)], given)


def test_nothing_measured_says_nothing() -> None:
    with pytest.raises(ValueError, match="add a fold"):
        FeatureImportanceAnalyzer(NAMES, rows(100, 0)).importances()


def test_a_column_that_is_unknown_or_always_the_same_is_alone() -> None:
    given = rows(500, 0)
    given[:, 2] = 1.0

    assert clusters(given) == [[0, 1], [2], [3]]
