import asyncio
from contextlib import suppress
from typing import Any

import pytest

from shared_events.bus import redis_lease
from shared_events.bus.redis_link import RedisLink, connect, dead_of, stream_of
from shared_events.bus.redis_streams import RedisEventBus, StreamLimits
from shared_events.codec import encode
from shared_events.errors import BusUnavailableError, ConfigError
from shared_events.payloads import SCHEMAS
from shared_events.testing.bus_contract import (
    BATCH_SIZE,
    CONTEXTS,
    KEPT,
    POSITIONS,
    REDELIVER_AFTER,
    BusContract,
    batch,
    book,
    books,
    context,
    events_of,
    everything,
    sequences,
    settled,
    written,
)
from shared_events.testing.factories import a_market_context, an_event
from shared_events.testing.servers import RedisServer

pytestmark = pytest.mark.redis

SMALL = StreamLimits(retention_seconds=0, stream_max_bytes=60_000, trim_every_seconds=0)
PATIENT = 30.0
STREAM = stream_of(POSITIONS)


def a_bus(link: RedisLink, **options: Any) -> RedisEventBus:
    given: dict[str, Any] = {
        "consumer": "test",
        "redeliver_after": REDELIVER_AFTER,
        "batch_size": BATCH_SIZE,
    }
    return RedisEventBus(link, **given | options)


class TestRedisEventBus(BusContract):
    @pytest.fixture
    def bus(self, each_redis: RedisLink) -> RedisEventBus:
        return a_bus(each_redis)

    @pytest.fixture
    def other(self, each_redis: RedisLink) -> RedisEventBus:
        return a_bus(each_redis, consumer="other")

    @pytest.fixture
    def small_bus(self, each_redis: RedisLink) -> RedisEventBus:
        return a_bus(each_redis, limits=SMALL)


@pytest.fixture
def bus(each_redis: RedisLink) -> RedisEventBus:
    return a_bus(each_redis, redeliver_after=PATIENT)


async def calls(link: RedisLink) -> dict[str, int]:
    stats = await link.redis.info("commandstats")
    return {name.removeprefix("cmdstat_"): of["calls"] for name, of in stats.items()}


# ── How it talks to Redis ────────────────────────────────────────────────────────────────────


async def test_a_batch_over_several_streams_is_published_by_one_script_call(
    bus: RedisEventBus, each_redis: RedisLink
) -> None:
    await bus.publish([an_event()])
    await each_redis.redis.config_resetstat()

    await bus.publish([*books(20), an_event(a_market_context()), *books(20)])

    assert (await calls(each_redis))["evalsha"] == 1


async def test_a_batch_over_several_streams_is_acknowledged_by_one_script_call(
    bus: RedisEventBus, each_redis: RedisLink
) -> None:
    await bus.publish([*books(20), an_event(a_market_context())])

    async with bus.subscribe("signals", [POSITIONS, CONTEXTS]) as subscription:
        first, *rest = await batch(subscription)
        await subscription.ack([first])
        await each_redis.redis.config_resetstat()
        await subscription.ack(rest)

    assert (await calls(each_redis))["evalsha"] == 1


async def test_an_event_is_one_field(bus: RedisEventBus, each_redis: RedisLink) -> None:
    event = an_event()

    await bus.publish([event])

    entries: Any = await each_redis.redis.xrange(STREAM)
    [(_, fields)] = entries
    assert fields == [b"event", encode(event)]


async def test_the_next_batch_is_read_while_the_last_one_is_handled(
    bus: RedisEventBus, each_redis: RedisLink
) -> None:
    await bus.publish(books(10 * BATCH_SIZE))

    async with bus.subscribe("signals", [POSITIONS]) as subscription:
        await batch(subscription)
        await asyncio.sleep(0.05)
        [group] = await each_redis.redis.xinfo_groups(STREAM)

        assert BATCH_SIZE < group["pending"] <= 3 * BATCH_SIZE


async def test_forgotten_scripts_are_sent_again(bus: RedisEventBus, each_redis: RedisLink) -> None:
    await bus.publish(books(1))
    await each_redis.redis.script_flush()

    await bus.publish([book(1)])

    assert await each_redis.redis.xlen(STREAM) == 2


async def test_a_foreign_entry_is_set_aside(bus: RedisEventBus, each_redis: RedisLink) -> None:
    await each_redis.redis.xadd(STREAM, {"temperature": "21"})
    await bus.publish(books(1))

    async with bus.subscribe("signals", [POSITIONS]) as subscription:
        assert sequences(await batch(subscription)) == [0]

    [letter] = await bus.dead_letters(POSITIONS)
    assert letter.raw == b"21"


# ── Coming back ──────────────────────────────────────────────────────────────────────────────


async def test_a_restarted_consumer_goes_on_at_once_where_it_was(bus: RedisEventBus) -> None:
    await bus.publish(books(5))
    async with bus.subscribe("signals", [POSITIONS]) as subscription:
        first = await batch(subscription)
        await subscription.ack(first[:2])
    await bus.publish([book(5)])

    async with bus.subscribe("signals", [POSITIONS]) as subscription:
        again = await batch(subscription)
        await subscription.ack(again)
        fresh = await batch(subscription)

    assert (sequences(again), sequences(fresh)) == ([2, 3, 4], [5])
    assert {delivery.attempt for delivery in again} == {2}


async def test_what_may_have_killed_its_consumer_comes_alone(bus: RedisEventBus) -> None:
    await bus.publish(books(3))
    for _ in range(2):
        async with bus.subscribe("signals", [POSITIONS]) as subscription:
            assert sequences(await batch(subscription)) == [0, 1, 2]

    async with bus.subscribe("signals", [POSITIONS]) as subscription:
        alone = [await batch(subscription) for _ in range(3)]

    assert [sequences(deliveries) for deliveries in alone] == [[0], [1], [2]]
    assert [deliveries[0].attempt for deliveries in alone] == [3, 3, 3]


async def test_what_was_only_read_ahead_does_not_wear_out(bus: RedisEventBus) -> None:
    await bus.publish(books(2 * BATCH_SIZE))

    attempts: dict[int, int] = {}
    for _ in range(8):
        async with bus.subscribe("signals", [POSITIONS]) as subscription:
            for delivery in await batch(subscription):
                attempts[delivery.event.data.sequence] = delivery.attempt

    assert attempts[0] == 8
    assert max(attempt for number, attempt in attempts.items() if number > 0) <= 2


async def test_what_was_in_hand_comes_back_in_the_order_of_time(bus: RedisEventBus) -> None:
    for number in range(4):
        await bus.publish([book(number, seconds=2 * number)])
        await bus.publish([context(number, seconds=2 * number + 1)])
    async with bus.subscribe("signals", [CONTEXTS, POSITIONS]) as subscription:
        first = await batch(subscription)

    async with bus.subscribe("signals", [CONTEXTS, POSITIONS]) as subscription:
        again = await batch(subscription)

    assert events_of(again) == events_of(first)
    assert [delivery.event.type for delivery in again] == [POSITIONS, CONTEXTS] * 4


async def test_giving_up_in_the_middle_loses_neither_events_nor_their_order(
    bus: RedisEventBus,
) -> None:
    await bus.publish(books(20 * BATCH_SIZE))

    received: list[int] = []
    async with bus.subscribe("signals", [POSITIONS]) as subscription:
        for turns in range(400):
            asking = asyncio.create_task(subscription.batch())
            for _ in range(turns % 40):
                await asyncio.sleep(0)
            asking.cancel()
            with suppress(asyncio.CancelledError):
                received += sequences(await asking)
        while len(set(received)) < 20 * BATCH_SIZE:
            received += sequences(await batch(subscription))

    first_time = list(dict.fromkeys(received))
    assert first_time == list(range(20 * BATCH_SIZE))


async def test_a_slow_handler_is_not_handed_its_own_events_again(each_redis: RedisLink) -> None:
    bus = a_bus(each_redis)
    await bus.publish(books(4 * BATCH_SIZE))

    received: list[int] = []
    async with bus.subscribe("signals", [POSITIONS]) as subscription:
        while len(received) < 4 * BATCH_SIZE:
            deliveries = await batch(subscription)
            await asyncio.sleep(1.5 * REDELIVER_AFTER)
            await subscription.ack(deliveries)
            received += sequences(deliveries)
            assert {delivery.attempt for delivery in deliveries} == {1}

    assert received == list(range(4 * BATCH_SIZE))


async def test_trimmed_entries_that_were_pending_do_not_jam_a_consumer(
    bus: RedisEventBus, each_redis: RedisLink
) -> None:
    await bus.publish(books(3))
    async with bus.subscribe("signals", [POSITIONS]) as subscription:
        await batch(subscription)
    await each_redis.redis.xtrim(STREAM, maxlen=0)
    await bus.publish([book(3)])

    async with bus.subscribe("signals", [POSITIONS]) as subscription:
        assert sequences(await settled(subscription)) == [3]

    assert await bus.lag("signals") == {POSITIONS: 0}


@pytest.mark.parametrize("how", ["flushall", "destroy"])
async def test_a_deleted_group_is_made_again(
    bus: RedisEventBus, each_redis: RedisLink, how: str
) -> None:
    async with bus.subscribe("signals", [POSITIONS]) as subscription:
        await subscription.batch()
        if how == "flushall":
            await each_redis.redis.flushall()
        else:
            await each_redis.redis.xgroup_destroy(STREAM, "signals")
        await bus.publish(books(2))

        received: list[int] = []
        while len(received) < 2:
            try:
                received += sequences(await subscription.batch())
            except BusUnavailableError:
                continue

    assert received == [0, 1]


# ── What is kept ─────────────────────────────────────────────────────────────────────────────


async def test_dead_letters_are_capped(each_redis: RedisLink) -> None:
    bus = a_bus(each_redis, limits=StreamLimits(dead_letters=100))
    await bus.publish([written(b"{}")] * 600)

    async with bus.subscribe("signals", [POSITIONS]) as subscription:
        while any((await bus.lag("signals")).values()):
            await subscription.batch()

    assert 100 <= await each_redis.redis.xlen(dead_of(POSITIONS)) <= 250


async def test_a_huge_message_is_kept_in_part(bus: RedisEventBus, each_redis: RedisLink) -> None:
    await bus.publish([written(b'"' + b"x" * 2_000_000 + b'"')])

    async with bus.subscribe("signals", [POSITIONS]) as subscription:
        assert await everything(subscription) == []

    [letter] = await bus.dead_letters(POSITIONS)
    assert len(letter.raw) < 10_000


async def test_a_group_loses_what_is_older_than_the_greatest_age(each_redis: RedisLink) -> None:
    limits = StreamLimits(retention_seconds=0, stream_max_age_seconds=0.05, trim_every_seconds=1000)
    bus = a_bus(each_redis, limits=limits)
    async with bus.subscribe("asleep", [POSITIONS]), bus.subscribe("awake", [POSITIONS]) as awake:
        await bus.publish(books(3))
        await settled(awake)
        await asyncio.sleep(0.06)
        await bus.publish([book(3)])

        await bus.trim([POSITIONS])

    [lost] = await bus.lost_groups()
    assert (lost.group, lost.event_type) == ("asleep", POSITIONS)
    async with bus.subscribe("asleep", [POSITIONS]) as asleep:
        assert sequences(await settled(asleep)) == [3]


async def test_what_is_younger_than_the_retention_stays_for_later_groups(
    each_redis: RedisLink,
) -> None:
    bus = a_bus(each_redis, limits=StreamLimits(trim_every_seconds=0))
    async with bus.subscribe("quick", [POSITIONS]) as subscription:
        await bus.publish(books(3))
        await settled(subscription)
    await bus.publish([book(3)])

    async with bus.subscribe("late", [POSITIONS]) as subscription:
        assert sequences(await settled(subscription)) == [0, 1, 2, 3]


async def test_history_outlives_the_retention_for_groups_that_come_late(
    each_redis: RedisLink,
) -> None:
    limits = StreamLimits(
        retention_seconds=0,
        stream_max_age_seconds=0,
        trim_every_seconds=1000,
        history_seconds={CONTEXTS: 3600},
    )
    bus = a_bus(each_redis, limits=limits)
    async with bus.subscribe("quick", [POSITIONS, CONTEXTS]) as subscription:
        await bus.publish([*books(3), context(0)])
        await settled(subscription)
    await asyncio.sleep(0.005)

    await bus.trim([POSITIONS, CONTEXTS])

    async with bus.subscribe("late", [POSITIONS, CONTEXTS]) as subscription:
        assert [each.event.type for each in await settled(subscription)] == [CONTEXTS]


async def test_a_group_that_no_longer_exists_is_not_lost(each_redis: RedisLink) -> None:
    bus = a_bus(each_redis, limits=SMALL)
    async with bus.subscribe("asleep", [POSITIONS]):
        for number in range(20 * KEPT):
            await bus.publish([book(number)])
    assert await bus.lost_groups()

    await each_redis.redis.xgroup_destroy(STREAM, "asleep")
    await bus.trim([POSITIONS])

    assert await bus.lost_groups() == []


async def test_a_long_lag_is_known_or_estimated(
    each_redis: RedisLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared_events.bus.redis_streams.EXACT_LAG", 10)
    bus = a_bus(each_redis)
    async with bus.subscribe("signals", [POSITIONS]):
        pass
    for number in range(100):
        await bus.publish([book(n) for n in range(number, number + 10)])
        await asyncio.sleep(0.0005)

    assert (await bus.lag("signals"))[POSITIONS] == pytest.approx(1000, rel=0.5)


async def test_the_lag_covers_every_type_there_is(bus: RedisEventBus) -> None:
    types = [schema.event_type for schema in SCHEMAS]

    async with bus.subscribe("signals", types):
        assert await bus.lag("signals") == dict.fromkeys(types, 0)


# ── When Redis is not well ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("setting", "value"),
    [("maxmemory", "1"), ("min-replicas-to-write", "3")],
    ids=["out of memory", "no replica"],
)
async def test_a_redis_that_refuses_writes_for_now_is_away(
    own_redis: RedisServer, setting: str, value: str
) -> None:
    link = connect(own_redis.url, silence_seconds=2)
    async with link.redis as redis:
        await redis.config_set(setting, value)

        with pytest.raises(BusUnavailableError):
            await a_bus(link).publish(books(1))


async def test_a_replica_is_away_for_writers(own_redis: RedisServer) -> None:
    link = connect(own_redis.url, silence_seconds=2)
    async with link.redis as redis:
        await redis.replicaof("127.0.0.1", "1")

        with pytest.raises(BusUnavailableError):
            await a_bus(link).publish(books(1))


async def test_a_wrong_password_is_a_matter_of_configuration(own_redis: RedisServer) -> None:
    async with connect(own_redis.url, silence_seconds=2).redis as redis:
        await redis.config_set("requirepass", "open sesame")
    link = connect(f"{own_redis.url}?password=hunter2", silence_seconds=2)

    async with link.redis:
        with pytest.raises(ConfigError, match="password") as caught:
            await a_bus(link).ping()

    assert "hunter2" not in str(caught.value)


async def test_a_silent_redis_is_noticed(own_redis: RedisServer) -> None:
    link = connect(own_redis.url, silence_seconds=0.1)
    async with link.redis:
        bus = a_bus(link)
        async with bus.subscribe("signals", [POSITIONS]) as subscription:
            own_redis.freeze()
            with pytest.raises(BusUnavailableError):
                await bus.ping()
            with pytest.raises(BusUnavailableError):
                await bus.publish(books(1))
            with pytest.raises(BusUnavailableError):
                await subscription.batch()
            own_redis.thaw()

            await bus.publish([book(1)])
            assert 1 in sequences(await settled(subscription))


async def test_nobody_there_is_noticed() -> None:
    link = connect("redis://127.0.0.1:1", silence_seconds=1)

    async with link.redis:
        with pytest.raises(BusUnavailableError):
            await a_bus(link).publish(books(1))


async def test_nobody_else_reads_as_a_consumer_that_reads(each_redis: RedisLink) -> None:
    mine, another = a_bus(each_redis, holder="here:/a"), a_bus(each_redis, holder="there:/b")
    async with mine.subscribe("signals", [POSITIONS]):
        with pytest.raises(ConfigError, match="here:/a reads the events of 'signals'"):
            async with another.subscribe("signals", [POSITIONS]):
                pass

    async with another.subscribe("signals", [POSITIONS]) as subscription:
        await another.publish(books(1))
        assert sequences(await batch(subscription)) == [0]


async def test_a_killed_reader_comes_back_to_its_place_at_once(each_redis: RedisLink) -> None:
    killed = a_bus(each_redis, holder="here:/a").subscribe("signals", [POSITIONS])
    await killed.__aenter__()

    async with a_bus(each_redis, holder="here:/a").subscribe("signals", [POSITIONS]) as again:
        await a_bus(each_redis).publish(books(1))
        assert sequences(await batch(again)) == [0]


async def test_a_reader_whose_place_was_taken_stops(
    each_redis: RedisLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_lease, "_RENEWED_EVERY", 0)
    mine, another = a_bus(each_redis, holder="here:/a"), a_bus(each_redis, holder="there:/b")
    async with mine.subscribe("signals", [POSITIONS]) as asleep:
        await each_redis.redis.delete("events:lease:signals:test")  # as if it had run out
        async with another.subscribe("signals", [POSITIONS]):
            with pytest.raises(ConfigError, match="there:/b"):
                await asleep.batch()
