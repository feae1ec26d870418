import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from shared_events.bus.buffered import buffered
from shared_events.bus.memory import MemoryEventBus
from shared_events.envelope import StandardEvent
from shared_events.errors import BusUnavailableError, ConfigError, DataError
from shared_events.runtime.clock import ManualClock, SystemClock
from shared_events.testing.bus_contract import POSITIONS, book, books, everything, sequences_of
from shared_events.testing.factories import an_event, trader_positions
from shared_events.testing.publisher_contract import PublisherContract, Received

Events = Sequence[StandardEvent[Any]]


class Recorder:
    """A publisher that keeps what it is given, and raises what it is told to before that."""

    def __init__(self, *errors: Exception, refuses: int | None = None) -> None:
        self.errors = list(errors)
        self.refuses = refuses
        self.batches: list[list[int]] = []
        self.open = asyncio.Event()
        self.open.set()

    @property
    def published(self) -> list[int]:
        return [number for batch in self.batches for number in batch]

    async def publish(self, events: Events) -> None:
        await self.open.wait()
        if self.errors:
            raise self.errors.pop(0)
        if self.refuses in sequences_of(events):
            raise DataError("not this one")
        self.batches.append(sequences_of(events))

    async def ping(self) -> None:
        await self.open.wait()


class TestBufferedPublisher(PublisherContract):
    @pytest.fixture
    def bus(self) -> MemoryEventBus:
        return MemoryEventBus(redeliver_after=0.05)

    @pytest.fixture
    async def publisher(self, bus: MemoryEventBus) -> Any:
        async with buffered(bus, clock=SystemClock()) as publisher:
            yield publisher

    @pytest.fixture
    def received(self, bus: MemoryEventBus) -> Received:
        async def received() -> Events:
            async with bus.subscribe("reader", [POSITIONS, "market_contexts"]) as subscription:
                return [delivery.event for delivery in await everything(subscription)]

        return received

    async def test_a_batch_with_something_that_is_no_fact_is_refused_whole(
        self, publisher: Any, received: Received
    ) -> None:
        """Here it is found out in the background, and raised on leaving."""
        bad = an_event(trader_positions(positions=(object(),)))

        with pytest.raises(TypeError):
            async with buffered(MemoryEventBus(), clock=SystemClock()) as failing:
                await failing.publish([an_event(), bad])

        assert await received() == []


async def test_what_waits_goes_out_together_in_order(clock: ManualClock) -> None:
    recorder = Recorder()
    recorder.open.clear()

    async with buffered(recorder, clock=clock, batch_size=10) as publisher:
        for number in range(25):
            await publisher.publish([book(number)])
        recorder.open.set()

    assert recorder.published == list(range(25))
    assert len(recorder.batches) <= 4
    assert max(map(len, recorder.batches)) <= 10


async def test_a_batch_is_never_split(clock: ManualClock) -> None:
    recorder = Recorder()
    recorder.open.clear()

    async with buffered(recorder, clock=clock, batch_size=10) as publisher:
        await publisher.publish(books(3))
        await publisher.publish(books(15))
        await publisher.publish(books(2))
        recorder.open.set()

    assert [len(batch) for batch in recorder.batches] == [3, 15, 2]


async def test_publishing_does_not_wait_for_the_bus(clock: ManualClock) -> None:
    recorder = Recorder()
    recorder.open.clear()

    async with buffered(recorder, clock=clock) as publisher:
        await publisher.publish(books(3))
        assert publisher.waiting == 3
        recorder.open.set()

    assert publisher.waiting == 0


async def test_a_full_queue_makes_publishers_wait(clock: ManualClock) -> None:
    recorder = Recorder()
    recorder.open.clear()

    async with buffered(recorder, clock=clock, limit=4) as publisher:
        await publisher.publish(books(4))
        held_up = asyncio.create_task(publisher.publish([book(4)]))
        await asyncio.sleep(0.01)
        assert not held_up.done()

        recorder.open.set()
        await held_up

    assert recorder.published == [0, 1, 2, 3, 4]


async def test_a_batch_larger_than_the_queue_is_taken_when_it_is_empty(clock: ManualClock) -> None:
    recorder = Recorder()

    async with buffered(recorder, clock=clock, limit=4) as publisher:
        await publisher.publish(books(9))

    assert recorder.published == list(range(9))


async def test_an_absent_bus_is_waited_for_and_the_order_stays(clock: ManualClock) -> None:
    recorder = Recorder(*[BusUnavailableError("away")] * 3)

    async with buffered(recorder, clock=clock) as publisher:
        for number in range(5):
            await publisher.publish([book(number)])
            await asyncio.sleep(0)

    assert recorder.published == [0, 1, 2, 3, 4]
    assert len(clock.slept) == 3


async def test_a_refused_batch_loses_only_the_guilty_event(clock: ManualClock) -> None:
    recorder = Recorder(refuses=2)

    async with buffered(recorder, clock=clock) as publisher:
        await publisher.publish(books(5))

    assert recorder.published == [0, 1, 3, 4]


async def test_leaving_publishes_the_rest_even_when_cancelled(clock: ManualClock) -> None:
    recorder = Recorder()

    async def work() -> None:
        async with buffered(recorder, clock=clock) as publisher:
            await publisher.publish(books(3))
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert task.cancelled()
    assert recorder.published == [0, 1, 2]


async def test_leaving_gives_up_after_a_while(clock: ManualClock) -> None:
    recorder = Recorder()
    recorder.open.clear()

    async with buffered(recorder, clock=clock, drain_seconds=0.01) as publisher:
        await publisher.publish(books(3))

    assert recorder.published == []
    assert publisher.waiting == 3


async def test_whoever_publishes_learns_what_ended_the_background_task(clock: ManualClock) -> None:
    recorder = Recorder(ConfigError("the key is refused"))

    async def work() -> None:
        async with buffered(recorder, clock=clock) as publisher:
            await publisher.publish(books(1))
            await asyncio.sleep(0.01)
            await publisher.publish(books(1))
            raise AssertionError("nobody said anything")

    with pytest.raises(ConfigError, match="key"):
        await work()


async def test_a_failure_nobody_noticed_is_raised_on_leaving(clock: ManualClock) -> None:
    recorder = Recorder(ConfigError("the key is refused"))

    with pytest.raises(ConfigError, match="key"):
        async with buffered(recorder, clock=clock) as publisher:
            await publisher.publish(books(1))


async def test_a_ping_is_the_bus_own(clock: ManualClock) -> None:
    async with buffered(Recorder(), clock=clock) as publisher:
        await publisher.ping()
