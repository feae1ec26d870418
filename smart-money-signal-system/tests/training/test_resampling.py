import numpy as np
import pytest

from signal_system.training.resampling import DRAWS, Estimate, by_day, estimate


def test_sums_are_by_day_whatever_days_are_missing() -> None:
    days = np.array([3, 3, 7, 7, 7])

    assert by_day(days, np.arange(5.0), np.ones(5)).tolist() == [[1, 9], [2, 3]]


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    covered = 0
    for _ in range(60):
        table = np.stack([random.normal(1, 1, 400), np.ones(400)])
        found = estimate(table, lambda sums: sums[0] / sums[1])
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 1 <= found.high

    assert covered / 60 == pytest.approx(0.95, abs=0.08)


def test_days_that_hang_together_make_it_wider() -> None:
    random = np.random.default_rng(2)
    alone = random.normal(0, 1, 1_000)
    together = np.repeat(random.normal(0, 1, 100), 10)

    def width(values: np.ndarray) -> float:
        found = estimate(np.stack([values, np.ones(1_000)]), lambda sums: sums[0] / sums[1])
        assert found.low is not None
        assert found.high is not None
        return found.high - found.low

    assert width(together) > 2 * width(alone)


def test_what_is_not_defined_is_none() -> None:
    assert estimate(np.zeros((2, 10)), lambda sums: sums[0] / sums[1]) == Estimate(None)
    assert DRAWS >= 200
