import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from signal_system.weighting_engine.columns import Floats
from signal_system.weighting_engine.rules import SkillRules
from signal_system.weighting_engine.skill import (
    Population,
    discovered,
    finished,
    fitting,
    judged,
)

RULES = SkillRules()
ratios = st.lists(st.floats(-8, 8), min_size=20, max_size=200)


def fitted(ratio: Floats, error: Floats, rules: SkillRules) -> Population:
    return finished(fitting(ratio, error, rules))


def a_population(
    seed: int, skilled: int, lead: float, voters: int = 600, error: float = 1.0
) -> tuple[Floats, Floats]:
    """Return what was measured of `voters`, the first `skilled` of whom lead by so much."""
    random = np.random.default_rng(seed)
    ratio = random.standard_normal(voters) * error - 0.5
    ratio[:skilled] += lead
    return ratio, np.full(voters, error)


@pytest.mark.parametrize("seed", range(5))
def test_the_skilled_are_found_where_they_stand_out(seed: int) -> None:
    ratio, error = a_population(seed, 30, 6.0)

    found = fitted(ratio, error, RULES)
    posterior = judged(ratio, error, found)

    assert found.share == pytest.approx(0.05, abs=0.02)
    assert 3.5 < found.mean < 6
    assert found.gain > 30
    proven = discovered(posterior.probability, RULES.proven_false)
    assert proven[:30].sum() >= 25
    assert proven[30:].sum() <= 6


@pytest.mark.parametrize("seed", range(5))
def test_where_nobody_is_skilled_nobody_is_proven(seed: int) -> None:
    ratio, error = a_population(seed, 0, 0.0)

    found = fitted(ratio, error, RULES)
    posterior = judged(ratio, error, found)

    assert found.share < 0.05
    assert found.gain < 1
    assert not discovered(posterior.probability, RULES.proven_false).any()


def test_luck_that_all_share_is_not_skill() -> None:
    ratio, error = a_population(1, 0, 0.0)

    spread_out = fitted(3 * ratio, error, RULES)

    assert spread_out.width > 2.5
    assert judged(3 * ratio, error, spread_out).probability.max() < 0.7


def test_too_few_tell_nothing() -> None:
    ratio, error = a_population(1, 5, 9.0, voters=RULES.least_voters - 1)

    found = fitted(ratio, error, RULES)

    assert found == Population(voters=RULES.least_voters - 1)
    assert not judged(ratio, error, found).skill.any()


@settings(deadline=None)
@given(ratios, st.floats(0.2, 3))
def test_probabilities_are_such_and_skill_is_never_negative(
    measured: list[float], error: float
) -> None:
    ratio, errors = np.array(measured), np.full(len(measured), error)

    found = fitted(ratio, errors, RULES)
    posterior = judged(ratio, errors, found)

    assert RULES.least_share <= found.share <= RULES.most_share
    assert found.mean > found.centre
    assert ((posterior.probability >= 0) & (posterior.probability <= 1)).all()
    assert (posterior.skill >= 0).all()
    assert np.isfinite(posterior.skill).all()


@given(st.floats(-5, 5), st.floats(0.1, 5), st.floats(0.05, 1))
def test_more_evidence_never_widens_the_posterior(ratio: float, error: float, less: float) -> None:
    known = Population(width=1.2, share=0.05, mean=2.0, spread=1.0)

    wide, narrow = (
        judged(np.array([ratio]), np.array([each]), known) for each in (error, less * error)
    )

    assert narrow.deviation[0] <= wide.deviation[0] <= known.spread


def test_of_whom_nothing_is_known_the_population_is() -> None:
    known = Population(share=0.05, mean=2.0, spread=1.0)

    unknown = judged(np.array([0.0]), np.array([np.inf]), known)

    assert (unknown.probability[0], unknown.mean[0], unknown.deviation[0]) == (0.05, 2.0, 1.0)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=100), st.floats(0.01, 0.9))
def test_no_more_than_the_allowed_share_of_discoveries_is_false(
    probabilities: list[float], false: float
) -> None:
    probability = np.array(probabilities)

    found = discovered(probability, false)

    if found.any():
        assert (1 - probability[found]).mean() <= false + 1e-12
        assert probability[found].min() >= probability[~found].max(initial=0.0)
