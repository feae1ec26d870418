from datetime import timedelta
from decimal import Decimal
from math import isclose
from random import Random
from typing import get_args

from hypothesis import given, strategies as st
from msgspec import json

from shared_events.payloads import Odds
from shared_events.testing.factories import NOON
from shared_events.types import Action
from signal_system.domain.claims import Claim
from signal_system.domain.moves import Count
from signal_system.signal_generation.calibration import (
    Calibration,
    base_rates,
    chance_of,
    shaped,
)

HOUR = timedelta(hours=1)
BASE = base_rates(Count(windows=97, rose=39, fell=40))
ACTIONS: tuple[Action, ...] = get_args(Action)

counts = st.tuples(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6)).map(
    lambda parts: Count(sum(parts), parts[0], parts[1])
)


def a_claim(hour: int, score: float, coin: str = "BTC", base: Odds | None = BASE) -> Claim:
    return Claim(
        id=f"{coin}-{hour}",
        coin=coin,
        action="BUY",
        said_at=NOON + hour * HOUR,
        horizon_seconds=3_600,
        reference_price=Decimal(100),
        score=score,
        base=base,
    )


def taught(trust: float, hours: int, coins: int = 1) -> Calibration:
    """Return what is learnt from outcomes that are as likely as `trust` in the score says."""
    random, learnt = Random(4), Calibration()
    for hour in range(hours):
        for coin in range(coins):
            score = random.uniform(-2, 2)
            odds = shaped(BASE, score, trust)
            (realised,) = random.choices(ACTIONS, [chance_of(each, odds) for each in ACTIONS])
            learnt.learn(a_claim(hour, score, f"C{coin}"), realised, correlation=0.5)
    return learnt


@given(counts, st.floats(-5, 5), st.floats(0, 4))
def test_the_three_probabilities_share_out_one_whatever_is_trusted(
    count: Count, score: float, trust: float
) -> None:
    odds = shaped(base_rates(count), score, trust)

    assert all(0 < chance_of(action, odds) < 1 for action in ACTIONS)
    assert isclose(odds.up + odds.down + odds.flat, 1)


def test_nothing_known_is_one_third_each() -> None:
    assert {chance_of(action, base_rates(Count())) for action in ACTIONS} == {1 / 3}


@given(st.floats(0.01, 5), st.floats(0.01, 4))
def test_a_score_that_is_trusted_makes_its_own_side_likelier_and_the_other_less(
    score: float, trust: float
) -> None:
    odds = shaped(BASE, score, trust)

    assert odds.up > BASE.up
    assert odds.down < BASE.down


def test_a_score_that_says_nothing_is_hardly_trusted_and_one_that_says_what_it_means_is() -> None:
    assert taught(0.0, hours=1_500).trust < 0.2
    assert 0.8 < taught(1.0, hours=1_500).trust < 1.2


def test_outcomes_of_one_window_count_as_fewer_the_more_alike_coins_move() -> None:
    assert taught(0.0, hours=11).independent == 10  # the eleventh window is not over
    assert isclose(taught(0.0, hours=11, coins=50).independent, 10 * 50 / (1 + 49 * 0.5))


def test_outcomes_of_a_window_change_nothing_that_is_judged_by_them_before_it_is_over() -> None:
    learnt = taught(1.0, hours=50)
    before = learnt.trust

    learnt.learn(a_claim(49, 2.0, "ETH"), "SELL", correlation=0.5)
    assert learnt.trust == before

    learnt.learn(a_claim(50, 2.0), "BUY", correlation=0.5)
    assert learnt.trust != before


def test_what_comes_after_its_window_was_judged_teaches_nothing() -> None:
    learnt = taught(1.0, hours=50)
    before = json.encode(learnt)

    learnt.learn(a_claim(3, 2.0), "SELL", correlation=0.5)

    assert learnt.late == 1
    learnt.late = 0
    assert json.encode(learnt) == before


@given(
    st.lists(st.tuples(st.floats(-3, 3), st.sampled_from(ACTIONS)), min_size=1, max_size=30),
    st.randoms(use_true_random=False),
)
def test_the_order_of_outcomes_within_a_window_does_not_matter(
    facts: list[tuple[float, Action]], random: Random
) -> None:
    def learnt(facts: list[tuple[float, Action]]) -> bytes:
        calibration = taught(1.0, hours=5)
        for score, realised in facts:
            calibration.learn(a_claim(9, score), realised, correlation=0.5)
        calibration.learn(a_claim(10, 1.0), "BUY", correlation=0.5)
        return json.encode(calibration)

    assert learnt(facts) == learnt(random.sample(facts, len(facts)))
