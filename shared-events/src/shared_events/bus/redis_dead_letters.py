"""Where Redis keeps what could not be handled, and how it comes back after an upgrade."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

from shared_events.bus import lua
from shared_events.bus.port import DeadLetter
from shared_events.bus.redis_link import RedisLink, dead_of, stream_of
from shared_events.codec import MAX_EVENT_BYTES, decode
from shared_events.errors import DataError

_PAGE = 500
_KEPT_OF_OVERLONG = 4096


class Letter(NamedTuple):
    """An entry to set aside; it `waits` if a newer build may understand it."""

    entry: str
    raw: bytes
    reason: str
    waits: bool


class DeadLetters:
    """The dead letters of every type; `kept` bounds how many of each."""

    def __init__(self, link: RedisLink, *, kept: int) -> None:
        self._link = link
        self._kept = kept
        self._bury = link.redis.register_script(lua.BURY)
        self._revive = link.redis.register_script(lua.REVIVE)

    async def bury(self, event_type: str, group: str, letters: Sequence[Letter]) -> None:
        """Move `letters` here and settle them for `group`, in one step."""
        args: list[Any] = [group, self._kept]
        for letter in letters:
            args += (letter.entry, _kept_part(letter.raw), letter.reason, int(letter.waits))
        async with self._link.asking("set events aside"):
            await self._bury((stream_of(event_type), dead_of(event_type)), args)

    async def newest(self, event_type: str, count: int) -> Sequence[DeadLetter]:
        """Return up to `count` letters, newest first."""
        async with self._link.asking("read the dead letters") as redis:
            rows: Any = await redis.xrevrange(dead_of(event_type), count=count)
        fields = (_as_dict(row) for _, row in rows)
        return [DeadLetter(of[b"event"], of[b"reason"].decode()) for of in fields]

    async def revive(self, event_type: str) -> int:
        """Publish again what this build can read by now; return how many events that were.

        Every group that could not read an event left a letter of it; one of them returns.
        """
        revived, seen = 0, set[str]()
        async for page in self._pages(event_type):
            args: list[bytes] = []
            for entry, raw in page:
                event_id = _id_if_known(raw)
                if event_id is not None:
                    args += (entry, b"" if event_id in seen else raw)
                    seen.add(event_id)
            if args:
                async with self._link.asking("return dead letters"):
                    revived += await self._revive(
                        (stream_of(event_type), dead_of(event_type)), args
                    )
        return revived

    async def _pages(self, event_type: str) -> AsyncIterator[list[tuple[bytes, bytes]]]:
        after = b"-"
        while True:
            async with self._link.asking("read the dead letters") as redis:
                rows: Any = await redis.xrange(dead_of(event_type), after, count=_PAGE)
            if not rows:
                return
            waiting = ((entry, _as_dict(row)) for entry, row in rows)
            yield [(entry, of[b"event"]) for entry, of in waiting if of[b"waits"] == b"1"]
            after = b"(" + rows[-1][0]


def _as_dict(row: Sequence[bytes]) -> dict[bytes, bytes]:
    return dict(zip(row[::2], row[1::2], strict=True))


def _kept_part(raw: bytes) -> bytes:
    return raw if len(raw) <= MAX_EVENT_BYTES else raw[:_KEPT_OF_OVERLONG]


def _id_if_known(raw: bytes) -> str | None:
    try:
        return decode(raw).id
    except DataError:
        return None
