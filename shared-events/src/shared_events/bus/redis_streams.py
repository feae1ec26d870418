"""Redis Streams as a bus: one stream a type, one field an event, one script call a batch."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import structlog

from shared_events.bus import lua
from shared_events.bus.port import DeadLetter, LostGroup
from shared_events.bus.redis_dead_letters import DeadLetters
from shared_events.bus.redis_lease import Lease
from shared_events.bus.redis_link import RedisLink, dead_of, stream_of
from shared_events.bus.redis_subscription import RedisSubscription
from shared_events.codec import encode
from shared_events.envelope import StandardEvent
from shared_events.payloads import SCHEMAS

log = structlog.get_logger()

LOST_GROUPS = "events:lost_groups"
DEAD_LETTERS_SHOWN = 1000
EXACT_LAG = 10_000
"""Where Redis itself does not know a longer lag (6.2), it is estimated."""


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """How much of each stream is kept.

    What every group has settled goes after `retention_seconds`. What a group has not settled is
    kept for it until the stream outgrows `stream_max_bytes` or the event `stream_max_age_seconds`.
    Both times are longer for the types in `history_seconds`, which a group that comes late needs and
    nobody tells again.
    """

    retention_seconds: float = 3600
    stream_max_bytes: int = 512 * 1024 * 1024
    stream_max_age_seconds: float = 72 * 3600
    history_seconds: Mapping[str, float] = field(default_factory=lambda: {"candles": 200 * 86400})
    dead_letters: int = 100_000
    trim_every_seconds: float = 10


class RedisEventBus:
    """Keeps the port's promises with scripts, ``XREADGROUP`` and ``XACK``.

    Parameters
    ----------
    redis
        A client made by `redis_link.connect`; the caller closes it.
    consumer
        This process's name inside its groups: the same after a restart, so that it finds what it
        had in hand; never the same in two live processes.
    redeliver_after
        Seconds before a delivery that nobody settled comes back.
    holder
        Who this is, for people, and the same after a restart. While it reads nobody else can as the
        same consumer; None lets them.
    batch_size
        The most deliveries of one batch. Larger ones cost more: decoded events leave the cache.
    """

    def __init__(
        self,
        link: RedisLink,
        *,
        consumer: str,
        holder: str | None = None,
        redeliver_after: float = 30.0,
        batch_size: int = 250,
        limits: StreamLimits | None = None,
    ) -> None:
        self._link = link
        self._consumer = consumer
        self._holder = holder
        self._redeliver_after = redeliver_after
        self._batch_size = batch_size
        self._limits = limits or StreamLimits()
        self._dead = DeadLetters(link, kept=self._limits.dead_letters)
        self._publish = link.redis.register_script(lua.PUBLISH)
        self._trim = link.redis.register_script(lua.TRIM)
        self._lag = link.redis.register_script(lua.LAG)
        self._published: set[str] = set()
        self._trim_at = monotonic() + self._limits.trim_every_seconds

    async def publish(self, events: Sequence[StandardEvent[Any]]) -> None:
        """Append `events`, in order, in one script call over all their streams."""
        if not events:
            return
        if monotonic() >= self._trim_at:
            await self.trim(self._published)
        by_type: dict[str, list[bytes]] = {}
        for event in events:
            by_type.setdefault(event.type, []).append(encode(event))
        self._published.update(by_type)
        args: list[Any] = [len(raws) for raws in by_type.values()]
        for raws in by_type.values():
            args += raws
        async with self._link.asking("publish"):
            await self._publish([stream_of(name) for name in by_type], args)

    async def ping(self) -> None:
        """Return if Redis answers, else raise `BusUnavailableError`."""
        async with self._link.asking("ping") as redis:
            await redis.ping()

    @asynccontextmanager
    async def subscribe(self, group: str, types: Iterable[str]) -> AsyncIterator[RedisSubscription]:
        """Open `group`'s subscription to `types`, from the oldest kept event on."""
        subscription = RedisSubscription(
            self._link,
            self._dead,
            group=group,
            consumer=self._consumer,
            types=tuple(types),
            redeliver_after=self._redeliver_after,
            batch_size=self._batch_size,
            lease=self._lease(group),
        )
        await subscription.open()
        try:
            yield subscription
        finally:
            await subscription.close()

    def _lease(self, group: str) -> Lease | None:
        if self._holder is None:
            return None
        return Lease(self._link, group=group, consumer=self._consumer, holder=self._holder)

    async def dead_letters(self, event_type: str) -> Sequence[DeadLetter]:
        """Return the newest dead letters of `event_type`, newest first."""
        return await self._dead.newest(event_type, DEAD_LETTERS_SHOWN)

    async def lag(self, group: str) -> Mapping[str, int]:
        """Return, by event type, how many events `group` has not settled.

        Redis 6.2 does not keep count: beyond ten thousand the number is an estimate there.
        """
        types = [schema.event_type for schema in SCHEMAS]
        async with self._link.asking("measure the lag"):
            counts = await self._lag([stream_of(name) for name in types], [group, EXACT_LAG])
        return {name: count for name, count in zip(types, counts, strict=True) if count >= 0}

    async def lost_groups(self) -> Sequence[LostGroup]:
        """Return the groups that missed events and have not caught up since."""
        async with self._link.asking("read the lost groups") as redis:
            record: Any = await redis.hgetall(LOST_GROUPS)
        return [
            LostGroup(group, event_type, datetime.fromtimestamp(int(ms) / 1000, UTC))
            for (event_type, _, group), ms in (
                (field.decode().partition("|"), ms) for field, ms in sorted(record.items())
            )
        ]

    async def trim(self, types: Iterable[str]) -> None:
        """Drop what every group has settled and what no longer fits; `publish` does it in passing.

        A group for which something unsettled had to go is recorded as lost. It is no longer waited
        for until it has caught up.
        """
        limits = self._limits
        age = int(limits.stream_max_age_seconds * 1000)
        retention = int(limits.retention_seconds * 1000)
        async with self._link.asking("trim"):
            for name in types:
                history = int(limits.history_seconds.get(name, 0) * 1000)
                bounds = (name, max(retention, history), max(age, history), limits.stream_max_bytes)
                for group in await self._trim((stream_of(name), LOST_GROUPS), bounds):
                    log.error("group_lost", group=group.decode(), event_type=name)
                dead = dead_of(name)
                letters = (f"{name}:dead", age, age, limits.stream_max_bytes)
                await self._trim((dead, LOST_GROUPS), letters)
        self._trim_at = monotonic() + limits.trim_every_seconds
