import asyncio
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from shared_events.bus.port import Delivery
from shared_events.codec import encode
from shared_events.errors import DataError
from shared_events.journal import JournalFullError, JournalWriter, Tick, decode_record, read
from shared_events.runtime.clock import ManualClock
from shared_events.testing.factories import NOON
from signal_system.event_subscriber import EventSubscriber, RecentIds, remembered
from signal_system.fold import Fold, FoldConfig
from signal_system.testing.events import Event, book, member, price, status


def deliveries(*events: Event) -> list[Delivery]:
    return [
        Delivery(event, encode(event), 1, (event.type, str(n))) for n, event in enumerate(events)
    ]


class Parts:
    """A subscriber over a real journal."""

    def __init__(self, directory: Path, clock: ManualClock) -> None:
        self.directory, self.clock = directory, clock
        self.journal = JournalWriter(directory)
        self.fold = Fold(FoldConfig())
        self.issued: list[int] = []
        self.subscriber = EventSubscriber(
            self.journal,
            self.fold,
            remembered(directory, self.journal.next_position),
            clock=clock,
            listener=lambda position, issued: self.issued.extend([position] * len(issued)),
        )

    def journalled(self) -> list[str]:
        records = [decode_record(raw) for _, raw in read(self.directory)]
        return [
            record.at.isoformat() if isinstance(record, Tick) else record.id for record in records
        ]


@pytest.fixture
def parts(tmp_path: Path, clock: ManualClock) -> Iterator[Parts]:
    parts = Parts(tmp_path, clock)
    yield parts
    parts.journal.close()


async def test_what_was_handled_is_in_the_journal_and_in_the_state(parts: Parts) -> None:
    events = [status(), member(1), price("BTC", 100), book(1, 1, {"BTC": 1})]

    await parts.subscriber.handle(deliveries(*events))

    assert parts.journalled() == [event.id for event in events]
    assert parts.fold.position == 3
    assert parts.fold.state.voices.coins["BTC"].voters == 1
    assert parts.issued == [3, 3, 3]


async def test_an_event_is_journalled_once_however_often_it_comes(parts: Parts) -> None:
    one, two = member(1), member(2)

    await parts.subscriber.handle(deliveries(one, one))
    await parts.subscriber.handle(deliveries(two, one))

    assert parts.journalled() == [one.id, two.id]
    assert parts.subscriber.duplicates == 2


async def test_a_restart_recognises_what_the_journal_holds(parts: Parts, tmp_path: Path) -> None:
    event = member(1)
    await parts.subscriber.handle(deliveries(event))
    await parts.subscriber.tick()
    parts.journal.close()

    again = Parts(tmp_path, parts.clock)
    await again.subscriber.handle(deliveries(event))

    assert len(again.journalled()) == 2
    again.journal.close()


async def test_an_event_from_the_future_is_refused_and_nothing_is_taken_with_it(
    parts: Parts,
) -> None:
    with pytest.raises(DataError, match="has not come yet"):
        await parts.subscriber.handle(deliveries(member(1), member(2, second=61)))

    assert parts.journalled() == []


async def test_time_passes_by_journalled_ticks(parts: Parts) -> None:
    await parts.subscriber.handle(deliveries(status()))

    parts.clock.advance(5)
    await parts.subscriber.tick()

    assert parts.fold.state.now == NOON + timedelta(seconds=5)
    assert parts.journalled()[1] == (NOON + timedelta(seconds=5)).isoformat()


async def test_a_recordings_time_is_its_own_and_its_last_instant_is_ended_once(
    parts: Parts,
) -> None:
    parts.clock.advance(86_400)
    await parts.subscriber.handle(deliveries(status(recording=True, cadence_seconds=60.0)))

    for _ in range(10):
        await parts.subscriber.tick()

    assert parts.fold.state.now == NOON + timedelta(milliseconds=1)
    assert len(parts.journalled()) == 2


@given(st.lists(st.integers(0, 30)), st.integers(1, 10))
def test_the_newest_ids_are_known_and_memory_is_bounded(numbers: list[int], kept: int) -> None:
    ids, distinct = RecentIds(kept), list[str]()

    for number in map(str, numbers):
        if ids.add(number):
            distinct.append(number)

        assert all(newest in ids for newest in distinct[-kept:])
    assert sum(str(n) in ids for n in range(31)) <= 2 * kept


async def test_a_stop_in_the_middle_of_a_batch_leaves_nothing_of_it_unapplied(
    parts: Parts,
) -> None:
    coins = [f"COIN{n}" for n in range(200)]
    batch = [
        status(),
        *(member(n) for n in (1, 2, 3)),
        *(price(coin, 100) for coin in coins),
        *(book(n, 1, dict.fromkeys(coins, 1)) for n in (1, 2, 3)),
    ]
    task = asyncio.create_task(parts.subscriber.handle(deliveries(*batch)))
    while parts.fold.position < len(batch) - 2:
        await asyncio.sleep(0)

    task.cancel()
    with suppress(asyncio.CancelledError):
        await task

    whole = Fold(FoldConfig())
    for position, event in enumerate(batch):
        whole.apply(position, event)
    assert parts.fold.snapshot() == whole.snapshot()


async def test_a_full_disk_costs_ticks_but_ends_nothing(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_records: object) -> int:
        raise JournalFullError("no space left")

    monkeypatch.setattr(parts.journal, "append", full)
    ticking = asyncio.create_task(parts.subscriber.tick_for_ever())
    while len(parts.clock.slept) < 3:
        await asyncio.sleep(0)

    assert not ticking.done()
    assert parts.fold.position == -1
    ticking.cancel()
