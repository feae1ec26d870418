"""Publish a recording, or write it as a journal, with its own times and always the same ids."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from market_scraper.errors import RecordingError
from market_scraper.outlet import happened
from market_scraper.recording.frames import frames_told, is_frames
from market_scraper.recording.notes import is_notes, notes
from market_scraper.recording.player import notes_told
from market_scraper.recording.told import Told
from shared_events.bus.buffered import buffered
from shared_events.bus.port import Publisher
from shared_events.codec import encode
from shared_events.envelope import StandardEvent, event
from shared_events.journal import JournalWriter
from shared_events.runtime.clock import Clock

BATCH = 500

Take = Callable[[list[StandardEvent[Any]]], Awaitable[None]]


@dataclass(slots=True)
class Tally:
    """What a replay published, by event type."""

    events: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """How many events there were."""
        return self.events.total()


def told(path: Path) -> Iterator[Told]:
    """Return the facts of the recording at `path`, in time order.

    Raises
    ------
    RecordingError
        If `path` is no recording we can read.
    """
    from market_scraper.recording.panel import (  # noqa: PLC0415 -- loads pyarrow, which a run spares
        Panel,
        is_panel,
    )

    if is_panel(path):
        return Panel(path).told()
    if is_frames(path):
        return frames_told(path)
    if is_notes(path):
        return notes_told(notes(path))
    raise RecordingError(
        f"{path} is no recording: give a folder that `market-scraper record` wrote, a folder with"
        " positions.parquet and traders.parquet, a .jsonl file of frames, or a folder of such files"
    )


def envelopes(facts: Iterable[Told]) -> Iterator[StandardEvent[Any]]:
    """Put `facts` in envelopes that say when they happened and when they were recorded."""
    for at, fact, source in facts:
        time = min(happened(fact), at)
        yield event(fact, source=source, time=time, recorded_at=at)


async def replay(
    facts: Iterable[Told],
    takers: Iterable[Take],
    clock: Clock,
    *,
    speed: float | None = None,
    on_progress: Callable[[Tally, StandardEvent[Any]], None] = lambda *_: None,
) -> Tally:
    """Give every fact to every taker, in order.

    Parameters
    ----------
    speed
        Recorded seconds per second; None for as fast as they are taken.
    on_progress
        Called with the last event of every batch.
    """
    tally, everybody = Tally(), tuple(takers)
    async for batch in _paced(envelopes(facts), clock, speed):
        for take in everybody:
            await take(batch)
        tally.events.update(envelope.type for envelope in batch)
        on_progress(tally, batch[-1])
        await asyncio.sleep(0)
    return tally


@asynccontextmanager
async def taking(
    publisher: Publisher | None, journal: Path | None, clock: Clock
) -> AsyncIterator[list[Take]]:
    """Open what a replay writes to: a bus, which is waited for while it is away, and a journal."""
    async with AsyncExitStack() as stack:
        takers: list[Take] = []
        if publisher is not None:
            queue = await stack.enter_async_context(buffered(publisher, clock=clock))
            takers.append(queue.publish)
        if journal is not None:
            takers.append(_into(stack.enter_context(JournalWriter(journal))))
        yield takers


def _into(journal: JournalWriter) -> Take:
    already = journal.next_position

    async def take(batch: list[StandardEvent[Any]]) -> None:
        """Append what the journal has not got yet: an interrupted replay goes on where it was."""
        nonlocal already
        skipped = min(already, len(batch))
        already -= skipped
        journal.append([encode(envelope) for envelope in batch[skipped:]])

    return take


async def _paced(
    events: Iterator[StandardEvent[Any]], clock: Clock, speed: float | None
) -> AsyncIterator[list[StandardEvent[Any]]]:
    """Yield batches of events; with a `speed` no batch mixes two moments, and it waits between."""
    batch: list[StandardEvent[Any]] = []
    for envelope in events:
        later = bool(batch) and envelope.recorded_at > batch[-1].recorded_at
        if batch and (len(batch) >= BATCH or (speed and later)):
            yield batch
            if speed and later:
                apart = (envelope.recorded_at - batch[-1].recorded_at).total_seconds()
                await clock.sleep(apart / speed)
            batch = []
        batch.append(envelope)
    if batch:
        yield batch
