"""A group's place in Redis Streams: read ahead, merged in time, settled in one call."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any, TypeVar

import structlog
from redis.exceptions import ResponseError

from shared_events.bus import lua
from shared_events.bus.merge import merged
from shared_events.bus.port import Delivery
from shared_events.bus.redis_dead_letters import DeadLetters, Letter
from shared_events.bus.redis_lease import Lease
from shared_events.bus.redis_link import RedisLink, is_without_group, stream_of
from shared_events.codec import decoder_of
from shared_events.errors import BusUnavailableError, DataError, UnknownEventError

log = structlog.get_logger()

_BLOCK_SECONDS = 1.0
_DECODE_AT_ONCE = 128
"""Then others may run: about a millisecond."""

_Entries = list[tuple[bytes, list[bytes]]]
_Read = tuple[list[str], list[tuple[bytes, _Entries]]]
"""The streams that were asked, and what they had."""

T = TypeVar("T")


class RedisSubscription:
    """Keeps one read on its way while the last batch is being handled.

    Parameters
    ----------
    link, dead_letters
        The bus' own.
    group, consumer
        Whose place this is, and which of the group's consumers this is.
    types
        What to read.
    lease
        The right to this place; None lets others read from it too.
    """

    def __init__(  # noqa: PLR0913 -- built in one place
        self,
        link: RedisLink,
        dead_letters: DeadLetters,
        *,
        group: str,
        consumer: str,
        types: Sequence[str],
        redeliver_after: float,
        batch_size: int,
        lease: Lease | None = None,
    ) -> None:
        self._link = link
        self._lease = lease
        self._dead = dead_letters
        self._group = group
        self._consumer = consumer
        self._streams = {stream_of(name): name for name in types}
        self._decode = {stream: decoder_of(name) for stream, name in self._streams.items()}
        self._redeliver_after = redeliver_after
        self._batch_size = batch_size
        self._acknowledge = link.redis.register_script(lua.ACKNOWLEDGE)
        self._reclaim = link.redis.register_script(lua.RECLAIM)
        self._lanes: dict[str, deque[Delivery]] = {stream: deque() for stream in self._streams}
        self._more: set[str] = set()
        self._reading: asyncio.Task[_Read] | None = None
        self._recovered: set[tuple[str, str]] | None = set()
        """What has come back since the start or the last break; None once all has."""
        self._reclaim_at = 0.0
        self._only_waiting = False
        block_seconds = min(_BLOCK_SECONDS, redeliver_after, link.silence_seconds / 2)
        self._block_ms = max(1, int(block_seconds * 1000))

    async def open(self) -> None:
        """Create the groups that are missing and bring back what this build can read by now."""
        if self._lease is not None:
            await self._lease.keep()
        await self._create_groups()
        for event_type in self._streams.values():
            revived = await self._dead.revive(event_type)
            if revived:
                log.info("dead_letters_returned", event_type=event_type, events=revived)

    async def close(self) -> None:
        """Stop reading; what was read ahead stays pending and comes back."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._lease is not None:
            with suppress(BusUnavailableError):  # it ends by itself
                await self._lease.end()

    async def batch(self) -> Sequence[Delivery]:
        """Return what was in hand before a break, then what came back, then what is new."""
        if self._lease is not None:
            await self._lease.keep()
        taking_back = self._recovered is not None or monotonic() >= self._reclaim_at
        try:
            if self._reading is not None and (taking_back or self._reading.done()):
                # Nothing may be on its way while it could be taken for unsettled.
                await self._arrived(self._reading, read_on=not taking_back)
            returned = await self._returned() if taking_back else []
            return returned or await self._fresh()
        except (BusUnavailableError, asyncio.CancelledError):
            if not self._only_waiting:
                self._start_over()
            raise

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Settle `deliveries` in one script call over all their streams."""
        if not deliveries:
            return
        entries = defaultdict[str, list[str]](list)
        for delivery in deliveries:
            stream, entry = delivery.token
            entries[stream].append(entry)
        args = [self._group, *map(" ".join, entries.values())]
        async with self._link.asking("acknowledge"):
            await self._acknowledge(list(entries), args)

    async def reject(self, delivery: Delivery, reason: str) -> None:
        """Move `delivery` to the dead letters of its type."""
        stream, entry = delivery.token
        letter = Letter(entry, delivery.raw, reason, waits=False)
        await self._dead.bury(self._streams[stream], self._group, [letter])

    async def _returned(self) -> list[Delivery]:
        """Return what this consumer had in hand before a break, else what nobody settled in time.

        The first does not wait for `redeliver_after`: a restarted consumer goes on where it was.
        """
        if self._recovered is not None:
            returned = await self._reclaimed(b"", but=self._recovered)
            self._recovered.update(delivery.token for delivery in returned)
            if returned:
                return returned
            self._recovered = None
        returned = await self._reclaimed(int(self._redeliver_after * 1000))
        if not returned:
            self._reclaim_at = monotonic() + self._redeliver_after / 2
        return returned

    async def _reclaimed(
        self, idle: int | bytes, *, but: Iterable[tuple[str, str]] = ()
    ) -> list[Delivery]:
        streams = list(self._streams)
        number = {stream: n for n, stream in enumerate(streams, start=1)}
        held = {delivery.token for lane in self._lanes.values() for delivery in lane}
        args: list[Any] = [self._group, self._consumer, idle, self._batch_size]
        args += [f"{number[stream]}:{entry}" for stream, entry in held.union(but)]
        async with self._link.asking("take back unsettled events"):
            rows = await self._with_groups(lambda: self._reclaim(streams, args))
        lanes: dict[str, deque[Delivery]] = {stream: deque() for stream in streams}
        for n, entry, attempt, fields in rows:
            await self._open(streams[n - 1], [(entry, fields)], lanes[streams[n - 1]], attempt)
        return merged(lanes, (), self._batch_size)

    async def _fresh(self) -> list[Delivery]:
        ready = merged(self._lanes, self._more, self._batch_size)
        if ready:
            return ready
        await self._arrived(self._reading or self._read_ahead())
        return merged(self._lanes, self._more, self._batch_size)

    async def _arrived(self, reading: "asyncio.Task[_Read]", *, read_on: bool = True) -> None:
        """Sort what `reading` brings into the lanes while the next read is on its way."""
        self._only_waiting = True
        await asyncio.wait({reading})
        self._only_waiting, self._reading = False, None
        asked, reply = reading.result()
        arrived = {stream.decode(): entries for stream, entries in reply}
        self._more.difference_update(asked)
        self._more.update(s for s, entries in arrived.items() if len(entries) == self._batch_size)
        if read_on:
            self._read_ahead()
            await asyncio.sleep(0)  # lets it be sent before the decoding starts
        for stream, entries in arrived.items():
            await self._open(stream, entries, self._lanes[stream])

    def _start_over(self) -> None:
        """Forget what is in hand after a break, to be handed it all again in its order.

        Redis may have handed out what never got here, and that may be older than what did.
        """
        self._recovered = set()
        self._more.clear()
        for lane in self._lanes.values():
            lane.clear()

    def _read_ahead(self) -> "asyncio.Task[_Read]":
        self._reading = asyncio.create_task(self._read())
        return self._reading

    async def _read(self) -> _Read:
        """Ask every stream of which not too much is waiting here already."""
        asked = [s for s, lane in self._lanes.items() if len(lane) <= self._batch_size]
        if not asked:
            return [], []
        block = None if self._more else self._block_ms  # what is held back must not wait
        places: dict[Any, Any] = dict.fromkeys(asked, ">")
        async with self._link.asking("read") as redis:
            reply: Any = await self._with_groups(
                lambda: redis.xreadgroup(
                    self._group, self._consumer, places, count=self._batch_size, block=block
                )
            )
        return asked, reply or []

    async def _open(
        self, stream: str, entries: _Entries, lane: deque[Delivery], attempt: int = 1
    ) -> None:
        """Append what can be decoded to `lane` and set the rest aside."""
        letters: list[Letter] = []
        decode = self._decode[stream]
        for at in range(0, len(entries), _DECODE_AT_ONCE):
            for entry, fields in entries[at : at + _DECODE_AT_ONCE]:
                raw = fields[1]
                try:
                    event = decode(raw)
                except DataError as e:
                    waits = isinstance(e, UnknownEventError)
                    letters.append(Letter(entry.decode(), raw, str(e), waits))
                else:
                    lane.append(Delivery(event, raw, attempt, (stream, entry.decode())))
            await asyncio.sleep(0)
        if letters:
            await self._dead.bury(self._streams[stream], self._group, letters)
            first, name = letters[0], self._streams[stream]
            log.warning(
                "events_set_aside", event_type=name, events=len(letters), reason=first.reason
            )

    async def _with_groups(self, call: Callable[[], Awaitable[T]]) -> T:
        """Return what `call` returns, after making the groups again if somebody deleted them."""
        try:
            return await call()
        except ResponseError as e:
            if not is_without_group(e):
                raise
        log.warning("groups_recreated", group=self._group)
        await self._create_groups()
        return await call()

    async def _create_groups(self) -> None:
        async with self._link.asking("create the group") as redis:
            for stream in self._streams:
                try:
                    await redis.xgroup_create(stream, self._group, id="0", mkstream=True)
                except ResponseError as e:
                    if "BUSYGROUP" not in str(e):
                        raise
