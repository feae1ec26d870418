"""From the bus into the journal, from the journal into the fold, and only then acknowledged.

A kill between any two of these steps loses nothing: what was not journalled comes back from the
bus, and what was journalled is recognised by its id.

What the fold asks of classifiers is answered at once, and the answer is the record that follows the
one which led to the question: wherever batches end, and whenever the process was killed.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from msgspec import Struct, json

from shared_events.bus.port import Delivery
from shared_events.codec import encode
from shared_events.envelope import StandardEvent
from shared_events.errors import DataError
from shared_events.journal import JournalFullError, JournalWriter, Tick, encode_tick, oldest, read
from shared_events.runtime.clock import Clock
from signal_system.fold import Fold, Issued
from signal_system.pacing import Pacer
from signal_system.predicting import Predictor

GROUP = "signal-system"
TYPES = (
    "source_status",
    "tracked_traders",
    "trader_profiles",
    "market_contexts",
    "candles",
    "trader_positions",
    "leaderboard",
    "account_flows",
    "trader_fills",
    "trade_flow",
    "context_metrics",
)
"""Everything the market scraper publishes: the journal keeps for training what no decision reads."""

REMEMBERED_IDS = 100_000
TICK_SECONDS = 1.0

_TICKS_AFTER_A_RECORDING = 3
_INSTANT = timedelta(milliseconds=1)
_AHEAD = timedelta(minutes=1)

log = structlog.get_logger()

Listener = Callable[[int, Sequence[Issued]], None]
"""Told what the record at a position led to, piece by piece."""


class RecentIds:
    """The ids of the newest events: at least `kept` of them, at most twice as many.

    Examples
    --------
    >>> ids = RecentIds(2)
    >>> ids.add("a"), ids.add("a"), ids.add("b"), ids.add("c"), ids.add("a")
    (True, False, True, True, False)
    """

    def __init__(self, kept: int = REMEMBERED_IDS) -> None:
        self._kept = kept
        self._new: set[str] = set()
        self._old: set[str] = set()

    def __contains__(self, event_id: str) -> bool:
        return event_id in self._new or event_id in self._old

    def add(self, event_id: str) -> bool:
        """Remember `event_id`; False if it was known."""
        if event_id in self:
            return False
        if len(self._new) >= self._kept:
            self._old, self._new = self._new, set()
        self._new.add(event_id)
        return True


class EventSubscriber:
    """Journals and folds what the bus delivers, and the ticks of the clock.

    Parameters
    ----------
    journal
        Open for writing; its end is where `fold` stands.
    listener
        Told of everything the fold issues.
    predictor
        Answers what the fold asks of classifiers; without one nobody does.
    """

    def __init__(
        self,
        journal: JournalWriter,
        fold: Fold,
        ids: RecentIds,
        *,
        clock: Clock,
        listener: Listener,
        predictor: Predictor | None = None,
    ) -> None:
        self._journal, self._fold, self._ids = journal, fold, ids
        self._predictor = predictor
        self._clock, self._listener = clock, listener
        self._turn = asyncio.Lock()
        self._quiet_ticks = 0
        self.duplicates = 0

    async def handle(self, deliveries: Sequence[Delivery]) -> None:
        """Take `deliveries`; when this returns they may be acknowledged.

        Raises
        ------
        DataError
            If one of them claims to come from the future; none of them was taken then.
        JournalFullError
            If the disk did not take them all; those that it took are recognised when they come again.
        """
        latest = self._clock.now() + _AHEAD
        for delivery in deliveries:
            _require_past(delivery.event.recorded_at, latest)
        async with self._turn:
            self._quiet_ticks = 0
            for part in self._parts(self._unseen(deliveries)):
                position = self._journal.append([delivery.raw for delivery in part])
                for delivery in part:
                    self._ids.add(delivery.event.id)
                await self._apply(position, [delivery.event for delivery in part])
                await self._answer()

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Let nothing be applied for as long as the context lasts."""
        async with self._turn:
            yield

    @property
    def now(self) -> datetime:
        """The present: the clock's, or where a recording has come."""
        at = self._fold.state.now
        return at if self._fold.state.recording and at is not None else self._clock.now()

    async def take(self, event: StandardEvent[Any]) -> None:
        """Journal and fold an event of the service's own.

        Raises
        ------
        JournalFullError
            If the disk did not take it; nothing was done then.
        """
        async with self._turn:
            position = self._journal.append([encode(event)])
            await self._apply(position, [event])
            await self._answer()

    async def answer(self) -> None:
        """Answer what the fold has asked and nobody answered yet: before a kill, or for want of trees."""
        async with self._turn:
            await self._answer()

    async def tick(self) -> None:
        """Let time pass while nothing happens.

        A recording's time passes by itself; only its last instant, which nothing follows, is ended
        a few ticks after its last event.
        """
        async with self._turn:
            self._quiet_ticks += 1
            at = self._next_tick()
            if at is not None:
                position = self._journal.append([encode_tick(at)])
                await self._apply(position, [Tick(at)])

    def _next_tick(self) -> datetime | None:
        if not self._fold.state.recording:
            return self._clock.now()
        now, is_over = self._fold.state.now, self._quiet_ticks == _TICKS_AFTER_A_RECORDING
        return now + _INSTANT if now is not None and is_over else None

    async def tick_for_ever(self) -> None:
        """Tick every second until cancelled; a tick that the disk does not take is left out."""
        while True:
            await self._clock.sleep(TICK_SECONDS)
            try:
                await self.tick()
            except JournalFullError as e:
                log.warning("tick_left_out", reason=str(e))

    def _unseen(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Return the first delivery of every event that is not in the journal yet."""
        fresh: dict[str, Delivery] = {}
        for delivery in deliveries:
            event_id = delivery.event.id
            if event_id in fresh or event_id in self._ids:
                self.duplicates += 1
            else:
                fresh[event_id] = delivery
        return list(fresh.values())

    def _parts(self, fresh: Sequence[Delivery]) -> Iterator[Sequence[Delivery]]:
        """Cut `fresh` after every event that may lead to a question."""
        start = 0
        for end, delivery in enumerate(fresh, 1):
            if end == len(fresh) or self._fold.may_ask(delivery.event):
                yield fresh[start:end]
                start = end

    async def _answer(self) -> None:
        if self._predictor is None:
            return
        for asked in self._fold.state.directions.asked:
            told = self._predictor.answer(asked)
            if told is None:
                continue
            try:
                position = self._journal.append([encode(told)])
            except JournalFullError as e:
                log.warning("prediction_waits", reason=str(e))
                return
            await self._apply(position, [told])

    async def _apply(self, position: int, records: Sequence[StandardEvent[Any] | Tick]) -> None:
        pacer, pieces = Pacer(), self._pieces(position, records)
        try:
            for at, issued in pieces:
                self._listener(at, issued)
                await pacer.breathe()
        finally:  # what is in the journal is applied whole, whatever stops us
            for at, issued in pieces:
                self._listener(at, issued)

    def _pieces(
        self, position: int, records: Sequence[StandardEvent[Any] | Tick]
    ) -> Iterator[tuple[int, Sequence[Issued]]]:
        for at, record in enumerate(records, position):
            for issued in self._fold.steps(at, record):
                yield at, issued
            yield at, ()


class _Id(Struct):
    id: str = ""


def remembered(directory: Path, until: int, kept: int = REMEMBERED_IDS) -> RecentIds:
    """Return the ids of the newest events among the journal's records before `until`."""
    ids, decoder = RecentIds(kept), json.Decoder(_Id)
    for _, raw in read(directory, max(oldest(directory), until - kept)):
        if event_id := decoder.decode(raw).id:
            ids.add(event_id)
    return ids


def _require_past(recorded_at: datetime, latest: datetime) -> None:
    if recorded_at > latest:
        raise DataError(f"recorded at {recorded_at.isoformat()}, which has not come yet")
