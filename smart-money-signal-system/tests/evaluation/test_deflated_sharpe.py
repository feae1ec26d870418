from math import sqrt
from random import Random

import pytest

from signal_system.evaluation.deflated_sharpe import Track, deflated, luckiest, probabilistic_sharpe

PUBLISHED = Track(sharpe=2.5 / sqrt(250), returns=1_250, skewness=-3, kurtosis=10)
"""The example of Bailey and Lopez de Prado (2014): five years of days, 2.5 a year."""


@pytest.mark.parametrize(("trials", "probability"), [(100, 0.9004), (46, 0.9505)])
def test_the_published_example_comes_out(trials: int, probability: float) -> None:
    threshold = luckiest(trials, dispersion=0.5 / 250)

    assert probabilistic_sharpe(PUBLISHED, threshold) == pytest.approx(probability, abs=5e-5)


def test_the_threshold_is_what_the_best_of_so_many_without_skill_shows() -> None:
    random = Random(1)
    best = [max(random.gauss(0, 0.1) for _ in range(50)) for _ in range(4_000)]

    assert luckiest(50, dispersion=0.01) == pytest.approx(sum(best) / len(best), rel=0.02)


def test_every_further_trial_makes_the_best_less_convincing() -> None:
    random = Random(2)
    trials = [random.gauss(0, 0.05) for _ in range(100)]

    few, many = deflated(PUBLISHED, trials[:10]), deflated(PUBLISHED, trials)

    assert (few.trials, many.trials) == (10, 100)
    assert deflated(PUBLISHED, [PUBLISHED.sharpe]).probability == probabilistic_sharpe(PUBLISHED)
    assert many.threshold > few.threshold > 0
    assert many.probability < few.probability


def test_returns_without_skill_are_above_nothing_half_of_the_time() -> None:
    random = Random(3)
    tracks = [Track.of([random.gauss(0, 1) for _ in range(200)]) for _ in range(500)]

    chances = [probabilistic_sharpe(track) for track in tracks if track]

    assert len(chances) == 500
    assert sum(chance > 0.95 for chance in chances) / 500 == pytest.approx(0.05, abs=0.03)


def test_what_does_not_vary_has_no_ratio() -> None:
    assert Track.of([0.1, 0.1, 0.1]) is None
    assert Track.of([0.1, 0.2]) is None
