"""The tables in one SQLite file, which the command line may open beside the service.

A `Name` is written once, in ``names``, and stands for a small number everywhere else; the view
``<table>_named`` shows a table with its names.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from threading import Lock
from typing import Any, Self, TypeVar

import msgspec

from market_scraper.errors import StorageBusyError, StorageError
from market_scraper.storage import statements
from market_scraper.storage.repository import NOWHERE, Repository, Where
from market_scraper.storage.tables import TABLES, TIME, Kind, R, Table

PATIENCE_SECONDS = 10.0
"""How long another program may hold the file."""

_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_SUBJECTS_AT_ONCE = 256
_NO_NUMBER = -1

T = TypeVar("T")


class SqliteRepository(Repository):
    """See `Repository`. Statements run in threads, one writes and one reads at a time.

    Parameters
    ----------
    writer, reader
        Two connections to one database with the schema in it, so that nobody who reads waits for
        a batch to be written; `open` makes them.
    """

    def __init__(self, writer: sqlite3.Connection, reader: sqlite3.Connection) -> None:
        self._writer = _Turns(writer)
        self._reader = _Turns(reader)
        self._names = _Names()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open or create the database at `path`.

        Raises
        ------
        StorageError
            If `path` cannot be written, is no database, or belongs to a newer build.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            writer = _connected(path)
        except (OSError, sqlite3.Error) as e:
            raise _unusable(path, e) from e
        try:
            _prepare(writer, path)
            return cls(writer, _connected(path))
        except sqlite3.Error as e:
            writer.close()
            raise _unusable(path, e) from e
        except StorageError:
            writer.close()
            raise

    async def save(self, table: Table[R], rows: Sequence[R]) -> None:
        """Write `rows` in one transaction."""
        if rows:
            encoded = await self._encoded(table, rows)
            await self._writer.run(statements.upsert(table), encoded)

    async def replace(self, table: Table[R], rows: Sequence[R]) -> None:
        """Keep `rows` alone."""
        encoded = await self._encoded(table, rows)

        def work(db: sqlite3.Connection) -> None:
            db.execute(f"DELETE FROM {table.name}")  # noqa: S608 -- a name of ours
            db.executemany(statements.upsert(table), encoded)

        await self._writer.do(work)

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
        """Return rows in the order of their keys."""
        kinds = {column.name: column.kind for column in table.columns}
        given = [(f"{name} = ?", name, value) for name, value in where.items()]
        given += [(f"{TIME} >= ?", TIME, since_ms)] if since_ms is not None else []
        given += [(f"{TIME} < ?", TIME, until_ms)] if until_ms is not None else []
        text = statements.select(table, [text for text, _, _ in given], newest_first=newest_first)

        def work(db: sqlite3.Connection) -> list[R]:
            values = [self._names.plain(db, kinds[name], value) for _, name, value in given]
            found = db.execute(text, (*values, -1 if limit is None else limit))
            return list(self._names.rows(db, table, found))

        return await self._reader.do(work)

    async def latest(self, table: Table[R], until_ms: int) -> list[R]:
        """Return the newest row of every subject."""
        return await self._reader.do(
            lambda db: list(
                self._names.rows(db, table, db.execute(statements.latest(table), (until_ms,)))
            )
        )

    async def remove(self, table: Table[R], rows: Sequence[R]) -> None:
        """Forget `rows`."""
        kinds = {column.name: column.kind for column in table.columns}

        def work(db: sqlite3.Connection) -> None:
            keys = [
                [
                    self._names.plain(db, kinds[part], value)
                    for part, value in zip(table.key, table.key_of(row), strict=True)
                ]
                for row in rows
            ]
            db.executemany(statements.delete(table), keys)

        await self._writer.do(work)

    async def thin(self, table: Table[R], before_ms: int, bucket_ms: int | None) -> int:
        """Drop what is superseded, some subjects at a time so that others get their turn."""
        dropped = 0
        bounds = {"before": before_ms, "bucket": bucket_ms or statements.FOREVER_MS}
        for low, high in await self._ranges(table):
            values = bounds | {"low": low, "high": high}
            dropped += await self._writer.do(lambda db, v=values: _dropped(db, table, v))  # type: ignore[misc]  # a lambda's default
        return dropped

    async def ping(self) -> None:
        """Ask the database for its version."""
        await self._reader.do(lambda db: db.execute("PRAGMA user_version").fetchall())

    async def close(self) -> None:
        """Close the database."""
        await asyncio.to_thread(self._reader.connection.close)
        await asyncio.to_thread(self._writer.connection.close)

    async def _encoded(self, table: Table[R], rows: Sequence[R]) -> list[list[Any]]:
        """Return `rows` as SQLite takes them, once every name in them has a number."""
        fresh = self._names.unknown(table, rows)
        if fresh:
            await self._writer.do(lambda db: self._names.add(db, fresh))
        kinds = [column.kind for column in table.columns]
        return [
            [
                self._names.plain(None, kind, value)
                for kind, value in zip(kinds, msgspec.structs.astuple(row), strict=True)
            ]
            for row in rows
        ]

    async def _ranges(self, table: Table[R]) -> list[tuple[int, int]]:
        """Return the ranges of the key's first part to go through one after the other."""
        if not table.subject:
            return [(0, statements.FOREVER_MS)]
        last = await self._reader.do(
            lambda db: db.execute("SELECT max(id) FROM names").fetchone()[0] or 0
        )
        lows = range(0, last + 1, _SUBJECTS_AT_ONCE)
        return [(low, low + _SUBJECTS_AT_ONCE) for low in lows]


@dataclass(frozen=True, slots=True)
class _Turns:
    """A connection and who may use it: one piece of work at a time, each a transaction."""

    connection: sqlite3.Connection
    lock: Lock = field(default_factory=Lock)

    async def run(self, statement: str, parameters: Sequence[Sequence[Any]]) -> None:
        """Execute `statement` with each of `parameters`."""

        def work(db: sqlite3.Connection) -> None:
            db.executemany(statement, parameters)

        await self.do(work)

    async def do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `work` returns, which must not be a cursor.

        A cursor that is dropped resets its statement, and would do so beside the next one's turn.
        """

        def locked() -> T:
            with self.lock, self.connection:
                return work(self.connection)

        try:
            return await asyncio.to_thread(locked)
        except sqlite3.Error as e:
            if getattr(e, "sqlite_errorcode", None) in _BUSY:
                raise StorageBusyError(f"the database is busy: {e}") from e
            raise StorageError(f"the database refused: {e}; is its disk full?") from e


@dataclass(slots=True)
class _Names:
    """Which number stands for which name. Numbers only grow, whoever else writes them."""

    ids: dict[str, int] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    newest: int = 0

    def unknown(self, table: Table[Any], rows: Iterable[Any]) -> list[str]:
        """Return the names in `rows` that have no number we know."""
        fields = [column.name for column in table.columns if column.kind == "name"]
        met = {getattr(row, name) for row in rows for name in fields} - {None}
        return sorted(name for name in met if name not in self.ids)

    def add(self, db: sqlite3.Connection, names: Sequence[str]) -> None:
        """Give `names` numbers."""
        db.executemany("INSERT OR IGNORE INTO names (name) VALUES (?)", [(n,) for n in names])
        db.commit()
        self._learn(db)

    def plain(self, db: sqlite3.Connection | None, kind: Kind, value: Any) -> Any:
        """Return `value` as SQLite takes it; a name without a number as one that no row has."""
        if value is None or kind in {"text", "whole", "flag"}:
            return value
        if kind == "number":
            return str(value)
        if value not in self.ids and db is not None:
            self._learn(db)
        return self.ids.get(value, _NO_NUMBER)

    def rows(
        self, db: sqlite3.Connection, table: Table[R], found: Iterable[Sequence[Any]]
    ) -> Iterator[R]:
        """Yield rows of `table` as they were given."""
        meanings: Mapping[Kind, Callable[[Any], Any]] = {
            "name": self.names.__getitem__,
            "number": Decimal,
            "flag": bool,
        }
        readers = [meanings.get(column.kind, _same) for column in table.columns]
        fetched = list(found)
        self._learn(db)
        for values in fetched:
            yield table.row(
                *(
                    None if value is None else read(value)
                    for read, value in zip(readers, values, strict=True)
                )
            )

    def _learn(self, db: sqlite3.Connection) -> None:
        for number, name in db.execute("SELECT id, name FROM names WHERE id > ?", (self.newest,)):
            self.ids[name], self.names[number] = number, name
            self.newest = max(self.newest, number)


def _same(value: T) -> T:
    return value


def _dropped(db: sqlite3.Connection, table: Table[Any], values: Mapping[str, int]) -> int:
    return db.execute(statements.thin(table), values).rowcount


def _connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, check_same_thread=False, timeout=PATIENCE_SECONDS)


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    with closing(connection.execute("PRAGMA user_version")) as cursor:
        version = cursor.fetchone()[0]
    if version > statements.VERSION:
        raise StorageError(f"{path} was written by a newer version: upgrade, or use another file")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    if version == 1:
        connection.executescript(statements.FROM_1)
    connection.executescript(statements.schema(TABLES))


def _unusable(path: Path, error: Exception) -> StorageError:
    return StorageError(
        f"cannot keep the database at {path} ({error}): set MARKET_SCRAPER_STORAGE_URL to a path"
        " that can be written, such as sqlite:///var/market-scraper.db"
    )
