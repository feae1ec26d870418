from itertools import pairwise

from hypothesis import given, strategies as st

from signal_system.ml.turning_points import swings

closes = st.lists(st.floats(1, 1_000), max_size=60)


@given(closes, st.floats(0.05, 0.9))
def test_every_finished_bull_market_rose_and_every_bear_market_fell(
    prices: list[float], swing: float
) -> None:
    labels = swings(prices, swing, swing)

    assert len(labels) == len(prices)
    turns = [n for n in range(1, len(labels)) if labels[n] != labels[n - 1]]
    for start, end in pairwise(turns):
        low, high = sorted((prices[start - 1], prices[end - 1]))
        assert labels[start] is (prices[end - 1] == high)
        assert low == prices[start - 1] if labels[start] else high == prices[start - 1]


def test_without_a_turn_nothing_is_known() -> None:
    assert swings([100, 101, 99], 0.4, 0.4) == [None] * 3
    assert swings([], 0.4, 0.4) == []
