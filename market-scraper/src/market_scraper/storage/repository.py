"""What outlives the process. A store knows tables of rows; the scraper's own words are said here once."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from market_scraper.positions.identity import Identity
from market_scraper.positions.roster import Member, Overrides
from market_scraper.storage.tables import (
    CURSORS,
    FOLLOWED,
    IDENTITIES,
    OVERRIDES,
    RELATIONS,
    SEQUENCES,
    TRACKED,
    Cursor,
    Followed,
    Known,
    Override,
    R,
    Related,
    Sequence_,
    Table,
    Tracked,
)
from shared_events.payloads import Role

Where = Mapping[str, str | int]
"""Values that fields of the key must have."""

NOWHERE: Where = {}
_LEADER, _CHILD = "leader", "child"


class Repository(ABC):
    """A durable memory. A method that raises may be called again with the same rows.

    Raises
    ------
    StorageError
        If the store cannot be used.
    StorageBusyError, StorageAwayError
        If it cannot be used right now.
    """

    async def prepare(self) -> None:  # noqa: B027 -- most have nothing to prepare
        """Make ready what the first use needs."""

    @abstractmethod
    async def save(self, table: Table[R], rows: Sequence[R]) -> None:
        """Write `rows`, each in the place of the one with its key."""

    @abstractmethod
    async def replace(self, table: Table[R], rows: Sequence[R]) -> None:
        """Write `rows` and forget every other row of `table`."""

    @abstractmethod
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
        """Return rows, a subject's together and in time order.

        Parameters
        ----------
        since_ms, until_ms
            Of timed tables: the first moment, and the one before which the span ends.
        limit
            How many at most; at least 1.
        """

    @abstractmethod
    async def latest(self, table: Table[R], until_ms: int) -> list[R]:
        """Return the newest row before `until_ms` of every subject of a timed table with one-part subjects."""

    @abstractmethod
    async def remove(self, table: Table[R], rows: Sequence[R]) -> None:
        """Forget the rows with the keys of `rows`."""

    @abstractmethod
    async def thin(self, table: Table[R], before_ms: int, bucket_ms: int | None) -> int:
        """Drop what `superseded` names, and return how many rows that were.

        The newest row of a subject always stays, so nobody is ever dropped.
        """

    @abstractmethod
    async def ping(self) -> None:
        """Return if the store answers."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of the store."""

    async def roster(self) -> Sequence[Member]:
        """Return who was tracked when `replace_roster` was last called, best first."""
        rows = sorted(await self.find(TRACKED), key=lambda row: row.place)
        return [Member(row.address, row.score, row.reason) for row in rows]

    async def replace_roster(self, members: Sequence[Member]) -> None:
        """Remember who is tracked, and nobody else."""
        rows = [Tracked(i, m.address, m.score, m.reason) for i, m in enumerate(members)]
        await self.replace(TRACKED, rows)

    async def overrides(self) -> Overrides:
        """Return what a person added and removed."""
        rows = await self.find(OVERRIDES)
        return Overrides(
            frozenset(row.address for row in rows if row.tracked is True),
            frozenset(row.address for row in rows if row.tracked is False),
        )

    async def override(self, address: str, *, tracked: bool | None) -> None:
        """Let `address` always be tracked, never, or (None) as the leaderboard decides."""
        await self.save(OVERRIDES, [Override(address, tracked)])

    async def followed(self, coins: Iterable[str]) -> list[str]:
        """Return `coins`, and what a person added while the service ran, without what they removed."""
        wishes = {row.coin: row.followed for row in await self.find(FOLLOWED)}
        added = [coin for coin, followed in wishes.items() if followed]
        return [coin for coin in dict.fromkeys([*coins, *added]) if wishes.get(coin, True)]

    async def follow(self, coin: str, *, followed: bool) -> None:
        """Remember that `coin` is to be followed, or not."""
        await self.save(FOLLOWED, [Followed(coin, followed)])

    async def sequences(self) -> Mapping[str, int]:
        """Return the last sequence published for every trader."""
        return {row.address: row.sequence for row in await self.find(SEQUENCES)}

    async def save_sequences(self, sequences: Mapping[str, int]) -> None:
        """Remember `sequences`; one that is lower than what is known is ignored."""
        await self.save(SEQUENCES, [Sequence_(*item) for item in sequences.items()])

    async def identities(self) -> Mapping[str, Identity]:
        """Return what is known of who addresses are."""
        related: dict[str, dict[str, list[str]]] = {}
        for relation in await self.find(RELATIONS):
            kinds = related.setdefault(relation.address, {})
            kinds.setdefault(relation.kind, []).append(relation.other)
        return {
            row.address: Identity(
                cast(Role, row.role),
                row.master,
                leader=next(iter(related.get(row.address, {}).get(_LEADER, [])), None),
                children=tuple(related.get(row.address, {}).get(_CHILD, [])),
            )
            for row in await self.find(IDENTITIES)
        }

    async def save_identity(self, address: str, identity: Identity) -> None:
        """Remember who `address` is."""
        leaders = [identity.leader] if identity.leader else []
        rows = [Related(address, leader, _LEADER) for leader in leaders]
        rows += [Related(address, child, _CHILD) for child in identity.children]
        await self.save(RELATIONS, rows)
        await self.save(IDENTITIES, [Known(address, identity.role, identity.master)])

    async def cursor(self, name: str) -> str | None:
        """Return how far the work called `name` has come; None if it never began."""
        rows = await self.find(CURSORS, {"name": name})
        return rows[0].place if rows else None

    async def save_cursor(self, name: str, place: str) -> None:
        """Remember how far the work called `name` has come."""
        await self.save(CURSORS, [Cursor(name, place)])
