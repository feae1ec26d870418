"""Issued signals between the moment they are decided and the moment they are stored and published.

An event's place (journal position, number) orders everything: what is not yet in the store waits in
memory, what the bus has not taken yet follows a cursor through both. After a kill the journal's
tail leads to the same events again, with the same ids.
"""

import asyncio
from collections.abc import Sequence
from itertools import islice

import structlog
from msgspec import Raw, Struct, json

from shared_events.bus.patience import patiently
from shared_events.bus.port import Publisher
from shared_events.codec import decode, encode
from shared_events.payloads import Outcome, Regime, Signal, WhaleAlert
from shared_events.runtime.clock import Clock
from signal_system.fold import Issued
from signal_system.storage.port import (
    AFTER_ALL,
    ALERT,
    BEFORE_ALL,
    TURN,
    About,
    Checkpoint,
    Entry,
    KeptBar,
    Place,
    Scored,
    Store,
)
from signal_system.whale_alerts.asking import Asked

MAX_PENDING = 100_000
"""Issued events that may wait for a store that does not take them."""

log = structlog.get_logger()

_BATCH = 500
_MOST_ALERTS = 20_000
_UNKNOWN = Place(2**63 - 1, 0)


class _Envelope(Struct):
    data: Raw


class SignalStore:
    """Takes what the fold issues, keeps it, publishes it, and finds it again.

    Parameters
    ----------
    store
        Where checkpoints go.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pending: dict[Place, Entry] = {}
        self._last = BEFORE_ALL
        self._published = store.published()
        self._stored_until = _UNKNOWN
        """The store holds nothing that comes after it."""
        self._news = asyncio.Event()

    @property
    def pending(self) -> int:
        """How many events wait to be stored."""
        return len(self._pending)

    def add(self, position: int, issued: Sequence[Issued]) -> None:
        """Take events that the record at `position` led to, after those it has led to before."""
        first = self._last.ordinal + 1 if self._last.position == position else 0
        for ordinal, event in enumerate(issued, first):
            self._last = Place(position, ordinal)
            self._pending[self._last] = _entry(self._last, event)
        if len(self._pending) > MAX_PENDING:
            self._drop_oldest()
        if issued:
            news, self._news = self._news, asyncio.Event()
            news.set()

    def checkpoint(
        self, position: int, snapshot: bytes, bars: Sequence[KeptBar] = ()
    ) -> Checkpoint:
        """Return what to commit with `snapshot`, which was taken after the record at `position`."""
        return Checkpoint(position, snapshot, list(self._pending.values()), self._published, bars)

    async def commit(self, checkpoint: Checkpoint) -> None:
        """Keep `checkpoint`; its entries wait no longer.

        Raises
        ------
        StorageError
            If the store did not take it; everything goes on waiting.
        """
        await asyncio.to_thread(self._store.commit, checkpoint)
        for entry in checkpoint.entries:
            self._pending.pop(entry.place, None)
        if checkpoint.entries:
            self._stored_until = max(self._stored_until, checkpoint.entries[-1].place)

    async def publish_to(self, publisher: Publisher, clock: Clock) -> None:
        """Publish everything, oldest first, until cancelled; wait while the bus is away."""
        while True:
            batch = await self.following(self._published)
            events = [decode(raw) for _, raw in batch]
            await patiently(lambda: publisher.publish(events), clock=clock)  # noqa: B023 -- awaited here
            self._published = batch[-1][0]

    async def following(self, place: Place) -> Sequence[tuple[Place, bytes]]:
        """Return some of what was issued after `place`, in order; wait until there is something.

        Raises
        ------
        StorageError
            If the store does not answer.
        """
        while True:
            news = self._news
            if batch := await self.after(place):
                return batch
            await news.wait()

    async def after(self, place: Place) -> Sequence[tuple[Place, bytes]]:
        """Return some of what was issued after `place`, in order; nothing if there is nothing yet.

        Raises
        ------
        StorageError
            If the store does not answer.
        """
        while place < (until := self._stored_until):
            if stored := await asyncio.to_thread(self._store.after, place, _BATCH):
                return stored
            if self._stored_until == until:  # nothing was stored meanwhile
                self._stored_until = place
        waiting = (entry for entry in self._pending.values() if entry.place > place)
        return [(entry.place, entry.raw) for entry in islice(waiting, _BATCH)]

    def history(
        self, coin: str, horizon_seconds: int, *, limit: int, before: int | None
    ) -> Sequence[bytes]:
        """Return a coin's issued signals as documents, newest first."""
        waiting = [
            entry.raw
            for entry in reversed(self._pending.values())
            if entry.signal is not None
            and (entry.signal.coin, entry.signal.horizon_seconds) == (coin, horizon_seconds)
            and (before is None or entry.signal.decided_at < before)
        ]
        stored = self._store.history(coin, horizon_seconds, limit=limit, before=before)
        raws = dict.fromkeys([*waiting, *stored])  # what is being stored right now is in both
        return [_document(raw) for raw in islice(raws, limit)]

    def turns(self, scope: str, *, limit: int) -> Sequence[bytes]:
        """Return the turns of a regime as documents, newest first."""
        return self.history(scope, TURN, limit=limit, before=None)

    def alerts(
        self, asked: Asked, *, limit: int, before: Place = AFTER_ALL
    ) -> list[tuple[Place, bytes]]:
        """Return up to `limit` alerts that are asked for, newest first, as documents.

        Looks at no more than the newest twenty thousand before `before`.
        """
        found, seen = list[tuple[Place, bytes]](), 0
        while len(found) < limit and seen < _MOST_ALERTS:
            page = self._alerts_before(before)
            for place, raw in page:
                if asked.wants(decode(raw).data):
                    found.append((place, _document(raw)))
            if not page:
                break
            before, seen = page[-1][0], seen + len(page)
        return found[:limit]

    def _alerts_before(self, before: Place) -> list[tuple[Place, bytes]]:
        """Return a page of alerts, newest first: those that wait, then those that are stored."""
        waiting = {
            place: entry.raw
            for place, entry in reversed(self._pending.items())
            if place < before and entry.signal and entry.signal.horizon_seconds == ALERT
        }
        stored = dict(self._store.alerts(before, _BATCH))
        return sorted((waiting | stored).items(), reverse=True)[:_BATCH]

    def _drop_oldest(self) -> None:
        """Keep memory bounded while the store is broken; a restart folds the journal's tail anew."""
        for place in list(islice(self._pending, len(self._pending) - MAX_PENDING // 2)):
            del self._pending[place]
        log.error("signals_dropped_from_memory", kept=len(self._pending))


def _entry(place: Place, event: Issued) -> Entry:
    fact, about = event.data, None
    if isinstance(fact, Signal):
        about = About(fact.coin, fact.horizon_seconds, fact.journal_position)
    elif isinstance(fact, Regime) and fact.previous is not None:
        about = About(fact.scope, TURN, place.position)
    elif isinstance(fact, WhaleAlert):
        about = About(fact.coin or "", ALERT, place.position)
    return Entry(place, event.time, about, encode(event), _scored(event))


def _scored(event: Issued) -> Scored | None:
    fact = event.data
    if isinstance(fact, Outcome):
        return Scored(fact.signal_id, None)
    if isinstance(fact, Signal) and fact.forecast_number is not None:
        return Scored(event.id, fact.forecast_number)
    return None


def _document(raw: bytes) -> bytes:
    return bytes(json.decode(raw, type=_Envelope).data)
