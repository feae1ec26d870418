from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st
from msgspec import structs

from shared_events.testing.factories import NOON
from signal_system.domain.market import Market
from signal_system.domain.moves import Count
from signal_system.domain.rules import Rules
from signal_system.signal_generation.costs import trip

RULES = Rules()
BTC = Market(NOON, Decimal(100), delisted=False, spread=0.0005, funding_hourly=0.0001)
WINDOWS = Count(windows=4, rose=3, fell=1, moved=8_000_000, drifted=4_000_000)


def test_going_in_and_out_costs_two_fees_the_way_across_the_book_and_funding_by_the_hour() -> None:
    long, short = (trip(side, 14_400, BTC, WINDOWS, RULES) for side in (1, -1))

    assert long.cost == pytest.approx(0.0009 + 0.0005 + 0.0004)
    assert short.cost == pytest.approx(0.0009 + 0.0005 - 0.0004)
    assert (long.typical, long.unknown) == (0.02, ())


def test_what_it_brings_is_the_base_rate_on_that_side_less_the_costs() -> None:
    long, short = (trip(side, 3_600, BTC, WINDOWS, RULES) for side in (1, -1))

    assert long.earned == pytest.approx(0.01 - 0.0015)
    assert short.earned == pytest.approx(-0.01 - 0.0013)


@pytest.mark.parametrize("missing", ["spread", "funding"])
def test_a_cost_that_nobody_said_is_named_and_no_result_is_made_up(missing: str) -> None:
    field = {"spread": "spread", "funding": "funding_hourly"}[missing]
    market = structs.replace(BTC, **{field: None})

    told = trip(1, 3_600, market, WINDOWS, RULES)

    assert told.unknown == (missing,)
    assert told.earned is None


def test_once_it_is_known_how_much_likelier_a_side_is_that_share_of_a_typical_move_is_earned() -> (
    None
):
    told = trip(1, 3_600, BTC, WINDOWS, RULES, edge=0.25)

    assert told.margin == pytest.approx(0.005)
    assert told.earned == pytest.approx(0.005 - 0.0015)


def test_without_a_market_the_assumed_round_trip_is_what_it_costs() -> None:
    told = trip(1, 3_600, None, Count(), RULES)

    assert told == replace(told, cost=RULES.round_trip_cost, typical=None, earned=None)


@given(st.floats(0, 0.1), st.floats(-0.001, 0.001), st.sampled_from((3_600, 14_400, 86_400)))
def test_both_sides_together_never_cost_less_than_two_round_trips(
    spread: float, funding: float, horizon: int
) -> None:
    market = structs.replace(BTC, spread=spread, funding_hourly=funding)

    both = sum(trip(side, horizon, market, WINDOWS, RULES).cost for side in (1, -1))

    assert both >= 2 * RULES.round_trip_cost - 1e-12
