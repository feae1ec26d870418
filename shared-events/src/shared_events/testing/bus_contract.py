"""The promises of `shared_events.bus.port`, as tests every bus must pass.

Subclass `BusContract` in a test module and provide its fixtures.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from shared_events import codec
from shared_events.bus.port import Delivery, EventBus, Subscription
from shared_events.envelope import StandardEvent
from shared_events.payloads import TraderPositions
from shared_events.testing.factories import NOON, a_market_context, an_event, trader_positions
from shared_events.testing.publisher_contract import PublisherContract, Received

REDELIVER_AFTER = 0.1
BATCH_SIZE = 50
KEPT = 10
POSITIONS = "trader_positions"
CONTEXTS = "market_contexts"


class BusContract(PublisherContract):
    """Delivery semantics, whatever carries the events."""

    @pytest.fixture
    def bus(self) -> EventBus:
        """Provide a bus with this module's `REDELIVER_AFTER` and `BATCH_SIZE`."""
        raise NotImplementedError

    @pytest.fixture
    def other(self) -> EventBus:
        """Provide the same bus as another consumer sees it."""
        raise NotImplementedError

    @pytest.fixture
    def small_bus(self) -> EventBus:
        """Provide a bus that keeps few settled events, and unsettled ones up to a limit.

        Publishing `too_many` events passes that limit.
        """
        raise NotImplementedError

    @pytest.fixture
    def publisher(self, bus: EventBus) -> EventBus:
        """Provide the bus: it is a publisher too."""
        return bus

    @pytest.fixture
    def received(self, bus: EventBus) -> Received:
        """Read everything as a group of its own."""

        async def received() -> Sequence[StandardEvent[Any]]:
            async with bus.subscribe("reader", [POSITIONS, CONTEXTS]) as subscription:
                return [delivery.event for delivery in await everything(subscription)]

        return received

    # ── Who sees what, in which order ────────────────────────────────────────────────────────

    async def test_every_group_sees_every_event(self, bus: EventBus) -> None:
        """Groups do not take events from each other, and a late one starts at the oldest."""
        events = books(3)
        await bus.publish(events)

        for group in ("signals", "archive"):
            async with bus.subscribe(group, [POSITIONS]) as subscription:
                assert events_of(await settled(subscription)) == events

    async def test_within_a_group_each_event_goes_to_one_consumer(
        self, bus: EventBus, other: EventBus
    ) -> None:
        """Two consumers share the work."""
        events = books(6 * BATCH_SIZE)
        await bus.publish(events)

        async with (
            bus.subscribe("signals", [POSITIONS]) as one,
            other.subscribe("signals", [POSITIONS]) as two,
        ):
            first, second = await batch(one), await batch(two)
            await one.ack(first)
            await two.ack(second)
            rest = await everything(one) + await everything(two)

        all_of_them = [*first, *second, *rest]
        once = [delivery for delivery in all_of_them if delivery.attempt == 1]
        assert len(set(sequences(once))) == len(once)
        assert sorted(set(sequences(all_of_them))) == sequences_of(events)

    async def test_a_delivery_carries_the_bytes_it_travelled_as(self, bus: EventBus) -> None:
        """So that a journal or a relay need not encode again."""
        event = an_event()
        await bus.publish([event])

        async with bus.subscribe("signals", [POSITIONS]) as subscription:
            [delivery] = await batch(subscription)

        assert codec.decode(delivery.raw) == delivery.event == event

    async def test_a_batch_is_bounded(self, bus: EventBus) -> None:
        """However much there is."""
        await bus.publish(books(3 * BATCH_SIZE))

        async with bus.subscribe("signals", [POSITIONS]) as subscription:
            assert len(await batch(subscription)) <= BATCH_SIZE

    async def test_several_types_arrive_in_the_order_they_became_known(self, bus: EventBus) -> None:
        """Even when one type has far more events than the other."""
        many = [book(n, seconds=n) for n in range(4 * BATCH_SIZE)]
        few = [context(n, seconds=n * BATCH_SIZE) for n in range(4)]
        await bus.publish([*few, *many])

        async with bus.subscribe("signals", [CONTEXTS, POSITIONS]) as subscription:
            received = events_of(await settled(subscription))

        assert [e.recorded_at for e in received] == sorted(e.recorded_at for e in [*many, *few])
        assert [e for e in received if e.type == POSITIONS] == many

    async def test_the_order_of_one_type_stands_above_its_times(self, bus: EventBus) -> None:
        """A stream whose times go backwards keeps its order."""
        backwards = [book(n, seconds=-n) for n in range(5)]
        await bus.publish([*backwards, context(1, seconds=-2)])

        async with bus.subscribe("signals", [POSITIONS, CONTEXTS]) as subscription:
            received = events_of(await settled(subscription))

        assert [event for event in received if event.type == POSITIONS] == backwards

    async def test_an_event_published_while_waiting_arrives(self, bus: EventBus) -> None:
        """Nobody polls."""
        async with bus.subscribe("signals", [POSITIONS]) as subscription:
            waiting = asyncio.create_task(batch(subscription))
            await asyncio.sleep(0.01)
            await bus.publish([an_event()])

            assert len(await waiting) == 1

    async def test_waiting_in_vain_ends_with_an_empty_batch(self, bus: EventBus) -> None:
        """So that whoever asks can look at something else in between."""
        async with bus.subscribe("signals", [POSITIONS]) as subscription:
            assert list(await subscription.batch()) == []

    async def test_giving_up_a_wait_loses_nothing(self, bus: EventBus) -> None:
        """A cancelled `batch` leaves what it would have returned to the next."""
        async with bus.subscribe("signals", [POSITIONS]) as subscription:
            waiting = asyncio.create_task(subscription.batch())
            await asyncio.sleep(0.01)
            waiting.cancel()
            await bus.publish([an_event()])

            assert sequences(await batch(subscription)) == [1]

    # ── Settling ─────────────────────────────────────────────────────────────────────────────

    async def test_an_unsettled_delivery_comes_back_with_a_higher_attempt(
        self, bus: EventBus
    ) -> None:
        """Not acknowledging means seeing it again."""
        await bus.publish([an_event()])

        async with bus.subscribe("signals", [POSITIONS]) as subscription:
            attempts = [await batch(subscription) for _ in range(3)]

        assert [[d.attempt for d in deliveries] for deliveries in attempts] == [[1], [2], [3]]
        assert attempts[0][0].event == attempts[2][0].event

    async def test_what_a_consumer_left_unsettled_comes_back_to_another(
        self, bus: EventBus, other: EventBus
    ) -> None:
        """A consumer that died does not keep its events."""
        await bus.publish([an_event()])
        async with bus.subscribe("signals", [POSITIONS]) as subscription:
            await batch(subscription)

        async with other.subscribe("signals", [POSITIONS]) as subscription:
            [delivery] = await batch(subscription)

        assert delivery.attempt == 2

    async def test_an_acknowledged_delivery_does_not_come_back(self, bus: EventBus) -> None:
        """Acknowledging is final, part of a batch too."""
        await bus.publish(books(3))

        async with bus.subscribe("signals", [POSITIONS]) as subscription:
            first, second, third = await batch(subscription)
            await subscription.ack([first, third])

            assert sequences(await batch(subscription)) == sequences([second])

    async def test_acknowledging_several_types_is_one_call(self, bus: EventBus) -> None:
        """A batch is settled as it came."""
        await bus.publish([an_event(), an_event(a_market_context())])

        async with bus.subscribe("signals", [POSITIONS, CONTEXTS]) as subscription:
            assert len(await settled(subscription)) == 2
            assert await nothing(subscription)

        assert await bus.lag("signals") == {POSITIONS: 0, CONTEXTS: 0}

    async def test_acknowledging_nothing_is_allowed(self, bus: EventBus) -> None:
        """An empty batch can be settled like any other."""
        async with bus.subscribe("signals", [POSITIONS]) as subscription:
            await subscription.ack([])

    async def test_a_rejected_delivery_goes_to_the_dead_letters(self, bus: EventBus) -> None:
        """With the reason, once, and it does not come back."""
        await bus.publish([an_event()])

        async with bus.subscribe("signals", [POSITIONS]) as subscription:
            [delivery] = await batch(subscription)
            await subscription.reject(delivery, "no such coin")
            await subscription.reject(delivery, "no such coin")

            assert await nothing(subscription)
        [letter] = await bus.dead_letters(POSITIONS)
        assert (letter.raw, letter.reason) == (delivery.raw, "no such coin")

    async def test_a_rejected_event_stays_dead_when_somebody_subscribes(
        self, bus: EventBus
    ) -> None:
        """Only what this build could not read returns."""
        await bus.publish([an_event()])
        async with bus.subscribe("signals", [POSITIONS]) as subscription:
            await subscription.reject((await batch(subscription))[0], "no such coin")

        async with bus.subscribe("signals", [POSITIONS]) as subscription:
            assert await nothing(subscription)

    async def test_the_newest_dead_letter_comes_first(self, bus: EventBus) -> None:
        """An operator wants the latest."""
        await bus.publish(books(3))

        async with bus.subscribe("signals", [POSITIONS]) as subscription:
            for delivery in await batch(subscription):
                await subscription.reject(delivery, f"no. {delivery.event.data.sequence}")

        letters = await bus.dead_letters(POSITIONS)
        assert [letter.reason for letter in letters] == ["no. 2", "no. 1", "no. 0"]

    async def test_the_lag_counts_what_waits_and_what_is_unsettled(self, bus: EventBus) -> None:
        """By type; a group that follows nothing has none."""
        await bus.publish([*books(BATCH_SIZE + 5), an_event(a_market_context())])

        async with bus.subscribe("signals", [POSITIONS]) as subscription:
            before = await bus.lag("signals")
            deliveries = await batch(subscription)
            during = await bus.lag("signals")
            await subscription.ack(deliveries)
            after = await bus.lag("signals")

        assert before == during == {POSITIONS: BATCH_SIZE + 5}
        assert after == {POSITIONS: BATCH_SIZE + 5 - len(deliveries)}
        assert await bus.lag("nobody") == {}

    # ── What cannot be read ──────────────────────────────────────────────────────────────────

    @pytest.mark.parametrize(
        "data",
        [
            b'{"address":',
            b"{}",
            b'{"address":7}',
            b"[" * 5_000,
            b"\xff",
            b'"' + b"x" * codec.MAX_EVENT_BYTES + b'"',
        ],
        ids=["cut off", "fields missing", "wrong type", "nested", "not UTF-8", "huge"],
    )
    async def test_what_cannot_be_read_is_set_aside_and_stops_nothing(
        self, bus: EventBus, data: bytes
    ) -> None:
        """The event after it arrives, and the letter says what is wrong."""
        await bus.publish([written(data), an_event()])

        async with bus.subscribe("signals", [POSITIONS]) as subscription:
            assert sequences(await settled(subscription)) == [1]

        [letter] = await bus.dead_letters(POSITIONS)
        assert letter.reason

    async def test_an_unknown_version_returns_after_the_upgrade(
        self, bus: EventBus, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It waits in the dead letters until a build that knows it subscribes."""
        event = an_event()
        await bus.publish([written(codec.encode(event), version=2)])
        async with bus.subscribe("signals", [POSITIONS]) as subscription:
            assert await nothing(subscription)
        async with bus.subscribe("signals", [POSITIONS]) as subscription:
            assert await nothing(subscription)
        [letter] = await bus.dead_letters(POSITIONS)

        know_version_2(monkeypatch)
        async with bus.subscribe("signals", [POSITIONS]) as subscription:
            [delivery] = await batch(subscription)
            await subscription.ack([delivery])

        assert "version 2" in letter.reason
        assert (delivery.event.version, delivery.event.data) == (2, event.data)
        assert await bus.dead_letters(POSITIONS) == []

    async def test_what_several_groups_could_not_read_returns_once(
        self, bus: EventBus, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each group leaves a letter; one event comes of them, for all groups."""
        await bus.publish([written(codec.encode(an_event()), version=2)])
        for group in ("signals", "archive"):
            async with bus.subscribe(group, [POSITIONS]) as subscription:
                assert await nothing(subscription)

        know_version_2(monkeypatch)
        for group in ("signals", "archive"):
            async with bus.subscribe(group, [POSITIONS]) as subscription:
                assert len(await settled(subscription)) == 1

    # ── What is kept ─────────────────────────────────────────────────────────────────────────

    async def test_nothing_unsettled_is_trimmed(self, small_bus: EventBus) -> None:
        """However long ago it was published: handed out or not, it is kept for its group."""
        async with small_bus.subscribe("slow", [POSITIONS]) as subscription:
            await small_bus.publish(books(5))
            deliveries = await batch(subscription)
            await subscription.ack(deliveries[1:])
            await self.publish_one_by_one(small_bus, range(5, 5 + 4 * KEPT))

            received = await settled(subscription)
            while any((await small_bus.lag("slow")).values()):
                received += await settled(subscription)

        assert sorted(sequences(received)) == [0, *range(5, 5 + 4 * KEPT)]
        assert await small_bus.lost_groups() == []

    async def test_what_every_group_has_settled_is_trimmed(self, small_bus: EventBus) -> None:
        """A later group finds only what is kept for it."""
        async with small_bus.subscribe("quick", [POSITIONS]) as subscription:
            await small_bus.publish(books(8 * KEPT))
            await settled(subscription)
        await self.publish_one_by_one(small_bus, range(1000, 1003))

        async with small_bus.subscribe("late", [POSITIONS]) as subscription:
            received = sequences(await settled(subscription))

        assert received[-3:] == [1000, 1001, 1002]
        assert 0 not in received

    async def test_a_group_that_falls_too_far_behind_is_lost_until_it_has_caught_up(
        self, small_bus: EventBus, too_many: int
    ) -> None:
        """It is named, trimming goes on without it, and when it is back it is itself again."""
        async with small_bus.subscribe("asleep", [POSITIONS]):
            await self.publish_one_by_one(small_bus, range(too_many))
        [lost] = await small_bus.lost_groups()

        async with small_bus.subscribe("asleep", [POSITIONS]) as subscription:
            received = sequences(await settled(subscription))
            await self.publish_one_by_one(small_bus, range(too_many, too_many + 2 * KEPT))
            received += sequences(await settled(subscription))
            await self.publish_one_by_one(small_bus, range(too_many, too_many + 2 * KEPT))

        assert (lost.group, lost.event_type) == ("asleep", POSITIONS)
        assert received == list(range(received[0], too_many + 2 * KEPT))
        assert received[0] > 0
        assert await small_bus.lost_groups() == []

    @pytest.fixture
    def too_many(self) -> int:
        """Provide how many events pass the limit of `small_bus`."""
        return 20 * KEPT

    async def publish_one_by_one(self, bus: EventBus, numbers: Sequence[int]) -> None:
        """Publish books in batches of their own: trimming happens in passing."""
        for number in numbers:
            await bus.publish([book(number)])


# ── Words of the tests above ─────────────────────────────────────────────────────────────────


def book(sequence: int, *, seconds: float = 0) -> StandardEvent[Any]:
    """Return the event of a book, recorded so many seconds after noon."""
    return an_event(trader_positions(sequence=sequence), time=NOON + timedelta(seconds=seconds))


def books(count: int) -> list[StandardEvent[Any]]:
    """Return so many books, numbered from 0."""
    return [book(number) for number in range(count)]


def context(number: int, *, seconds: float = 0) -> StandardEvent[Any]:
    """Return the event of a market context."""
    at = NOON + timedelta(seconds=seconds)
    return an_event(a_market_context(coin=f"COIN{number}", at=at), time=at)


def written(data: bytes, *, version: int = 1) -> StandardEvent[Any]:
    """Return an event whose data are exactly these bytes, right or wrong.

    Given a whole event, its data are taken.
    """
    if version > 1:
        data = bytes(msgspec.json.decode(data, type=StandardEvent[msgspec.Raw]).data)
    return msgspec.structs.replace(an_event(), data=msgspec.Raw(data), version=version)


def know_version_2(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the codec know a second version of ``trader_positions``."""
    for known in (codec.SCHEMA_OF[POSITIONS], TraderPositions):
        monkeypatch.setattr(known, "event_version", 2)
    monkeypatch.setitem(codec.UPCASTS, (POSITIONS, 1), bytes)


async def batch(subscription: Subscription) -> list[Delivery]:
    """Wait for a batch with something in it."""
    async with asyncio.timeout(5):
        while True:
            deliveries = await subscription.batch()
            if deliveries:
                return list(deliveries)


async def everything(subscription: Subscription) -> list[Delivery]:
    """Read until nothing comes, settling as it goes."""
    received: list[Delivery] = []
    while deliveries := await subscription.batch():
        await subscription.ack(deliveries)
        received += deliveries
    return received


async def settled(subscription: Subscription) -> list[Delivery]:
    """Wait for something, then read until nothing comes."""
    first = await batch(subscription)
    await subscription.ack(first)
    return first + await everything(subscription)


async def nothing(subscription: Subscription) -> bool:
    """Tell whether nothing comes, for longer than a redelivery takes."""
    until = asyncio.get_running_loop().time() + 2 * REDELIVER_AFTER
    while asyncio.get_running_loop().time() < until:
        if await subscription.batch():
            return False
    return True


def events_of(deliveries: Sequence[Delivery]) -> list[StandardEvent[Any]]:
    """Return the events in `deliveries`."""
    return [delivery.event for delivery in deliveries]


def sequences(deliveries: Sequence[Delivery]) -> list[int]:
    """Return the numbers of the books in `deliveries`."""
    return sequences_of(events_of(deliveries))


def sequences_of(events: Sequence[StandardEvent[Any]]) -> list[int]:
    """Return the numbers of books."""
    return [event.data.sequence for event in events]
