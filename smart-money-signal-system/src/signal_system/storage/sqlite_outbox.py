"""How far each receiver was told, and what became of it, in the store's SQLite file."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Self

from shared_events.errors import ConfigError
from signal_system.storage.ledger import Delivery
from signal_system.storage.port import Place, StorageError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS receivers (
    name TEXT PRIMARY KEY, position INTEGER NOT NULL, ordinal INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY, receiver TEXT NOT NULL, event_id TEXT NOT NULL, at INTEGER NOT NULL,
    attempt INTEGER NOT NULL, failure TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS deliveries_by_receiver ON deliveries (receiver, id);
"""
_KEPT = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class SqliteOutbox:
    """See `Ledger`. Safe to call from several threads.

    Parameters
    ----------
    connection
        To a database with the schema in it; `open` makes one.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection, self._lock = connection, Lock()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the tables in the database at `path`, which the store made.

        Raises
        ------
        ConfigError
            If it cannot be used.
        """
        try:
            connection = sqlite3.connect(
                path, check_same_thread=False, timeout=10, isolation_level=None
            )
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(_SCHEMA)
        except sqlite3.Error as e:
            raise ConfigError(
                f"cannot use {path} ({e}): set SIGNAL_SYSTEM_DATA_DIR to a folder that this user"
                " may write to"
            ) from e
        return cls(connection)

    def cursor(self, receiver: str) -> Place | None:
        """Return how far `receiver` was told; None if it is new."""
        with self._transaction() as run:
            query = "SELECT position, ordinal FROM receivers WHERE name = ?"
            row = run.execute(query, (receiver,)).fetchone()
        return None if row is None else Place(*row)

    def move(self, receiver: str, place: Place) -> None:
        """Remember that `receiver` was told everything up to `place`."""
        with self._transaction() as run:
            run.execute("REPLACE INTO receivers VALUES (?, ?, ?)", (receiver, *place))

    def note(self, receiver: str, deliveries: Sequence[Delivery]) -> None:
        """Write down what became of `deliveries`; the oldest of all are forgotten."""
        rows = [
            (
                receiver,
                each.event_id,
                (each.at - _EPOCH) // _MILLISECOND,
                each.attempt,
                each.failure,
            )
            for each in deliveries
        ]
        with self._transaction() as run:
            run.executemany(
                "INSERT INTO deliveries (receiver, event_id, at, attempt, failure)"
                " VALUES (?, ?, ?, ?, ?)",
                rows,
            )
            run.execute(
                "DELETE FROM deliveries WHERE id <= (SELECT max(id) FROM deliveries) - ?", (_KEPT,)
            )

    def deliveries(self, receiver: str, limit: int) -> Sequence[Delivery]:
        """Return what became of the newest attempts to tell `receiver` something, newest first."""
        with self._transaction() as run:
            rows = run.execute(
                "SELECT event_id, at, attempt, failure FROM deliveries WHERE receiver = ?"
                " ORDER BY id DESC LIMIT ?",
                (receiver, limit),
            ).fetchall()
        return [
            Delivery(event_id, _EPOCH + at * _MILLISECOND, attempt, failure)
            for event_id, at, attempt, failure in rows
        ]

    def close(self) -> None:
        """Let go of it."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                with self._connection:
                    yield self._connection
            except sqlite3.Error as e:
                raise StorageError(f"the outbox does not answer: {e}") from e
