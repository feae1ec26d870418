from datetime import UTC, datetime
from time import time

from hypothesis import given, strategies as st

from hyperliquid_simulator.clock import SteppedClock, WallClock
from hyperliquid_simulator.config import Config

DAY_S = 86_400.0


class Wall:
    """The seconds on the wall, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 50.0

    def __call__(self) -> float:
        return self.seconds


@given(speed=st.floats(0.01, 1000), seconds=st.floats(0, 10_000))
def test_venue_seconds_pass_at_the_speed_and_client_seconds_at_the_walls(
    speed: float, seconds: float
) -> None:
    wall = Wall()
    clock = WallClock(1_000_000, speed, wall.seconds, wall)
    wall.seconds += seconds

    assert abs(clock.waited() - seconds) < 1e-6
    assert abs(clock.elapsed() - seconds * speed) < 1e-2
    assert abs(clock.now_ms() - 1_000_000 - seconds * speed * 1000) < 10
    assert clock.seconds_until(clock.now_ms() - 1) == 0


def test_a_skewed_clock_stamps_later_but_counts_the_same_seconds() -> None:
    wall = Wall()
    clock = WallClock(1_000_000, 10.0, wall.seconds, wall)
    clock.skew_ms = 250.0
    wall.seconds += 2.0

    assert (clock.now_ms(), clock.elapsed()) == (1_020_250.0, 20.0)
    assert clock.seconds_until(1_030_250) == 1.0


def test_a_stepped_clock_moves_by_hand_alone() -> None:
    clock = SteppedClock(1_000)
    clock.pass_by(clock.seconds_until(1_750))

    assert (clock.now_ms(), clock.elapsed(), clock.waited()) == (1_750.0, 0.75, 0.75)


@given(speed=st.floats(1.0, 100.0))
def test_an_accelerated_venue_stays_in_the_past_of_its_clients_for_a_day(speed: float) -> None:
    start = Config(speed=speed).start_ms / 1000

    assert start + 0.9 * DAY_S * speed <= time() + 0.9 * DAY_S
    assert start + DAY_S * speed >= time() + DAY_S - 5


def test_a_venue_at_real_speed_starts_in_the_present_and_a_start_is_taken_as_it_is() -> None:
    start = datetime(2026, 11, 1, tzinfo=UTC)

    assert abs(Config().start_ms / 1000 - time()) < 5
    assert Config(speed=20.0, start=start).start_ms == start.timestamp() * 1000
