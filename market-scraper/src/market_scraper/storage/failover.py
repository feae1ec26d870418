"""A server's database with a file beside it, for the times when the server is away.

Small tables are written to both, so that a start without the server knows whom a person added and
which sequences were used. All else goes to the server, and to the file only while the server does
not answer. Once it does, what the file has and the server has not is copied over.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import structlog

from market_scraper.errors import StorageAwayError
from market_scraper.storage.repository import NOWHERE, Repository, Where
from market_scraper.storage.tables import CURSORS, TABLES, TRACKED, Cursor, R, Table
from shared_events.runtime.clock import Clock

log = structlog.get_logger()

AGAIN_SECONDS = 10.0
_PAGE = 1_000
_UNSENT = Cursor("to be copied to the server", "something")
_STATES: tuple[Table[Any], ...] = tuple(table for table in TABLES if table.state)
_HISTORIES: tuple[Table[Any], ...] = tuple(table for table in TABLES if not table.state)

T = TypeVar("T")


class FailoverRepository(Repository):
    """See `Repository`. That the server is away is said by `ping` alone; everything else goes on.

    Parameters
    ----------
    server
        Used whenever it answers.
    file
        Used meanwhile.
    clock
        Says when to try the server again: a write does, at most every `AGAIN_SECONDS`.
    """

    def __init__(self, server: Repository, file: Repository, clock: Clock) -> None:
        self._server = server
        self._file = file
        self._clock = clock
        self._writing = asyncio.Lock()
        self._away: str | None = "MongoDB was not asked yet"
        self._said = False
        self._try_at = 0.0

    async def prepare(self) -> None:
        """Try the server for the first time."""
        async with self._writing:
            await self._reach()

    async def save(self, table: Table[R], rows: Sequence[R]) -> None:
        """Write `rows`."""
        await self._write(table, lambda store: store.save(table, rows))

    async def replace(self, table: Table[R], rows: Sequence[R]) -> None:
        """Keep `rows` alone."""
        await self._write(table, lambda store: store.replace(table, rows))

    async def remove(self, table: Table[R], rows: Sequence[R]) -> None:
        """Forget `rows`."""
        await self._write(table, lambda store: store.remove(table, rows))

    async def find(
        self,
        table: Table[R],
        where: Where = NOWHERE,
        *,
        since_ms: int | None = None,
        until_ms: int | None = None,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> list[R]:
        """Return rows; while the server is away, those that the file has."""
        return await self._read(
            lambda store: store.find(
                table,
                where,
                since_ms=since_ms,
                until_ms=until_ms,
                newest_first=newest_first,
                limit=limit,
            )
        )

    async def latest(self, table: Table[R], until_ms: int) -> list[R]:
        """Return the newest row of every subject."""
        return await self._read(lambda store: store.latest(table, until_ms))

    async def thin(self, table: Table[R], before_ms: int, bucket_ms: int | None) -> int:
        """Drop what is superseded."""
        return await self._read(lambda store: store.thin(table, before_ms, bucket_ms))

    async def ping(self) -> None:
        """Return if the server answers.

        Raises
        ------
        StorageAwayError
            Saying what is used meanwhile.
        """
        if self._away is None:
            try:
                return await self._server.ping()
            except StorageAwayError as e:
                self._lost(e)
        raise StorageAwayError(
            f"{self._away}; running on the SQLite file, copied over when MongoDB returns"
        )

    async def close(self) -> None:
        """Let go of both."""
        await self._server.close()
        await self._file.close()

    async def _write(self, table: Table[R], work: Callable[[Repository], Awaitable[None]]) -> None:
        async with self._writing:
            if table.state:
                await work(self._file)
            if self._away is not None and self._now() >= self._try_at:
                await self._reach()
            if self._away is None:
                try:
                    return await work(self._server)
                except StorageAwayError as e:
                    self._lost(e)
            await self._file.save(CURSORS, [_UNSENT])
            return None if table.state else await work(self._file)

    async def _read(self, work: Callable[[Repository], Awaitable[T]]) -> T:
        if self._away is None:
            try:
                return await work(self._server)
            except StorageAwayError as e:
                self._lost(e)
        return await work(self._file)

    async def _reach(self) -> None:
        """Go back to the server if it answers, with all that it missed."""
        try:
            await self._server.prepare()
            copied = await self._copy_over()
        except StorageAwayError as e:
            self._lost(e)
            return
        self._away, self._said = None, False
        log.info("mongodb_answers", rows_copied=copied)

    async def _copy_over(self) -> int:
        """Bring server and file together: the news of whoever has some goes to the other."""
        if not await self._file.find(CURSORS, {"name": _UNSENT.name}):
            for table in _STATES:
                await self._file.replace(table, await self._server.find(table))
            return 0
        copied = 0
        for table in _STATES:
            rows = [row for row in await self._file.find(table) if row != _UNSENT]
            write = self._server.replace if table is TRACKED and rows else self._server.save
            await write(table, rows)
            copied += len(rows)
        for table in _HISTORIES:
            while rows := await self._file.find(table, limit=_PAGE):
                await self._server.save(table, rows)
                await self._file.remove(table, rows)
                copied += len(rows)
        await self._file.remove(CURSORS, [_UNSENT])
        return copied

    def _lost(self, error: StorageAwayError) -> None:
        self._away, self._try_at = str(error), self._now() + AGAIN_SECONDS
        if not self._said:
            self._said = True
            log.error("mongodb_away", reason=str(error), using="the SQLite file")

    def _now(self) -> float:
        return self._clock.now().timestamp()
