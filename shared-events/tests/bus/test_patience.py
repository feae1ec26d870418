from random import Random

from hypothesis import given, strategies as st

from shared_events.bus.patience import Backoff, patiently
from shared_events.errors import BusUnavailableError
from shared_events.runtime.clock import ManualClock

EVEN = Backoff(first_seconds=1, cap_seconds=5, jitter=0)


class Flaky:
    def __init__(self, *errors: BusUnavailableError) -> None:
        self.errors = list(errors)

    async def __call__(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "done"


async def test_it_tries_until_it_succeeds_with_growing_waits(clock: ManualClock) -> None:
    flaky = Flaky(*[BusUnavailableError("away")] * 5)

    assert await patiently(flaky, clock=clock, backoff=EVEN) == "done"

    assert clock.slept == [1, 2, 4, 5, 5]


async def test_it_waits_as_long_as_it_is_asked_to(clock: ManualClock) -> None:
    await patiently(Flaky(BusUnavailableError("busy", retry_after=9)), clock=clock, backoff=EVEN)

    assert clock.slept == [9]


@given(st.integers(1, 10_000), st.integers(), st.floats(0, 1))
def test_a_wait_is_never_longer_than_the_cap_nor_shorter_than_the_jitter_allows(
    failures: int, seed: int, jitter: float
) -> None:
    backoff = Backoff(first_seconds=0.1, cap_seconds=30, jitter=jitter)

    wait = backoff.wait(failures, Random(seed))

    assert 0.1 * (1 - jitter) <= wait <= 30


def test_the_same_chance_gives_the_same_waits() -> None:
    assert Backoff().wait(3, Random(7)) == Backoff().wait(3, Random(7))
