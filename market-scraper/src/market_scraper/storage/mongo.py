"""The tables as collections of a MongoDB: one document a row. The only module that names the driver.

A document has the row's fields by their names; exact numbers are strings, because not every server
that speaks MongoDB's protocol knows its decimal type. The key's fields have a unique index.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from itertools import islice
from typing import Any

import msgspec
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection
from pymongo import ASCENDING, DESCENDING, DeleteOne, UpdateOne
from pymongo.errors import (
    AutoReconnect,
    ConfigurationError,
    ConnectionFailure,
    InvalidURI,
    PyMongoError,
    WTimeoutError,
)

from market_scraper.errors import StorageAwayError, StorageError
from market_scraper.storage.repository import NOWHERE, Repository, Where
from market_scraper.storage.tables import TABLES, TIME, Kind, R, Table, superseded

DATABASE = "market_scraper"
"""Used if the URL names none."""

_PATIENCE_MS = 1_500
_ANSWER_MS = 20_000
_AT_ONCE = 1_000
_NO_ID: Mapping[str, int] = {"_id": 0}

_MEANINGS: Mapping[Kind, Callable[[Any], Any]] = {
    "text": str,
    "name": str,
    "whole": int,
    "flag": bool,
    "number": Decimal,
}

_Document = dict[str, Any]


class MongoRepository(Repository):
    """See `Repository`. Nothing is sent before the first call; `prepare` makes the indexes.

    Parameters
    ----------
    url
        ``mongodb://`` or ``mongodb+srv://``, with credentials if need be.

    Raises
    ------
    StorageError
        If `url` cannot be one.
    """

    def __init__(self, url: str) -> None:
        with _told_apart():
            self._client: AsyncIOMotorClient[_Document] = AsyncIOMotorClient(
                url,
                serverSelectionTimeoutMS=_PATIENCE_MS,
                connectTimeoutMS=_PATIENCE_MS,
                socketTimeoutMS=_ANSWER_MS,
                appname="market-scraper",
            )
            self._database = self._client.get_default_database(DATABASE)

    async def prepare(self) -> None:
        """Make the indexes that are missing."""
        with _told_apart():
            for table in TABLES:
                key = [(part, ASCENDING) for part in table.key]
                await self._of(table).create_index(key, unique=True)

    async def save(self, table: Table[R], rows: Sequence[R]) -> None:
        """Write `rows`, many in one request."""
        await self._write(table, [_upsert(table, row) for row in rows])

    async def replace(self, table: Table[R], rows: Sequence[R]) -> None:
        """Write `rows`, then forget the others; in between both are there."""
        await self.save(table, rows)
        (part,) = table.key
        staying = [getattr(row, part) for row in rows]
        with _told_apart():
            await self._of(table).delete_many({part: {"$nin": staying}})

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
        order = [(part, ASCENDING) for part in table.key]
        if newest_first:
            order[-1] = (table.key[-1], DESCENDING)
        condition = {**where, **_within(since_ms, until_ms)}
        with _told_apart():
            found = self._of(table).find(condition, _NO_ID).sort(order)
            documents = await (found if limit is None else found.limit(limit)).to_list(None)
        return [_row(table, document) for document in documents]

    async def latest(self, table: Table[R], until_ms: int) -> list[R]:
        """Return the newest row of every subject."""
        (subject,) = table.subject
        steps: list[_Document] = [
            {"$match": _within(None, until_ms)},
            {"$sort": {subject: ASCENDING, TIME: ASCENDING}},
            {"$group": {"_id": f"${subject}", "row": {"$last": "$$ROOT"}}},
        ]
        with _told_apart():
            groups = await self._of(table).aggregate(steps, allowDiskUse=True).to_list(None)
        return [_row(table, group["row"]) for group in groups]

    async def remove(self, table: Table[R], rows: Sequence[R]) -> None:
        """Forget `rows`."""
        await self._write(table, [DeleteOne(_key(table, row)) for row in rows])

    async def thin(self, table: Table[R], before_ms: int, bucket_ms: int | None) -> int:
        """Drop what is superseded, one value of the key's first part after the other."""
        firsts: list[Any] = [None]
        with _told_apart():
            if table.subject:
                firsts = await self._of(table).distinct(table.key[0], _within(None, before_ms))
        return sum([await self._thin(table, first, before_ms, bucket_ms) for first in firsts])

    async def ping(self) -> None:
        """Ask the server whether it is there."""
        with _told_apart():
            await self._database.command("ping")

    async def close(self) -> None:
        """Close the connections."""
        self._client.close()

    async def _thin(
        self, table: Table[R], first: Any, before_ms: int, bucket_ms: int | None
    ) -> int:
        of_first = {} if first is None else {table.key[0]: first}
        order = [(part, ASCENDING) for part in table.key]
        with _told_apart():
            found = self._of(table).find(
                of_first | _within(None, before_ms), dict.fromkeys(table.key, 1)
            )
            documents = await found.sort(order).to_list(None)
            ids = {tuple(d[part] for part in table.key): d["_id"] for d in documents}
            dropped = [ids[key] for key in superseded(list(ids), before_ms, bucket_ms)]
            for some in _batches(dropped):
                await self._of(table).delete_many({"_id": {"$in": some}})
        return len(dropped)

    async def _write(self, table: Table[R], changes: Sequence[UpdateOne | DeleteOne]) -> None:
        with _told_apart():
            for some in _batches(changes):
                await self._of(table).bulk_write(some, ordered=False)

    def _of(self, table: Table[Any]) -> "AsyncIOMotorCollection[_Document]":
        return self._database[table.name]


def _upsert(table: Table[R], row: R) -> UpdateOne:
    fields = {
        name: str(value) if isinstance(value, Decimal) else value
        for name, value in msgspec.structs.asdict(row).items()
        if name not in table.key
    }
    grown = {name: fields.pop(name) for name in table.growing}
    changes = {"$set": fields, "$max": grown}
    return UpdateOne(
        _key(table, row), {word: what for word, what in changes.items() if what}, upsert=True
    )


def _key(table: Table[R], row: R) -> _Document:
    return dict(zip(table.key, table.key_of(row), strict=True))


def _row(table: Table[R], document: Mapping[str, Any]) -> R:
    values = ((column, document.get(column.name)) for column in table.columns)
    return table.row(
        *(None if value is None else _MEANINGS[column.kind](value) for column, value in values)
    )


def _within(since_ms: int | None, until_ms: int | None) -> _Document:
    bounds = {"$gte": since_ms, "$lt": until_ms}
    given = {word: ms for word, ms in bounds.items() if ms is not None}
    return {TIME: given} if given else {}


def _batches(items: Sequence[Any]) -> Iterator[list[Any]]:
    rest = iter(items)
    while some := list(islice(rest, _AT_ONCE)):
        yield some


@contextmanager
def _told_apart() -> Iterator[None]:
    """Turn the driver's errors into ours, by whether the server is away or refuses."""
    try:
        yield
    except (InvalidURI, ConfigurationError, ValueError) as e:
        raise StorageError(
            "MARKET_SCRAPER_STORAGE_URL is no MongoDB URL: set it to one such as"
            " mongodb://127.0.0.1:27017/market_scraper, with / : @ % in a password written as"
            " %2F %3A %40 %25"
        ) from e
    except (AutoReconnect, ConnectionFailure, WTimeoutError) as e:
        raise StorageAwayError(f"MongoDB does not answer: {str(e)[:200]}") from e
    except PyMongoError as e:
        raise StorageError(f"MongoDB refused: {str(e)[:300]}") from e
