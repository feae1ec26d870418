"""A queue in front of a publisher: nobody waits for the bus, and nothing is lost while it is away."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import structlog

from shared_events.bus.patience import patiently
from shared_events.bus.port import Publisher
from shared_events.envelope import StandardEvent
from shared_events.errors import DataError
from shared_events.runtime.clock import Clock

log = structlog.get_logger()

Events = Sequence[StandardEvent[Any]]


class BufferedPublisher:
    """Takes events at once and publishes them in the background, in their exact order.

    Made by `buffered`. What waits goes out together, so the busier it is the larger its batches.
    """

    def __init__(self, publisher: Publisher, *, clock: Clock, limit: int, batch_size: int) -> None:
        self._publisher = publisher
        self._clock = clock
        self._limit = limit
        self._batch_size = batch_size
        self._queue: deque[Events] = deque()
        self._waiting = 0
        self._changed = asyncio.Condition()
        self._closing = False
        self._failure: BaseException | None = None

    @property
    def waiting(self) -> int:
        """How many events have not been published yet."""
        return self._waiting

    @property
    def limit(self) -> int:
        """How many events may wait before whoever publishes must wait, too."""
        return self._limit

    async def publish(self, events: Events) -> None:
        """Queue `events`, to be published together; wait while the queue is full.

        Raises whatever ended the background task, if something did.
        """
        if not events:
            return
        async with self._changed:
            await self._changed.wait_for(lambda: self._has_room(len(events)))
            if self._failure is not None:
                raise self._failure
            self._queue.append(tuple(events))
            self._waiting += len(events)
            self._changed.notify_all()

    async def ping(self) -> None:
        """Return if the bus answers, else raise `BusUnavailableError`."""
        await self._publisher.ping()

    async def run(self) -> None:
        """Publish what is queued until `close`, and then what is left."""
        try:
            while batch := await self._next():
                await self._deliver(batch)
                async with self._changed:
                    self._waiting -= len(batch)
                    self._changed.notify_all()
        except asyncio.CancelledError:
            raise
        except BaseException as e:
            self._failure = e  # whoever publishes next learns of it
            raise
        finally:
            async with self._changed:
                self._changed.notify_all()

    async def close(self) -> None:
        """Let `run` end once the queue is empty."""
        async with self._changed:
            self._closing = True
            self._changed.notify_all()

    def _has_room(self, count: int) -> bool:
        return (
            not self._waiting or self._waiting + count <= self._limit or self._failure is not None
        )

    async def _next(self) -> list[StandardEvent[Any]]:
        """Return what is waiting, whole batches only; empty when closed and drained."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._queue or self._closing)
        batch: list[StandardEvent[Any]] = []
        while self._queue and (not batch or len(batch) + len(self._queue[0]) <= self._batch_size):
            batch += self._queue.popleft()
        return batch

    async def _deliver(self, batch: Events) -> None:
        """Publish `batch`; if the bus refuses it, all of it but the guilty events."""
        try:
            await patiently(partial(self._publisher.publish, batch), clock=self._clock)
        except DataError as e:
            if len(batch) > 1:
                for event in batch:
                    await self._deliver([event])
                return
            [event] = batch
            log.error(  # noqa: TRY400 -- the reason says it all
                "event_refused", event_type=event.type, event_id=event.id, reason=str(e)
            )


@asynccontextmanager
async def buffered(
    publisher: Publisher,
    *,
    clock: Clock,
    limit: int = 10_000,
    batch_size: int = 500,
    drain_seconds: float = 20.0,
) -> AsyncIterator[BufferedPublisher]:
    """Open a queue of at most `limit` events in front of `publisher`.

    Leaving publishes what is left; after `drain_seconds` it gives up and says how much was lost.
    """
    queue = BufferedPublisher(publisher, clock=clock, limit=limit, batch_size=batch_size)
    running = asyncio.create_task(queue.run())
    try:
        yield queue
    finally:
        await queue.close()
        await asyncio.wait({running}, timeout=drain_seconds)
        if not running.done():
            running.cancel()
            await asyncio.wait({running})
            log.error("events_lost_on_close", events=queue.waiting)
    if not running.cancelled():
        running.result()
