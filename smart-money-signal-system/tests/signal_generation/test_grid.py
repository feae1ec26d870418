from datetime import datetime, timedelta

from hypothesis import given, strategies as st

from shared_events.testing.factories import NOON
from signal_system.signal_generation.grid import Grid, next_due

moments = st.integers(0, 10**10).map(lambda ms: NOON + timedelta(milliseconds=ms))


@given(st.text(min_size=1), moments, st.integers(1, 60))
def test_a_coin_is_due_once_in_every_turn_of_the_grid(coin: str, now: datetime, grid: int) -> None:
    first = next_due(coin, now, grid)

    assert now < first <= now + timedelta(seconds=grid)
    assert next_due(coin, first, grid) == first + timedelta(seconds=grid)


def test_coins_are_spread_over_the_turn() -> None:
    seconds = {next_due(f"COIN{n}", NOON, 60) for n in range(200)}

    assert len(seconds) > 50


def test_a_coin_that_was_due_waits_until_it_is_told_to() -> None:
    grid = Grid({"BTC": NOON})
    assert grid.due(NOON) == {"BTC"}
    assert grid.due(NOON) == set()

    grid.wait("BTC", NOON + timedelta(seconds=60))

    assert grid.due(NOON + timedelta(seconds=59)) == set()
    assert grid.due(NOON + timedelta(seconds=60)) == {"BTC"}
