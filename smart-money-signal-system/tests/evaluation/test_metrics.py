from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from signal_system.evaluation.metrics import (
    compounded,
    deepest_fall,
    long_or_flat,
    matthews,
    sharpe,
)

closes = st.lists(st.floats(50, 150), min_size=3, max_size=40)


@given(closes, st.data())
def test_no_return_uses_a_state_known_later_than_the_bar_before_the_last(
    prices: list[float], data: st.DataObject
) -> None:
    said = data.draw(st.lists(st.booleans(), min_size=len(prices), max_size=len(prices)))
    bar = data.draw(st.integers(1, len(prices) - 1))
    changed = [*said[: bar - 1], *(not each for each in said[bar - 1 :])]

    one = long_or_flat(said, prices, cost=0.01)
    other = long_or_flat(changed, prices, cost=0.01)

    assert one[:bar] == other[:bar]


@given(closes)
def test_always_long_is_the_coin_less_one_entry(prices: list[float]) -> None:
    returns = long_or_flat([True] * len(prices), prices, cost=0.02, delay=0)

    [first, *others] = [after / before - 1 for before, after in pairwise(prices)]
    assert returns == [first - 0.01, *others]


def test_a_trade_costs_half_a_round_trip_each_way() -> None:
    assert long_or_flat([False, True, False, False], [1, 1, 1, 1], cost=0.02, delay=0) == [
        0.0,
        -0.01,
        -0.01,
    ]


def test_perfect_opposite_and_constant_answers() -> None:
    truth = [True, False, True]

    assert matthews(truth, truth) == 1
    assert matthews([not each for each in truth], truth) == -1
    assert matthews([True] * 3, truth) is None


def test_equity_that_only_rises_never_falls() -> None:
    assert deepest_fall([0.1, 0.0, 0.2]) == 0
    assert compounded([]) == 0
    assert sharpe([0.1], 365) is None
    assert sharpe([0.1, 0.1], 365) is None
    assert sharpe([0.1, -0.1, 0.1], 365) == pytest.approx(5.515, abs=0.01)
