from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from market_scraper.errors import RecordingError
from market_scraper.recording.replay import BATCH, envelopes, replay, taking, told
from market_scraper.recording.told import Told
from shared_events.bus.memory import MemoryEventBus
from shared_events.envelope import StandardEvent
from shared_events.journal import read
from shared_events.payloads import MarketContext
from shared_events.runtime.clock import ManualClock
from shared_events.testing.factories import NOON

COUNT = 2 * BATCH + 10


def facts(count: int = COUNT) -> Iterator[Told]:
    for number in range(count):
        at = NOON + timedelta(seconds=number)
        yield Told(at, MarketContext(coin="BTC", at=at, mark=Decimal(number)))


def records(folder: Path) -> list[bytes]:
    return [raw for _, raw in read(folder)]


def test_a_fact_keeps_the_times_of_the_recording() -> None:
    envelope = next(envelopes(facts()))

    assert (envelope.time, envelope.recorded_at) == (NOON, NOON)


def test_the_same_recording_gives_the_same_ids() -> None:
    assert [e.id for e in envelopes(facts())] == [e.id for e in envelopes(facts())]


async def test_bus_and_journal_get_every_event_in_order(clock: ManualClock, tmp_path: Path) -> None:
    bus = MemoryEventBus()

    async with taking(bus, tmp_path, clock) as takers:
        tally = await replay(facts(), takers, clock)

    seen: list[StandardEvent[Any]] = []
    async with bus.subscribe("test", ["market_contexts"]) as subscription:
        while len(seen) < COUNT:
            deliveries = await subscription.batch()
            seen += [delivery.event for delivery in deliveries]
            await subscription.ack(deliveries)
    assert tally.events == {"market_contexts": COUNT}
    assert [event.id for event in seen] == [event.id for event in envelopes(facts())]
    assert len(records(tmp_path)) == COUNT


async def test_a_journal_that_was_interrupted_is_completed_without_repeating(
    clock: ManualClock, tmp_path: Path
) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    for folder, counts in ((whole, [COUNT]), (cut, [BATCH + 3, COUNT])):
        for count in counts:
            async with taking(None, folder, clock) as takers:
                await replay(facts(count), takers, clock)

    assert records(cut) == records(whole)


async def test_a_speed_waits_between_the_moments(clock: ManualClock) -> None:
    await replay(facts(5), [], clock, speed=2)

    assert clock.slept == [0.5] * 4


def test_what_is_no_recording_is_refused_with_what_would_be_one(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"positions\.parquet"):
        told(tmp_path)
