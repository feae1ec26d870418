"""A real server that comes and goes, and the file beside it."""

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from market_scraper.errors import StorageAwayError
from market_scraper.positions.roster import Member, Overrides
from market_scraper.storage.failover import AGAIN_SECONDS, FailoverRepository
from market_scraper.storage.memory import MemoryRepository
from market_scraper.storage.mongo import MongoRepository
from market_scraper.storage.repository import NOWHERE, Repository, Where
from market_scraper.storage.sqlite import SqliteRepository
from market_scraper.storage.tables import POSITIONS, HeldRow, R, Table
from shared_events.runtime.clock import ManualClock
from shared_events.testing.factories import an_address

ALICE, BOB, CAROL = an_address(1), an_address(2), an_address(3)
MEMBERS = [Member(BOB, Decimal(70), "leaderboard"), Member(ALICE, Decimal(60), "leaderboard")]


def held(at_ms: int) -> HeldRow:
    return HeldRow(ALICE, "BTC", at_ms, Decimal("1.5"), "anchored")


class Fickle(MemoryRepository):
    """A server that can be away."""

    away = False

    async def prepare(self) -> None:
        await self.ping()

    rows_until_it_goes: float = float("inf")

    async def save(self, table: Table[R], rows: Sequence[R]) -> None:
        if table is POSITIONS:
            self.rows_until_it_goes -= len(rows)
            self.away |= self.rows_until_it_goes < 0
        await self.ping()
        await super().save(table, rows)

    async def find(self, table: Table[R], where: Where = NOWHERE, **bounds: Any) -> list[R]:
        await self.ping()
        return await super().find(table, where, **bounds)

    async def ping(self) -> None:
        if self.away:
            raise StorageAwayError("the server is away")


@pytest.fixture
async def file(tmp_path: Path) -> AsyncIterator[Repository]:
    store = SqliteRepository.open(tmp_path / "standby.db")
    yield store
    await store.close()


async def test_a_start_without_the_server_goes_on_with_the_file_and_says_so(
    file: Repository, clock: ManualClock, own_wire_server: Any
) -> None:
    server = MongoRepository(own_wire_server.url)
    store = FailoverRepository(server, file, clock)
    await store.prepare()
    await store.save(POSITIONS, [held(n) for n in range(1_200)])
    await store.override(CAROL, tracked=True)
    await store.replace_roster(MEMBERS)
    with pytest.raises(StorageAwayError, match="running on the SQLite file"):
        await store.ping()

    own_wire_server.start()
    await store.save(POSITIONS, [held(1_300)])
    assert await server.find(POSITIONS) == [], "the server is not tried again at once"
    clock.advance(AGAIN_SECONDS)
    await store.save(POSITIONS, [held(1_301)])

    await store.ping()
    assert [row.at_ms for row in await server.find(POSITIONS)] == [*range(1_200), 1_300, 1_301]
    assert await server.overrides() == Overrides(added=frozenset({CAROL}))
    assert await server.roster() == MEMBERS
    assert await file.find(POSITIONS) == []
    await server.close()


async def test_a_server_lost_in_the_middle_loses_nothing(
    file: Repository, clock: ManualClock
) -> None:
    server = Fickle()
    store = FailoverRepository(server, file, clock)
    await store.prepare()
    await store.save(POSITIONS, [held(1)])
    await store.override(ALICE, tracked=True)

    server.away = True
    await store.save(POSITIONS, [held(2)])
    await store.override(ALICE, tracked=None)
    await store.override(BOB, tracked=False)
    assert await store.find(POSITIONS) == [held(2)], "what the file has"
    assert await store.overrides() == Overrides(removed=frozenset({BOB}))

    server.away = False
    clock.advance(AGAIN_SECONDS)
    await store.save(POSITIONS, [held(3)])

    assert await store.find(POSITIONS) == [held(1), held(2), held(3)]
    assert await server.overrides() == Overrides(removed=frozenset({BOB}))


async def test_what_the_server_knows_is_known_when_it_is_away_at_the_next_start(
    file: Repository, clock: ManualClock
) -> None:
    server = Fickle()
    elsewhere = FailoverRepository(server, MemoryRepository(), clock)
    await elsewhere.prepare()
    await elsewhere.override(CAROL, tracked=True)
    await elsewhere.save_sequences({ALICE: 9})
    await FailoverRepository(server, file, clock).prepare()

    server.away = True
    store = FailoverRepository(server, file, clock)
    await store.prepare()

    assert await store.overrides() == Overrides(added=frozenset({CAROL}))
    assert await store.sequences() == {ALICE: 9}


async def test_a_lost_file_does_not_undo_what_the_server_knows(
    file: Repository, clock: ManualClock
) -> None:
    server = Fickle()
    await server.replace_roster(MEMBERS)
    await server.override(CAROL, tracked=True)
    await server.save_sequences({ALICE: 9})
    server.away = True
    store = FailoverRepository(server, file, clock)
    await store.prepare()
    await store.save_sequences({ALICE: 5, BOB: 1})

    server.away = False
    clock.advance(AGAIN_SECONDS)
    await store.save_sequences({BOB: 2})

    assert await server.roster() == MEMBERS
    assert await server.overrides() == Overrides(added=frozenset({CAROL}))
    assert await server.sequences() == {ALICE: 9, BOB: 2}


async def test_a_copy_that_breaks_off_is_completed_later(
    file: Repository, clock: ManualClock
) -> None:
    server = Fickle()
    server.away = True
    store = FailoverRepository(server, file, clock)
    await store.prepare()
    await store.save(POSITIONS, [held(n) for n in range(1_500)])

    server.away, server.rows_until_it_goes = False, 1_200
    clock.advance(AGAIN_SECONDS)
    await store.save(POSITIONS, [held(1_500)])
    with pytest.raises(StorageAwayError):
        await store.ping()

    server.away, server.rows_until_it_goes = False, float("inf")
    clock.advance(AGAIN_SECONDS)
    await store.save(POSITIONS, [held(1_501)])

    assert [row.at_ms for row in await server.find(POSITIONS)] == list(range(1_502))
