from dataclasses import replace

import pytest

from shared_events.testing.factories import NOON
from shared_events.types import Action
from signal_system.domain.circumstances import Circumstances
from signal_system.domain.rules import Rules
from signal_system.signal_generation.aggregation import Pool
from signal_system.signal_generation.costs import Trip
from signal_system.signal_generation.gates import (
    Case,
    action,
    first_shut,
    horizon_gates,
    judged,
    shared_gates,
)

RULES = Rules()
POOL = Pool(tilt=0.6, score=0.3, voters=10, independent_voters=5.0)
CASE = Case(POOL, price_age=1.0, held="NEUTRAL")
SEEN = Circumstances(
    now=NOON,
    data_age=1.0,
    freshness_limit=1_800.0,
    price_limit=60.0,
    heartbeat_age=1.0,
    heartbeat_limit=30.0,
    source="LIVE",
    coverage=1.0,
)


TRIP = Trip(cost=0.001, typical=0.002, earned=None)


def verdict(case: Case = CASE, seen: Circumstances = SEEN) -> tuple[Action, str | None]:
    gates = judged(case, seen, shared_gates(seen, RULES), RULES)
    return action(gates, case.pool.tilt), first_shut(gates)


def test_with_every_gate_open_the_side_it_leans_to_is_the_action() -> None:
    short = replace(CASE, pool=replace(POOL, tilt=-0.6))

    assert verdict() == ("BUY", None)
    assert verdict(short) == ("SELL", None)


@pytest.mark.parametrize(
    ("gate", "case", "seen"),
    [
        ("reference_price", replace(CASE, price_age=None), SEEN),
        ("reference_price", replace(CASE, price_age=60.1), SEEN),
        ("freshness", CASE, replace(SEEN, data_age=None)),
        ("freshness", CASE, replace(SEEN, data_age=1_800.1)),
        ("source", CASE, replace(SEEN, heartbeat_age=None)),
        ("source", CASE, replace(SEEN, heartbeat_age=30.1)),
        ("source", CASE, replace(SEEN, source="LOST")),
        ("source", CASE, replace(SEEN, source="STALE")),
        ("coverage", CASE, replace(SEEN, coverage=None)),
        ("coverage", CASE, replace(SEEN, coverage=0.49)),
        ("distinct_voters", replace(CASE, pool=replace(POOL, voters=2)), SEEN),
        ("independent_voters", replace(CASE, pool=replace(POOL, independent_voters=1.9)), SEEN),
        ("disagreement", replace(CASE, against=0.81), SEEN),
        ("regime_entropy", replace(CASE, entropy=0.96), SEEN),
        ("costs", replace(CASE, trip=replace(TRIP, typical=0.0009)), SEEN),
        ("conviction", replace(CASE, pool=replace(POOL, tilt=0.19)), SEEN),
        ("conviction", replace(CASE, pool=replace(POOL, tilt=-0.19)), SEEN),
    ],
)
def test_each_gate_makes_it_neutral_and_is_named(
    gate: str, case: Case, seen: Circumstances
) -> None:
    assert verdict(case, seen) == ("NEUTRAL", gate)


@pytest.mark.parametrize(
    ("case", "seen"),
    [
        (replace(CASE, price_age=60.0), SEEN),
        (CASE, replace(SEEN, data_age=1_800.0)),
        (CASE, replace(SEEN, heartbeat_age=30.0)),
        (CASE, replace(SEEN, source="PARTIAL")),
        (CASE, replace(SEEN, coverage=0.5)),
        (replace(CASE, pool=replace(POOL, voters=3)), SEEN),
        (replace(CASE, pool=replace(POOL, independent_voters=2.0)), SEEN),
        (replace(CASE, pool=replace(POOL, tilt=0.2)), SEEN),
        (replace(CASE, against=0.8, entropy=0.95, trip=replace(TRIP, typical=0.001)), SEEN),
    ],
)
def test_a_value_at_its_threshold_passes(case: Case, seen: Circumstances) -> None:
    assert verdict(case, seen) == ("BUY", None)


def test_an_opinion_is_kept_a_little_longer_than_it_takes_to_form_one() -> None:
    weaker = replace(CASE, pool=replace(POOL, tilt=0.16))

    assert verdict(replace(weaker, held="BUY")) == ("BUY", None)
    assert verdict(replace(weaker, held="SELL")) == ("NEUTRAL", "conviction")
    assert verdict(replace(weaker, held="NEUTRAL")) == ("NEUTRAL", "conviction")


@pytest.mark.parametrize(
    ("gate", "case"),
    [
        ("disagreement", replace(CASE, against=0.85)),
        ("regime_entropy", replace(CASE, entropy=0.99)),
        ("costs", replace(CASE, trip=replace(TRIP, typical=0.00095))),
    ],
)
def test_what_is_held_is_not_dropped_for_a_hair(gate: str, case: Case) -> None:
    assert verdict(case) == ("NEUTRAL", gate)
    assert verdict(replace(case, held="BUY")) == ("BUY", None)


def test_a_move_that_nobody_has_measured_and_a_regime_nobody_names_are_said_not_to_apply() -> None:
    case = replace(CASE, trip=replace(TRIP, typical=None))

    told = {gate.name: gate for gate in horizon_gates(case, RULES)}

    assert all(gate.passed for gate in told.values())
    assert told["costs"].value is told["regime_entropy"].value is None
    assert told["costs"].reason == "not applicable: no window of this horizon has closed"
    assert told["regime_entropy"].reason == "not applicable: no regime with probabilities"


def test_a_source_that_says_it_is_lost_is_quoted() -> None:
    seen = replace(SEEN, source="LOST")

    gate = next(each for each in shared_gates(seen, RULES).gates if each.name == "source")

    assert (gate.value, gate.reason) == (1.0, "the source says LOST")


@pytest.mark.parametrize(
    ("seen", "status"),
    [
        (SEEN, "LIVE"),
        (replace(SEEN, coverage=0.89), "PARTIAL"),
        (replace(SEEN, coverage=None), "PARTIAL"),
        (replace(SEEN, source="PARTIAL"), "PARTIAL"),
        (replace(SEEN, data_age=9_999.0), "STALE"),
        (replace(SEEN, heartbeat_age=31.0), "STALE"),
        (replace(SEEN, source="LOST"), "STALE"),
    ],
)
def test_the_status_says_how_far_to_trust_what_is_seen(seen: Circumstances, status: str) -> None:
    assert shared_gates(seen, RULES).status == status
