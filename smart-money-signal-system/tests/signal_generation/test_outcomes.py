from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings, strategies as st
from msgspec import json

from shared_events.payloads import Outcome, Signal
from shared_events.testing.factories import NOON
from shared_events.types import Action
from signal_system.domain.claims import Claim
from signal_system.domain.rules import Rules
from signal_system.fold import Fold, FoldConfig, FoldSnapshot, Issued
from signal_system.signal_generation.outcomes import Outcomes, Terms, resolved
from signal_system.testing.events import book, member, price, status, told

COST = Decimal("0.001")
TERMS = Terms(COST, timedelta(minutes=1), timedelta(hours=1))
HOUR = timedelta(hours=1)


def a_claim(
    action: Action = "BUY", said_at: datetime = NOON, number: int = 1, **fields: object
) -> Claim:
    given = {
        "id": f"event-{number}",
        "coin": "BTC",
        "action": action,
        "said_at": said_at,
        "horizon_seconds": 3_600,
        "reference_price": Decimal(100),
    }
    return Claim(**given | fields)  # type: ignore[arg-type]


def heard(outcomes: Outcomes, mark: str, at: datetime, coin: str = "BTC") -> list[Outcome]:
    return [told for _, told in outcomes.hear(coin, Decimal(mark), at, at, TERMS)]


@pytest.mark.parametrize(
    ("action", "mark", "result", "is_right"),
    [
        ("BUY", "101", "0.009", True),
        ("BUY", "100.05", "-0.0005", False),
        ("BUY", "99", "-0.011", False),
        ("SELL", "99", "0.009", True),
        ("SELL", "101", "-0.011", False),
        ("NEUTRAL", "100.05", "0", True),
        ("NEUTRAL", "100.2", "0", False),
        ("NEUTRAL", "99.8", "0", False),
    ],
)
def test_who_was_right_earned_more_than_a_round_trip_and_neutral_if_neither_side_did(
    action: Action, mark: str, result: str, *, is_right: bool
) -> None:
    told = resolved(a_claim(action), Decimal(mark), COST)

    assert (told.result_after_costs, told.right, told.resolved) == (Decimal(result), is_right, True)


@given(st.decimals("0.01", 10**6, places=2), st.decimals("0.01", 10**6, places=2))
def test_of_the_three_actions_at_most_one_is_right_and_one_always_is(
    before: Decimal, after: Decimal
) -> None:
    claims = [a_claim(action, reference_price=before) for action in ("BUY", "SELL", "NEUTRAL")]

    assert sum(bool(resolved(claim, after, COST).right) for claim in claims) == 1


def test_the_first_price_of_the_moment_resolves_and_earlier_or_much_later_ones_do_not() -> None:
    outcomes = Outcomes()
    outcomes.join(a_claim())

    assert not heard(outcomes, "105", NOON + HOUR - timedelta(seconds=1))
    assert not heard(outcomes, "105", NOON + HOUR + timedelta(minutes=2))
    assert not heard(outcomes, "105", NOON + HOUR, coin="ETH")
    (told,) = heard(outcomes, "103", NOON + HOUR + timedelta(seconds=30))
    assert (told.outcome_price, told.resolved_at) == (Decimal(103), NOON + HOUR)
    assert not heard(outcomes, "104", NOON + HOUR + timedelta(seconds=31))


def test_a_claim_that_no_price_came_for_is_unresolved_and_neither_right_nor_wrong() -> None:
    outcomes = Outcomes()
    outcomes.join(a_claim())
    due = NOON + HOUR

    assert not list(outcomes.give_up(due, TERMS))
    assert not list(outcomes.give_up(due + HOUR, TERMS))
    (told,) = outcomes.give_up(due + HOUR + timedelta(minutes=11), TERMS)

    assert (told.resolved, told.right, told.price_change, told.outcome_price) == (
        *(False, None, None, None),
    )
    assert not heard(outcomes, "103", due)


def test_of_what_repeats_itself_the_first_claim_of_each_window_is_joined() -> None:
    outcomes = Outcomes()
    minutes = [NOON + timedelta(minutes=each) for each in range(180)]

    joined = [at for at in minutes if outcomes.join(a_claim(said_at=at), repeats="BTC:1h")]

    assert joined == [NOON, NOON + HOUR, NOON + 2 * HOUR]


def test_what_does_not_repeat_itself_is_joined_always_but_never_without_bound() -> None:
    outcomes = Outcomes()

    assert sum(outcomes.join(a_claim(number=each)) for each in range(2_000)) == 1_000


moments = st.integers(0, 10_000).map(lambda second: NOON + timedelta(seconds=second))


@given(st.lists(st.tuples(moments, st.booleans()), max_size=60))
def test_every_claim_is_told_of_at_most_once(facts: list[tuple[datetime, bool]]) -> None:
    outcomes, made, told = Outcomes(), 0, Counter[str]()
    for at, is_claim in sorted(facts):
        if is_claim:
            made += outcomes.join(a_claim(said_at=at, number=made))
        told.update(each.signal_id for each in heard(outcomes, "101", at))
        told.update(each.signal_id for each in outcomes.give_up(at, TERMS))

    assert set(told.values()) <= {1}
    assert made == len(told) + sum(map(len, outcomes.claims.values()))


def folded(records: list[object], cut: int | None = None) -> list[Issued]:
    config = FoldConfig(rules=Rules(min_voters=2))
    fold, issued = Fold(config), list[Issued]()
    for position, record in enumerate(records):
        issued += fold.apply(position, record)  # type: ignore[arg-type]
        if position == cut:
            saved = json.decode(fold.snapshot(), type=FoldSnapshot)
            fold = Fold(config)
            fold.restore(saved)
    return issued


def hours(count: int, seed: int = 1) -> list[object]:
    """Return so many hours of three longs, with prices every minute that rise and fall."""
    random = Random(seed)
    records: list[object] = [status(), *(member(each) for each in (1, 2, 3))]
    records += [book(each, 1, {"BTC": 5}) for each in (1, 2, 3)]
    for minute in range(60 * count):
        second = 60.0 * minute
        records += [status(second), price("BTC", 100 + random.uniform(-1, 1), second)]
    return records


def test_every_window_of_a_horizon_has_its_outcome_soon_after_its_end() -> None:
    issued = folded(hours(6))

    signals = {event.id: event.data for event in issued if isinstance(event.data, Signal)}
    outcomes = [event.data for event in issued if isinstance(event.data, Outcome)]
    hourly = [each for each in outcomes if each.horizon_seconds == 3_600]
    assert len(hourly) == 5
    for outcome in outcomes:
        signal = signals[outcome.signal_id]
        assert outcome.resolved
        assert outcome.action == signal.action
        assert outcome.reference_price == signal.reference_price
        assert outcome.resolved_at == signal.valid_until
    for event in issued:
        if isinstance(event.data, Outcome):
            late = event.recorded_at - event.data.resolved_at
            assert timedelta(0) <= late <= timedelta(minutes=1)


def test_a_price_that_comes_late_still_counts_until_the_claim_is_given_up() -> None:
    quiet, due = hours(1), 3_600.0
    late = price("BTC", 150, due + 30).data
    in_time, too_late = (told(late, due + wait) for wait in (1_800, 7_200))

    for record, resolved_hourly in ((in_time, [True]), (too_late, [False])):
        outcomes = [event.data for event in folded([*quiet, record]) if event.type == "outcomes"]
        hourly = [each for each in outcomes if each.horizon_seconds == 3_600]
        assert [each.resolved for each in hourly] == resolved_hourly


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 100), st.integers(0, 300))
def test_cut_anywhere_the_same_outcomes_are_told(seed: int, cut: int) -> None:
    records = hours(3, seed)

    whole, again = folded(records), folded(records, cut)

    assert [event.id for event in whole] == [event.id for event in again]
    assert any(isinstance(event.data, Outcome) for event in whole)
