"""The same memory in one SQLite file, which the command line may open beside the service."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from threading import Lock
from typing import Any, Self, TypeVar, cast

from market_scraper.errors import StorageBusyError, StorageError
from market_scraper.positions.identity import Identity
from market_scraper.positions.roster import Member, Overrides
from shared_events.payloads import Role

VERSION = 1
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS roster (
    place INTEGER PRIMARY KEY, address TEXT NOT NULL, score TEXT NOT NULL, reason TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS overrides (
    address TEXT PRIMARY KEY, tracked INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sequences (
    address TEXT PRIMARY KEY, sequence INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS identities (
    address TEXT PRIMARY KEY, role TEXT NOT NULL, master TEXT
) STRICT, WITHOUT ROWID;
"""

T = TypeVar("T")


class SqliteRepository:
    """See `Repository`. Statements run in a thread, one at a time; `open` does the I/O.

    Parameters
    ----------
    connection
        An open database with the schema in it.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = Lock()

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
            connection = sqlite3.connect(path, check_same_thread=False, timeout=10)
        except (OSError, sqlite3.Error) as e:
            raise _unusable(path, e) from e
        try:
            _prepare(connection, path)
        except sqlite3.Error as e:
            connection.close()
            raise _unusable(path, e) from e
        except StorageError:
            connection.close()
            raise
        return cls(connection)

    async def roster(self) -> Sequence[Member]:
        """Return who was tracked, best first."""
        rows = await self._query("SELECT address, score, reason FROM roster ORDER BY place")
        return [Member(address, Decimal(score), reason) for address, score, reason in rows]

    async def replace_roster(self, members: Sequence[Member]) -> None:
        """Remember who is tracked."""
        rows = [(i, m.address, str(m.score), m.reason) for i, m in enumerate(members)]

        def replace(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM roster")
            connection.executemany("INSERT INTO roster VALUES (?, ?, ?, ?)", rows)

        await self._do(replace)

    async def overrides(self) -> Overrides:
        """Return what a person added and removed."""
        rows = await self._query("SELECT address, tracked FROM overrides")
        return Overrides(
            frozenset(address for address, tracked in rows if tracked),
            frozenset(address for address, tracked in rows if not tracked),
        )

    async def override(self, address: str, *, tracked: bool | None) -> None:
        """Set or clear what a person wants for `address`."""
        if tracked is None:
            await self._write("DELETE FROM overrides WHERE address = ?", [(address,)])
        else:
            await self._write("REPLACE INTO overrides VALUES (?, ?)", [(address, int(tracked))])

    async def sequences(self) -> Mapping[str, int]:
        """Return the last sequences."""
        return dict(await self._query("SELECT address, sequence FROM sequences"))

    async def save_sequences(self, sequences: Mapping[str, int]) -> None:
        """Remember the highest sequences."""
        await self._write(
            "INSERT INTO sequences VALUES (?, ?) ON CONFLICT (address)"
            " DO UPDATE SET sequence = max(sequence, excluded.sequence)",
            list(sequences.items()),
        )

    async def identities(self) -> Mapping[str, Identity]:
        """Return who is known."""
        rows = await self._query("SELECT address, role, master FROM identities")
        return {address: Identity(cast(Role, role), master) for address, role, master in rows}

    async def save_identity(self, address: str, identity: Identity) -> None:
        """Remember who `address` is."""
        row = (address, identity.role, identity.master)
        await self._write("REPLACE INTO identities VALUES (?, ?, ?)", [row])

    async def ping(self) -> None:
        """Ask the database for its version."""
        await self._query("PRAGMA user_version")

    async def close(self) -> None:
        """Close the database."""
        await asyncio.to_thread(self._connection.close)

    async def _query(self, statement: str) -> list[Any]:
        return await self._do(lambda connection: connection.execute(statement).fetchall())

    async def _write(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        await self._do(lambda connection: connection.executemany(statement, rows))

    async def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def locked() -> T:
            with self._lock, self._connection:
                return work(self._connection)

        try:
            return await asyncio.to_thread(locked)
        except sqlite3.Error as e:
            if getattr(e, "sqlite_errorcode", None) in _BUSY:
                raise StorageBusyError(f"the database is busy: {e}") from e
            raise StorageError(f"the database refused: {e}; is its disk full?") from e


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    with closing(connection.execute("PRAGMA user_version")) as cursor:
        version = cursor.fetchone()[0]
    if version > VERSION:
        raise StorageError(f"{path} was written by a newer version: upgrade, or use another file")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.executescript(f"{_SCHEMA} PRAGMA user_version = {VERSION};")


def _unusable(path: Path, error: Exception) -> StorageError:
    return StorageError(
        f"cannot keep the database at {path} ({error}): set MARKET_SCRAPER_STORAGE_URL to a path"
        " that can be written, such as sqlite:///var/market-scraper.db"
    )
