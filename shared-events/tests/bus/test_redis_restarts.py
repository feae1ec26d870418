"""Redis is killed and started again in the middle of everything; nothing may get lost."""

import asyncio
from collections.abc import Sequence

import pytest

from shared_events.bus import (
    Backoff,
    ConsumerPolicy,
    Delivery,
    buffered,
    consume,
    open_bus,
    patiently,
)
from shared_events.errors import BusUnavailableError
from shared_events.runtime.clock import SystemClock
from shared_events.testing.bus_contract import POSITIONS, batch, book, books, sequences, settled
from shared_events.testing.servers import RedisServer

pytestmark = pytest.mark.redis

POLICY = ConsumerPolicy(backoff=Backoff(first_seconds=0.01, cap_seconds=0.05))
COUNT = 4000


async def test_a_stream_survives_two_kills_in_its_middle(own_redis: RedisServer) -> None:
    clock = SystemClock()
    received: list[Delivery] = []
    passed = {1000: asyncio.Event(), 2500: asyncio.Event(), COUNT: asyncio.Event()}

    async def handle(deliveries: Sequence[Delivery]) -> None:
        received.extend(deliveries)
        seen = len({delivery.event.id for delivery in received})
        for mark, event in passed.items():
            if seen >= mark:
                event.set()

    async def publish() -> None:
        async with (
            open_bus(own_redis.url, consumer="publisher", silence_seconds=1) as bus,
            buffered(bus, clock=clock, limit=200) as publisher,
        ):
            for number in range(COUNT):
                await publisher.publish([book(number)])

    async with (
        open_bus(own_redis.url, consumer="reader", redeliver_after=5, silence_seconds=1) as bus,
        bus.subscribe("signals", [POSITIONS]) as subscription,
    ):
        consumer = asyncio.create_task(consume(subscription, handle, clock=clock, policy=POLICY))
        publishing = asyncio.create_task(publish())
        for mark in (1000, 2500):
            await passed[mark].wait()
            own_redis.kill()
            await asyncio.sleep(0.05)
            own_redis.start()
        await publishing
        await passed[COUNT].wait()
        consumer.cancel()
        await asyncio.gather(consumer, return_exceptions=True)

    first_time = list(dict.fromkeys(sequences(received)))
    assert first_time == list(range(COUNT))


async def test_what_was_acknowledged_before_a_kill_stays_so(own_redis: RedisServer) -> None:
    async with (
        open_bus(own_redis.url, consumer="me", silence_seconds=1) as bus,
        bus.subscribe("signals", [POSITIONS]) as subscription,
    ):
        await bus.publish(books(4))
        await subscription.ack((await batch(subscription))[:3])

        own_redis.kill()
        with pytest.raises(BusUnavailableError):
            await subscription.batch()
        with pytest.raises(BusUnavailableError):
            await bus.publish([book(4)])
        own_redis.start()
        await bus.publish([book(4)])

        assert sequences(await settled(subscription)) == [3, 4]


async def test_a_stopped_redis_comes_back_with_everything(own_redis: RedisServer) -> None:
    async with open_bus(own_redis.url, consumer="me", silence_seconds=1) as bus:
        await bus.publish(books(3))
        own_redis.stop()
        own_redis.start()
        await patiently(bus.ping, clock=SystemClock())

        async with bus.subscribe("signals", [POSITIONS]) as subscription:
            assert sequences(await batch(subscription)) == [0, 1, 2]
