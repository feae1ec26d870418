"""The tables in SQLite's words. Pure: a table in, a statement out.

Every name in a statement is one of ours (what S608 cannot know); every value is a parameter.
"""

from collections.abc import Iterable
from typing import Any

from market_scraper.storage.tables import TIME, Kind, Table

VERSION = 2
FOREVER_MS = 1 << 60
"""A bucket that holds all of time."""

FROM_1 = """
ALTER TABLE roster RENAME TO tracked_traders;
CREATE TABLE changed (address TEXT PRIMARY KEY, tracked INTEGER) STRICT, WITHOUT ROWID;
INSERT INTO changed SELECT address, tracked FROM overrides;
DROP TABLE overrides;
ALTER TABLE changed RENAME TO overrides;
"""
"""What brings a database of the first version to this one."""

_TYPES: dict[Kind, str] = {
    "text": "TEXT",
    "name": "INTEGER",
    "whole": "INTEGER",
    "flag": "INTEGER",
    "number": "TEXT",
}


def schema(tables: Iterable[Table[Any]]) -> str:
    """Return the statements that create what is missing, and the number of the schema."""
    names = "CREATE TABLE IF NOT EXISTS names (id INTEGER PRIMARY KEY, name TEXT UNIQUE) STRICT"
    created = [text for table in tables for text in (_created(table), _named(table))]
    return ";\n".join([names, *created, f"PRAGMA user_version = {VERSION}", ""])


def upsert(table: Table[Any]) -> str:
    """Return what writes one row in the place of the one with its key."""
    columns = [column.name for column in table.columns]
    changes = [_change(table, name) for name in columns if name not in table.key]
    action = f"UPDATE SET {', '.join(changes)}" if changes else "NOTHING"
    return (
        f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608
        f" ON CONFLICT ({', '.join(table.key)}) DO {action}"
    )


def select(table: Table[Any], conditions: Iterable[str], *, newest_first: bool) -> str:
    """Return what reads the rows that meet `conditions`, at most as many as its last parameter."""
    order = ", ".join(table.key) + (" DESC" if newest_first else "")
    return (
        f"SELECT {_columns(table)} FROM {table.name} WHERE {_all(conditions)}"  # noqa: S608
        f" ORDER BY {order} LIMIT ?"
    )


def latest(table: Table[Any]) -> str:
    """Return what reads each name's newest row before a moment: one look into the key a name."""
    (subject,) = table.subject
    return (
        f"SELECT {_columns(table)} FROM names JOIN {table.name} t ON t.{subject} = names.id"  # noqa: S608
        f" AND t.{TIME} = (SELECT max({TIME}) FROM {table.name} WHERE {subject} = names.id"
        f" AND {TIME} < ?)"
    )


def delete(table: Table[Any]) -> str:
    """Return what forgets the row with a key."""
    return f"DELETE FROM {table.name} WHERE {_all(f'{part} = ?' for part in table.key)}"  # noqa: S608


def thin(table: Table[Any]) -> str:
    """Return what drops, of subjects ``:low`` to ``:high``, the rows that `superseded` names."""
    same = [f"later.{part} = old.{part}" for part in table.subject]
    within = f"later.{TIME} < min(:before, (old.{TIME} / :bucket + 1) * :bucket)"
    return (
        f"DELETE FROM {table.name} AS old WHERE {TIME} < :before"  # noqa: S608
        f" AND {table.key[0]} >= :low AND {table.key[0]} < :high AND EXISTS (SELECT 1 FROM"
        f" {table.name} later WHERE {_all([*same, f'later.{TIME} > old.{TIME}', within])})"
    )


def _created(table: Table[Any]) -> str:
    columns = [
        f"{column.name} {_TYPES[column.kind]}{'' if column.optional else ' NOT NULL'}"
        for column in table.columns
    ]
    key = f"PRIMARY KEY ({', '.join(table.key)})"
    return f"CREATE TABLE IF NOT EXISTS {table.name} ({', '.join([*columns, key])}) STRICT, WITHOUT ROWID"


def _named(table: Table[Any]) -> str:
    """Return a view for people, with names instead of numbers."""
    shown = [
        f"(SELECT name FROM names WHERE id = {column.name}) AS {column.name}"  # noqa: S608
        if column.kind == "name"
        else column.name
        for column in table.columns
    ]
    return (
        f"CREATE VIEW IF NOT EXISTS {table.name}_named AS SELECT {', '.join(shown)}"  # noqa: S608
        f" FROM {table.name}"
    )


def _change(table: Table[Any], name: str) -> str:
    return (
        f"{name} = max({name}, excluded.{name})"
        if name in table.growing
        else (f"{name} = excluded.{name}")
    )


def _columns(table: Table[Any]) -> str:
    return ", ".join(f"{column.name}" for column in table.columns)


def _all(conditions: Iterable[str]) -> str:
    return " AND ".join(conditions) or "TRUE"
