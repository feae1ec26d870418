from math import log, sqrt

import pytest
from hypothesis import given, strategies as st

from signal_system.weighting_engine.hedge import AdaHedge, loss

rounds = st.lists(st.lists(st.floats(0, 1), min_size=4, max_size=4), min_size=1, max_size=200)


def learned(losses: list[list[float]], share: float = 0.0) -> AdaHedge:
    hedge = AdaHedge.of([1.0] * len(losses[0]))
    for each in losses:
        hedge.learn(each, share)
    return hedge


@given(rounds, st.floats(0, 0.1))
def test_trust_is_never_lost_nor_made(losses: list[list[float]], share: float) -> None:
    hedge = learned(losses, share)

    assert sum(hedge.weights) == pytest.approx(1.0)
    assert min(hedge.weights) >= share * 0.25 * (1 - 1e-9)


@given(rounds)
def test_the_regret_stays_below_the_bound_whatever_happens(losses: list[list[float]]) -> None:
    """As Theorem 8 of de Rooij et al. (2014) bounds it, for losses in [0, 1]."""
    experts, hedge = 4, learned(losses)

    bound = 2 * sqrt(len(losses) / 4 * log(experts)) + 16 / 3 * log(experts) + 2
    assert hedge.regret <= bound


def test_trust_moves_to_whoever_loses_least_and_back_when_that_changes() -> None:
    good, bad = [0.2, 0.8], [0.8, 0.2]

    before = learned([good] * 200, share=0.01)
    after = learned([good] * 200 + [bad] * 300, share=0.01)

    assert before.weights[0] > 0.9
    assert after.weights[1] > 0.9


def test_the_prior_counts_until_results_do() -> None:
    assert AdaHedge.of([3.0, 1.0]).weights == [0.75, 0.25]


@given(st.floats(-100, 100), st.floats(0, 100))
def test_a_loss_is_one(result: float, deviation: float) -> None:
    assert 0 <= loss(result, deviation) <= 1
