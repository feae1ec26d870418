import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from random import Random
from typing import Any

import pytest

from shared_events.bus.consumer import ConsumerPolicy, consume
from shared_events.bus.memory import MemoryEventBus
from shared_events.bus.patience import Backoff
from shared_events.bus.port import Delivery
from shared_events.errors import BusUnavailableError, DataError, TransientError
from shared_events.runtime.clock import ManualClock
from shared_events.testing.bus_contract import POSITIONS, books, sequences

REDELIVER_AFTER = 0.02
POLICY = ConsumerPolicy(backoff=Backoff(first_seconds=1, cap_seconds=60, jitter=0))


@pytest.fixture
def bus() -> MemoryEventBus:
    return MemoryEventBus(redeliver_after=REDELIVER_AFTER)


class Handler:
    """Handles batches, raising what it is told to for as long as there is something to raise."""

    def __init__(self, *errors: Exception | None, guilty: int | None = None) -> None:
        self.errors = list(errors)
        self.guilty = guilty
        self.batches: list[list[int]] = []

    @property
    def handled(self) -> list[int]:
        return [number for batch in self.batches for number in batch]

    async def __call__(self, deliveries: Sequence[Delivery]) -> None:
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error
        if self.guilty in sequences(deliveries):
            raise DataError("no such coin")
        self.batches.append(sequences(deliveries))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def consumed(
    bus: MemoryEventBus,
    handler: Handler,
    clock: ManualClock,
    done: Callable[[], bool],
    **options: Any,
) -> None:
    """Consume until `done`."""
    async with bus.subscribe("signals", [POSITIONS]) as subscription:
        given: dict[str, Any] = {"clock": clock, "policy": POLICY, "chance": Random(1)}
        loop = asyncio.create_task(consume(subscription, handler, **given | options))
        waiting = asyncio.create_task(until(done))
        await asyncio.wait({loop, waiting}, return_when=asyncio.FIRST_COMPLETED)
        loop.cancel()
        waiting.cancel()
        for result in await asyncio.gather(loop, waiting, return_exceptions=True):
            if isinstance(result, Exception):
                raise result


async def test_a_batch_is_handed_over_whole_and_acknowledged(
    bus: MemoryEventBus, clock: ManualClock
) -> None:
    await bus.publish(books(5))
    handler = Handler()

    await consumed(bus, handler, clock, lambda: bool(handler.batches))

    assert handler.batches == [[0, 1, 2, 3, 4]]
    assert await bus.lag("signals") == {POSITIONS: 0}


async def test_a_short_trouble_is_waited_out_without_losing_the_order(
    bus: MemoryEventBus, clock: ManualClock
) -> None:
    await bus.publish(books(3))
    handler = Handler(TransientError("disk full"), TransientError("disk full"))

    await consumed(bus, handler, clock, lambda: bool(handler.batches))

    assert handler.batches == [[0, 1, 2]]
    assert clock.slept == [1.0, 2.0]


async def test_a_longer_trouble_leaves_the_batch_to_come_back(
    bus: MemoryEventBus, clock: ManualClock
) -> None:
    await bus.publish(books(3))
    handler = Handler(*[TransientError("store away")] * 4)

    await consumed(bus, handler, clock, lambda: bool(handler.batches))

    assert handler.batches == [[0, 1, 2]]
    assert clock.slept == [1.0, 2.0, 4.0, 8.0]


async def test_the_waits_start_anew_after_a_success(
    bus: MemoryEventBus, clock: ManualClock
) -> None:
    handler = Handler(TransientError("away"), None, TransientError("away"))
    await bus.publish(books(1))
    await consumed(bus, handler, clock, lambda: len(handler.handled) == 1)
    await bus.publish(books(1))

    await consumed(bus, handler, clock, lambda: len(handler.handled) == 2)

    assert clock.slept == [1.0, 1.0]


async def test_the_other_side_may_say_how_long_to_wait(
    bus: MemoryEventBus, clock: ManualClock
) -> None:
    await bus.publish(books(1))
    handler = Handler(TransientError("slow down", retry_after=17))

    await consumed(bus, handler, clock, lambda: bool(handler.batches))

    assert clock.slept == [17]


async def test_only_the_guilty_event_of_a_batch_is_set_aside(
    bus: MemoryEventBus, clock: ManualClock
) -> None:
    await bus.publish(books(5))
    handler = Handler(guilty=2)

    await consumed(bus, handler, clock, lambda: len(handler.handled) == 4)

    assert handler.handled == [0, 1, 3, 4]
    [letter] = await bus.dead_letters(POSITIONS)
    assert letter.reason == "no such coin"
    assert await bus.lag("signals") == {POSITIONS: 0}


async def test_trouble_while_looking_for_the_guilty_one_leaves_the_rest_in_order(
    bus: MemoryEventBus, clock: ManualClock
) -> None:
    await bus.publish(books(4))
    away = TransientError("away")
    handler = Handler(DataError("one of you"), None, away, away, away, guilty=2)

    await consumed(bus, handler, clock, lambda: len(handler.handled) == 3)

    assert handler.handled == [0, 1, 3]


async def test_an_event_that_never_succeeds_is_given_up(
    bus: MemoryEventBus, clock: ManualClock
) -> None:
    await bus.publish(books(1))
    handler = Handler(*[TransientError("always")] * 100)
    policy = ConsumerPolicy(max_attempts=3, backoff=POLICY.backoff)

    async with asyncio.TaskGroup() as tasks:
        done = asyncio.Event()
        tasks.create_task(
            consumed(bus, handler, clock, done.is_set, policy=policy), name="consumer"
        )
        while not await bus.dead_letters(POSITIONS):
            await asyncio.sleep(0.001)
        done.set()

    [letter] = await bus.dead_letters(POSITIONS)
    assert letter.reason == "gave up after 3 attempts"
    assert len(handler.errors) == 100 - 3 * policy.tries_in_place


async def test_a_bug_ends_the_loop_and_nothing_is_acknowledged(
    bus: MemoryEventBus, clock: ManualClock
) -> None:
    await bus.publish(books(3))

    with pytest.raises(ZeroDivisionError):
        await consumed(bus, Handler(ZeroDivisionError()), clock, lambda: False)

    assert await bus.lag("signals") == {POSITIONS: 3}


class Shaky:
    """A subscription that is away every other time it is asked for anything."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._asked = 0

    async def batch(self) -> Sequence[Delivery]:
        self._stumble()
        deliveries: Sequence[Delivery] = await self._inner.batch()
        return deliveries

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        self._stumble()
        await self._inner.ack(deliveries)

    async def reject(self, delivery: Delivery, reason: str) -> None:
        self._stumble()
        await self._inner.reject(delivery, reason)

    def _stumble(self) -> None:
        self._asked += 1
        if self._asked % 2:
            raise BusUnavailableError("away")


@pytest.fixture
async def shaky(bus: MemoryEventBus) -> AsyncIterator[Shaky]:
    async with bus.subscribe("signals", [POSITIONS]) as subscription:
        yield Shaky(subscription)


async def test_an_unsteady_bus_is_waited_for_and_nothing_is_lost_or_doubled(
    bus: MemoryEventBus, shaky: Shaky, clock: ManualClock
) -> None:
    await bus.publish(books(5))
    handler = Handler(guilty=3)

    loop = asyncio.create_task(consume(shaky, handler, clock=clock, policy=POLICY))
    await until(lambda: len(handler.handled) == 4)
    while any((await bus.lag("signals")).values()):
        await asyncio.sleep(0.001)
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)

    assert handler.handled == [0, 1, 2, 4]
    assert len(await bus.dead_letters(POSITIONS)) == 1
    assert set(clock.slept) == {1.0}
