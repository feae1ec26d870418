from typing import get_args

from hypothesis import given, strategies as st

from shared_events.types import Action
from signal_system.domain.moves import Count
from signal_system.signal_generation.calibration import base_rate

counts = st.tuples(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6)).map(
    lambda parts: Count(sum(parts), parts[0], parts[1])
)


@given(counts)
def test_the_three_rates_share_out_one_and_none_is_certain(count: Count) -> None:
    rates = [base_rate(action, count) for action in get_args(Action)]

    assert all(0 < rate < 1 for rate in rates)
    assert abs(sum(rates) - 1) < 1e-9


def test_nothing_known_is_one_third_each() -> None:
    assert {base_rate(action, Count()) for action in get_args(Action)} == {1 / 3}
