"""A bus inside one process: for tests, replays and running everything as one process."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from weakref import WeakSet

import structlog

from shared_events.bus.merge import merged
from shared_events.bus.port import DeadLetter, Delivery, LostGroup
from shared_events.codec import decode, encode
from shared_events.envelope import StandardEvent
from shared_events.errors import DataError, UnknownEventError
from shared_events.runtime.clock import Clock, SystemClock

log = structlog.get_logger()

_IDLE_SECONDS = 1.0
_DEAD_LETTERS = 1000


class MemoryEventBus:
    """Keeps the port's promises with lists; events travel as bytes here too, so nothing differs.

    Parameters
    ----------
    redeliver_after
        Seconds before a delivery that nobody settled comes back.
    batch_size
        The most deliveries of one batch.
    kept
        How many settled events of each type stay for groups yet to come.
    limit
        How many unsettled ones a group may leave behind before it is declared lost.
    """

    def __init__(
        self,
        *,
        redeliver_after: float = 30.0,
        batch_size: int = 250,
        kept: int = 10_000,
        limit: int = 1_000_000,
        clock: Clock | None = None,
    ) -> None:
        self._redeliver_after = redeliver_after
        self._batch_size = batch_size
        self._kept = kept
        self._limit = limit
        self._clock = clock or SystemClock()
        self._streams: dict[str, _Stream] = {}
        self._lost: dict[tuple[str, str], LostGroup] = {}
        self._readers: WeakSet[_Subscription] = WeakSet()

    async def publish(self, events: Sequence[StandardEvent[Any]]) -> None:
        """Append `events`, in order."""
        self._append([(event.type, encode(event)) for event in events])

    async def ping(self) -> None:
        """Return: this bus is never away."""

    @asynccontextmanager
    async def subscribe(self, group: str, types: Iterable[str]) -> AsyncIterator["_Subscription"]:
        """Open `group`'s subscription to `types`, from the oldest kept event on."""
        streams = {name: self._stream(name) for name in types}
        for name, stream in streams.items():
            stream.places.setdefault(group, _Place(next=stream.first))
            self._append((name, raw) for raw in stream.revived())
        reader = _Subscription(streams, group, self._redeliver_after, self._batch_size)
        self._readers.add(reader)
        try:
            yield reader
        finally:
            self._readers.discard(reader)

    async def dead_letters(self, event_type: str) -> Sequence[DeadLetter]:
        """Return the newest dead letters of `event_type`, newest first."""
        return [letter for letter, _ in reversed(self._stream(event_type).dead)]

    async def lag(self, group: str) -> Mapping[str, int]:
        """Return, by event type, how many events `group` has not settled."""
        return {
            name: stream.places[group].unsettled(stream.end)
            for name, stream in self._streams.items()
            if group in stream.places
        }

    async def lost_groups(self) -> Sequence[LostGroup]:
        """Return the groups that missed events and have not caught up since."""
        return list(self._lost.values())

    def _stream(self, name: str) -> "_Stream":
        return self._streams.setdefault(name, _Stream(trim_at=self._kept))

    def _append(self, raws: Iterable[tuple[str, bytes]]) -> None:
        for name, raw in raws:
            stream = self._stream(name)
            if len(stream.raws) >= stream.trim_at:
                self._trim(name, stream)
            stream.raws.append(raw)
        for reader in self._readers:
            reader.news.set()

    def _trim(self, name: str, stream: "_Stream") -> None:
        """Drop what every group has settled, and at the limit what the slowest have not."""
        keep = stream.end - self._kept
        for group, place in stream.places.items():
            if place.next == stream.end and not place.lane:
                self._lost.pop((group, name), None)
        waited_for = [
            place.needs for group, place in stream.places.items() if (group, name) not in self._lost
        ]
        stream.drop_before(max(min([keep, *waited_for]), stream.end - self._limit))
        for group, place in stream.places.items():
            if place.skip_to(stream.first) and (group, name) not in self._lost:
                self._lost[group, name] = LostGroup(group, name, self._clock.now())
                log.error("group_lost", group=group, event_type=name)
        stream.trim_at = len(stream.raws) + max(self._kept // 4, 1)


@dataclass(eq=False)
class _Stream:
    """The kept events of one type; an event's token is its number since the beginning."""

    trim_at: int
    raws: deque[bytes] = field(default_factory=deque)
    first: int = 0
    places: dict[str, "_Place"] = field(default_factory=dict)
    dead: deque[tuple[DeadLetter, bool]] = field(
        default_factory=lambda: deque(maxlen=_DEAD_LETTERS)
    )

    @property
    def end(self) -> int:
        return self.first + len(self.raws)

    def drop_before(self, number: int) -> None:
        while self.first < number:
            self.raws.popleft()
            self.first += 1

    def after(self, number: int, count: int) -> list[bytes]:
        start = number - self.first
        return list(islice(self.raws, start, start + count))

    def revived(self) -> list[bytes]:
        """Take out the letters that waited for a newer build and can be read by now, each once."""
        letters = list(self.dead)
        self.dead.clear()
        revived: dict[str, bytes] = {}
        for letter, waits in letters:
            event_id = _id_if_known(letter.raw) if waits else None
            if event_id is None:
                self.dead.append((letter, waits))
            else:
                revived[event_id] = letter.raw
        return list(revived.values())


@dataclass(eq=False)
class _Place:
    """How far one group is in one stream; `lane` is read and not yet handed out."""

    next: int
    lane: deque[Delivery] = field(default_factory=deque)
    pending: dict[int, tuple[float, Delivery]] = field(default_factory=dict)

    @property
    def needs(self) -> int:
        """The number of the oldest event that is not settled."""
        waiting = [int(self.lane[0].token[1])] if self.lane else [self.next]
        return min([*waiting, *self.pending])

    def unsettled(self, end: int) -> int:
        return end - self.next + len(self.lane) + len(self.pending)

    def skip_to(self, first: int) -> bool:
        """Forget what is no longer there; tell whether that was anything."""
        if self.needs >= first:
            return False
        self.next = max(self.next, first)
        self.lane = deque(d for d in self.lane if int(d.token[1]) >= first)
        self.pending = {n: p for n, p in self.pending.items() if n >= first}
        return True


class _Subscription:
    def __init__(
        self, streams: Mapping[str, _Stream], group: str, redeliver_after: float, batch_size: int
    ) -> None:
        self._streams = streams
        self._group = group
        self._redeliver_after = redeliver_after
        self._batch_size = batch_size
        self.news = asyncio.Event()

    async def batch(self) -> Sequence[Delivery]:
        """Return what came back, then what is new, or nothing after a while."""
        await asyncio.sleep(0)  # a full bus must not starve everybody else
        self.news.clear()
        ready = self._ready()
        if not ready:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(_IDLE_SECONDS, self._redeliver_after)):
                    await self.news.wait()
            ready = self._ready()
        return ready

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Settle `deliveries`."""
        for delivery in deliveries:
            name, number = delivery.token
            self._streams[name].places[self._group].pending.pop(int(number), None)

    async def reject(self, delivery: Delivery, reason: str) -> None:
        """Move `delivery` to the dead letters of its type."""
        name, number = delivery.token
        stream = self._streams[name]
        if stream.places[self._group].pending.pop(int(number), None):
            stream.dead.append((DeadLetter(delivery.raw, reason), False))

    def _ready(self) -> list[Delivery]:
        now = asyncio.get_running_loop().time()
        taken = self._overdue(now) or self._new()
        for delivery in taken:
            name, number = delivery.token
            self._streams[name].places[self._group].pending[int(number)] = (now, delivery)
        return taken

    def _overdue(self, now: float) -> list[Delivery]:
        overdue = (
            delivery
            for stream in self._streams.values()
            for handed_out, delivery in stream.places[self._group].pending.values()
            if now - handed_out >= self._redeliver_after
        )
        return [
            Delivery(d.event, d.raw, d.attempt + 1, d.token)
            for d in islice(overdue, self._batch_size)
        ]

    def _new(self) -> list[Delivery]:
        places = {name: stream.places[self._group] for name, stream in self._streams.items()}
        for name, stream in self._streams.items():
            self._read(name, stream, places[name])
        more = [name for name, place in places.items() if place.next < self._streams[name].end]
        return merged({name: p.lane for name, p in places.items()}, more, self._batch_size)

    def _read(self, name: str, stream: _Stream, place: _Place) -> None:
        """Fill the lane up to one batch; what cannot be read goes to the dead letters."""
        while len(place.lane) < self._batch_size and place.next < stream.end:
            for raw in stream.after(place.next, self._batch_size - len(place.lane)):
                token = (name, str(place.next))
                place.next += 1
                try:
                    place.lane.append(Delivery(decode(raw), raw, 1, token))
                except DataError as e:
                    waits = isinstance(e, UnknownEventError)
                    stream.dead.append((DeadLetter(raw, str(e)), waits))
                    log.warning("event_set_aside", event_type=name, reason=str(e))


def _id_if_known(raw: bytes) -> str | None:
    try:
        return decode(raw).id
    except DataError:
        return None
