import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from msgspec import json

from shared_events.bus.memory import MemoryEventBus
from shared_events.envelope import StandardEvent
from shared_events.errors import BusUnavailableError
from shared_events.runtime.clock import ManualClock
from signal_system.fold import Fold, FoldConfig, Issued
from signal_system.signal_store import SignalStore
from signal_system.storage.sqlite import SqliteStore
from signal_system.testing.day import day
from signal_system.testing.events import told
from signal_system.testing.whales import an_alert
from signal_system.whale_alerts.asking import Asked

ISSUED = ("signals", "outcomes", "regimes", "whale_alerts")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore.open(tmp_path / "signals.db")
    yield store
    store.close()


@pytest.fixture(scope="module")
def issued() -> list[tuple[int, list[Issued]]]:
    fold = Fold(FoldConfig())
    return [(position, fold.apply(position, record)) for position, record in enumerate(day(3))]


class Unsteady(MemoryEventBus):
    """A bus that is away every other time."""

    calls = 0

    async def publish(self, events: Any) -> None:
        self.calls += 1
        if self.calls % 2:
            raise BusUnavailableError("away")
        await super().publish(events)


async def published(bus: MemoryEventBus) -> list[StandardEvent[Any]]:
    events: list[StandardEvent[Any]] = []
    async with bus.subscribe("test", ISSUED) as subscription:
        while batch := await _next(subscription):
            events += [delivery.event for delivery in batch]
    return events


async def _next(subscription: Any) -> Any:
    try:
        async with asyncio.timeout(0.05):
            return await subscription.batch()
    except TimeoutError:
        return []


async def publishing(store: SignalStore, bus: MemoryEventBus) -> AsyncIterator[None]:
    clock = ManualClock(day(3)[0].recorded_at)  # type: ignore[union-attr]
    task = asyncio.create_task(store.publish_to(bus, clock))
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def settled(store: SignalStore, bus: MemoryEventBus) -> None:
    """Let the publisher run until it has nothing left."""
    async for _ in publishing(store, bus):
        await asyncio.sleep(0.05)


def all_of(issued: list[tuple[int, list[Issued]]]) -> list[str]:
    return [event.id for _, events in issued for event in events]


async def test_everything_is_published_in_order_though_the_bus_comes_and_goes(
    disk: SqliteStore, issued: list[tuple[int, list[Issued]]]
) -> None:
    store, bus = SignalStore(disk), Unsteady()
    for position, events in issued:
        store.add(position, events)

    await settled(store, bus)

    ids = [event.id for event in await published(bus)]
    assert sorted(ids) == sorted(all_of(issued))


async def test_what_was_stored_while_the_bus_was_away_is_published_from_the_store(
    disk: SqliteStore, issued: list[tuple[int, list[Issued]]]
) -> None:
    store, bus, half = SignalStore(disk), MemoryEventBus(), len(issued) // 2
    for position, events in issued[:half]:
        store.add(position, events)
    await store.commit(store.checkpoint(half, b"{}"))
    for position, events in issued[half:]:
        store.add(position, events)

    await settled(store, bus)

    assert sorted(event.id for event in await published(bus)) == sorted(all_of(issued))


async def test_after_a_restart_only_what_is_missing_is_published(
    disk: SqliteStore, issued: list[tuple[int, list[Issued]]]
) -> None:
    first, half = SignalStore(disk), len(issued) // 2
    for position, events in issued[:half]:
        first.add(position, events)
    await settled(first, MemoryEventBus())
    await first.commit(first.checkpoint(half, b"{}"))

    second, bus = SignalStore(disk), MemoryEventBus()
    for position, events in issued:  # the journal's tail is folded again
        second.add(position, events)
    await settled(second, bus)

    assert sorted(event.id for event in await published(bus)) == sorted(all_of(issued[half:]))


async def test_history_joins_what_is_stored_and_what_is_not_yet(
    disk: SqliteStore, issued: list[tuple[int, list[Issued]]]
) -> None:
    store, half = SignalStore(disk), len(issued) // 2
    for position, events in issued[:half]:
        store.add(position, events)
    await store.commit(store.checkpoint(half, b"{}"))
    for position, events in issued[half:]:
        store.add(position, events)

    whole = store.history("BTC", 14_400, limit=1_000, before=None)

    positions = [json.decode(raw)["journal_position"] for raw in whole]
    expected = [
        event.data.journal_position
        for _, events in issued
        for event in events
        if event.subject == "BTC:4h"
    ]
    assert positions == sorted(expected, reverse=True)
    assert store.history("BTC", 14_400, limit=2, before=positions[2]) == whole[3:5]


async def test_memory_stays_bounded_while_the_store_takes_nothing(
    disk: SqliteStore,
    issued: list[tuple[int, list[Issued]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("signal_system.signal_store.MAX_PENDING", 10)
    store = SignalStore(disk)

    for position, events in issued:
        store.add(position, events)

    newest = store.history("BTC", 14_400, limit=1, before=None)
    assert store.pending <= 10
    assert all(json.decode(raw)["coin"] == "BTC" for raw in newest)


async def test_alerts_are_found_whether_they_wait_or_are_stored(disk: SqliteStore) -> None:
    store = SignalStore(disk)
    raised = [an_alert(n, coin="BTC" if n % 3 else "ETH") for n in range(1, 9)]
    for alert in raised[:5]:
        store.add(int(alert.alert_id, 16), [told(alert)])
    await store.commit(store.checkpoint(5, b"{}"))
    for alert in raised[5:]:
        store.add(7, [told(alert)])

    first = store.alerts(Asked(coin="BTC"), limit=4)
    rest = store.alerts(Asked(coin="BTC"), limit=9, before=first[-1][0])

    names = [json.decode(raw)["alert_id"] for _, raw in [*first, *rest]]
    assert [int(name, 16) for name in names] == [8, 7, 5, 4, 2, 1]
