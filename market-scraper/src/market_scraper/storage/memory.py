"""A store that forgets with the process."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

from market_scraper.storage.repository import NOWHERE, Repository, Where
from market_scraper.storage.tables import TIME, R, Table, superseded

_Rows = dict[tuple[Any, ...], Any]


class MemoryRepository(Repository):
    """See `Repository`."""

    def __init__(self) -> None:
        self._tables: dict[str, _Rows] = {}

    async def save(self, table: Table[R], rows: Sequence[R]) -> None:
        """Write `rows`."""
        kept = self._rows(table)
        for row in rows:
            key = table.key_of(row)
            kept[key] = table.merged(kept.get(key), row)

    async def replace(self, table: Table[R], rows: Sequence[R]) -> None:
        """Keep `rows` alone."""
        self._tables[table.name] = {table.key_of(row): row for row in rows}

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
        chosen = (
            (key, row)
            for key, row in self._rows(table).items()
            if all(getattr(row, name) == value for name, value in where.items())
            and (since_ms is None or getattr(row, TIME) >= since_ms)
            and (until_ms is None or getattr(row, TIME) < until_ms)
        )
        sign = -1 if newest_first else 1
        order = sorted(
            chosen,
            key=lambda item: (item[0][:-1], sign * item[0][-1]) if table.timed else item[0],
        )
        return [row for _, row in islice(order, limit)]

    async def latest(self, table: Table[R], until_ms: int) -> list[R]:
        """Return the newest row of every subject."""
        rows = await self.find(table, until_ms=until_ms)
        return list({table.key_of(row)[:-1]: row for row in rows}.values())

    async def remove(self, table: Table[R], rows: Sequence[R]) -> None:
        """Forget `rows`."""
        for row in rows:
            self._rows(table).pop(table.key_of(row), None)

    async def thin(self, table: Table[R], before_ms: int, bucket_ms: int | None) -> int:
        """Drop what is superseded."""
        kept = self._rows(table)
        dropped = superseded(sorted(kept), before_ms, bucket_ms)
        for key in dropped:
            del kept[key]
        return len(dropped)

    async def ping(self) -> None:
        """Memory always answers."""

    async def close(self) -> None:
        """Nothing to let go of."""

    def _rows(self, table: Table[R]) -> _Rows:
        return self._tables.setdefault(table.name, {})
