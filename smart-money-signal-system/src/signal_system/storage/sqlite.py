"""The store in one SQLite file: snapshot, bars, issued events, publishing cursor."""

import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any, Self

from shared_events.errors import ConfigError
from signal_system.storage.port import (
    ALERT,
    BEFORE_ALL,
    TURN,
    Checkpoint,
    Entry,
    KeptBar,
    KeptForecast,
    Place,
    StorageError,
)

VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS snapshot (
    id INTEGER PRIMARY KEY CHECK (id = 1), position INTEGER NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS published (
    id INTEGER PRIMARY KEY CHECK (id = 1), position INTEGER NOT NULL, ordinal INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS issued (
    position INTEGER NOT NULL, ordinal INTEGER NOT NULL, at INTEGER NOT NULL,
    coin TEXT, horizon INTEGER, decided_at INTEGER, body BLOB NOT NULL,
    PRIMARY KEY (position, ordinal)
) STRICT;
CREATE TABLE IF NOT EXISTS bars (
    series TEXT NOT NULL, open_ms INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (series, open_ms)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS forecasts (
    number INTEGER PRIMARY KEY, signal_id TEXT NOT NULL UNIQUE, position INTEGER NOT NULL,
    body BLOB NOT NULL, outcome BLOB, outcome_position INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS issued_by_coin ON issued (coin, horizon, decided_at);
CREATE INDEX IF NOT EXISTS issued_by_time ON issued (at);
CREATE INDEX IF NOT EXISTS alerts ON issued (position, ordinal) WHERE horizon = -1;
"""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_FAST = 1  # zlib level: signals shrink to about a third, in some 30 us


class SqliteStore:
    """See `Store`. Safe to call from several threads: writers take turns, and readers among them.

    Parameters
    ----------
    writer, reader
        Two connections to one database with the schema in it, so that nobody who reads waits for
        a transaction to end; `open` makes them.
    """

    def __init__(self, writer: sqlite3.Connection, reader: sqlite3.Connection) -> None:
        self._writer, self._reader = writer, reader
        self._writing, self._reading = Lock(), Lock()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open or create the database at `path`.

        Raises
        ------
        ConfigError
            If `path` cannot be used, is no database of ours, or belongs to a newer build.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            writer = _connected(path)
        except (OSError, sqlite3.Error) as e:
            raise _unusable(path, e) from e
        try:
            _prepare(writer, path)
            store = cls(writer, _connected(path))
            store.published()
        except (sqlite3.Error, StorageError) as e:
            writer.close()
            raise _unusable(path, e) from e
        except ConfigError:
            writer.close()
            raise
        return store

    def snapshot(self) -> bytes | None:
        """Return the newest snapshot; None if there is none."""
        row = self._row("SELECT body FROM snapshot")
        try:
            return None if row is None else zlib.decompress(row[0])
        except zlib.error as e:
            raise StorageError(f"the snapshot is damaged: {e}") from e

    def series(self) -> Sequence[str]:
        """Return whose bars are kept with the newest snapshot."""
        return [row[0] for row in self._rows("SELECT DISTINCT series FROM bars ORDER BY series")]

    def bars(self, series: str) -> Sequence[bytes]:
        """Return the bars of a series in their order."""
        query = "SELECT body FROM bars WHERE series = ? ORDER BY open_ms"
        return [row[0] for row in self._rows(query, (series,))]

    def published(self) -> Place:
        """Return the place of the last event that the bus is known to have taken."""
        row = self._row("SELECT position, ordinal FROM published")
        return BEFORE_ALL if row is None else Place(*row)

    def commit(self, checkpoint: Checkpoint) -> None:
        """Keep `checkpoint`, whole or not at all; entries that are there already stay."""
        body = zlib.compress(checkpoint.snapshot, _FAST)
        rows = [_row_of(entry) for entry in checkpoint.entries]
        with self._transaction() as run:
            run.executemany("INSERT OR IGNORE INTO issued VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            _keep_scored(run, checkpoint.entries)
            run.execute("REPLACE INTO snapshot VALUES (1, ?, ?)", (checkpoint.position, body))
            run.execute("REPLACE INTO published VALUES (1, ?, ?)", checkpoint.published)
            _keep_bars(run, checkpoint.bars)

    def forget_from(self, position: int) -> None:
        """Drop the snapshot and every event from journal position `position` on."""
        with self._transaction() as run:
            run.execute("DELETE FROM snapshot")
            run.execute("DELETE FROM bars")
            run.execute("DELETE FROM issued WHERE position >= ?", (position,))
            run.execute("DELETE FROM forecasts WHERE position >= ?", (position,))
            run.execute(
                "UPDATE forecasts SET outcome = NULL, outcome_position = NULL"
                " WHERE outcome_position >= ?",
                (position,),
            )
            run.execute("DELETE FROM published WHERE position >= ?", (position,))

    def forget_before(self, moment: datetime, limit: int) -> int:
        """Drop up to `limit` events issued before `moment`, turns and alerts apart; return how many."""
        with self._transaction() as run:
            return run.execute(
                "DELETE FROM issued WHERE rowid IN"
                " (SELECT rowid FROM issued WHERE at < ? AND horizon IS NOT ? AND horizon IS NOT ?"
                " ORDER BY at LIMIT ?)",
                (_milliseconds(moment), TURN, ALERT, limit),
            ).rowcount

    def after(self, place: Place, limit: int) -> Sequence[tuple[Place, bytes]]:
        """Return up to `limit` issued events that come after `place`, in order."""
        rows = self._rows(
            "SELECT position, ordinal, body FROM issued WHERE (position, ordinal) > (?, ?)"
            " ORDER BY position, ordinal LIMIT ?",
            (*place, limit),
        )
        return [(Place(row[0], row[1]), zlib.decompress(row[2])) for row in rows]

    def history(
        self, coin: str, horizon_seconds: int, *, limit: int, before: int | None
    ) -> Sequence[bytes]:
        """Return a coin's issued signals, newest first, from before journal position `before`."""
        rows = self._rows(
            "SELECT body FROM issued WHERE coin = ? AND horizon = ? AND decided_at < ?"
            " ORDER BY decided_at DESC LIMIT ?",
            (coin, horizon_seconds, before if before is not None else 2**63 - 1, limit),
        )
        return [zlib.decompress(row[0]) for row in rows]

    def alerts(self, before: Place, limit: int) -> Sequence[tuple[Place, bytes]]:
        """Return up to `limit` alerts that come before `before`, newest first."""
        rows = self._rows(
            "SELECT position, ordinal, body FROM issued"
            " WHERE horizon = -1 AND (position, ordinal) < (?, ?)"
            " ORDER BY position DESC, ordinal DESC LIMIT ?",
            (*before, limit),
        )
        return [(Place(row[0], row[1]), zlib.decompress(row[2])) for row in rows]

    def forecasts(self, number: int, limit: int) -> Sequence[KeptForecast]:
        """Return up to `limit` forecasts from `number` on, in order; they are kept for ever."""
        rows = self._rows(
            "SELECT number, signal_id, body, outcome FROM forecasts WHERE number >= ?"
            " ORDER BY number LIMIT ?",
            (number, limit),
        )
        return [
            KeptForecast(
                row[0], row[1], zlib.decompress(row[2]), row[3] and zlib.decompress(row[3])
            )
            for row in rows
        ]

    def ping(self) -> None:
        """Return if the store answers."""
        self._row("SELECT 1")

    def close(self) -> None:
        """Let go of it."""
        with self._writing, self._reading:
            self._reader.close()
            self._writer.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._writing:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                with self._writer:
                    yield self._writer
            except sqlite3.Error as e:
                raise StorageError(f"cannot write to the store: {e}") from e

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._reading:
            try:
                return self._reader.execute(query, values).fetchall()
            except sqlite3.Error as e:
                raise StorageError(f"cannot read from the store: {e}") from e

    def _row(self, query: str) -> tuple[Any, ...] | None:
        rows = self._rows(query)
        return rows[0] if rows else None


def _connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, check_same_thread=False, timeout=10, isolation_level=None)


def _row_of(entry: Entry) -> tuple[Any, ...]:
    body = zlib.compress(entry.raw, _FAST)
    about = entry.signal or (None, None, None)
    return (*entry.place, _milliseconds(entry.at), *about, body)


def _keep_scored(run: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    """Keep forecasts as they were first made, and the first outcome of each."""
    for entry in entries:
        if entry.scored is None:
            continue
        body = zlib.compress(entry.raw, _FAST)
        if entry.scored.number is not None:
            run.execute(
                "INSERT OR IGNORE INTO forecasts VALUES (?, ?, ?, ?, NULL, NULL)",
                (entry.scored.number, entry.scored.signal_id, entry.place.position, body),
            )
        else:
            run.execute(
                "UPDATE forecasts SET outcome = ?, outcome_position = ?"
                " WHERE signal_id = ? AND outcome IS NULL",
                (body, entry.place.position, entry.scored.signal_id),
            )


def _keep_bars(run: sqlite3.Connection, bars: Sequence[KeptBar]) -> None:
    run.executemany(
        "REPLACE INTO bars VALUES (?, ?, ?)", [(bar.series, bar.open_ms, bar.raw) for bar in bars]
    )
    needed = {bar.series: bar.oldest_ms for bar in bars}
    run.executemany("DELETE FROM bars WHERE series = ? AND open_ms < ?", needed.items())


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MILLISECOND


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise ConfigError(
            f"{path} was written by a newer build: install that one, or set "
            "SIGNAL_SYSTEM_DATA_DIR to another folder"
        )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.executescript(_SCHEMA)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _unusable(path: Path, error: Exception) -> ConfigError:
    return ConfigError(
        f"cannot use {path} as the store ({error}): set SIGNAL_SYSTEM_DATA_DIR to a folder that "
        "this user may write to, or move a damaged file away, which the journal makes up for"
    )
