"""What every store must do."""

import sqlite3
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from market_scraper.errors import StorageError
from market_scraper.positions.identity import Identity
from market_scraper.positions.roster import Member, Overrides
from market_scraper.storage.memory import MemoryRepository
from market_scraper.storage.repository import Repository
from market_scraper.storage.sqlite import SqliteRepository
from shared_events.testing.factories import an_address

ALICE, BOB = an_address(1), an_address(2)


@pytest.fixture(params=["memory", "sqlite"])
async def repository(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Repository]:
    store: Repository = (
        MemoryRepository()
        if request.param == "memory"
        else SqliteRepository.open(tmp_path / "deep" / "store.db")
    )
    yield store
    await store.close()


async def test_a_new_store_knows_nothing(repository: Repository) -> None:
    await repository.ping()

    assert list(await repository.roster()) == []
    assert await repository.overrides() == Overrides()
    assert await repository.sequences() == {}
    assert await repository.identities() == {}


async def test_the_roster_is_replaced_whole_and_keeps_its_order(repository: Repository) -> None:
    members = [
        Member(BOB, Decimal("71.50"), "leaderboard"),
        Member(ALICE, Decimal(50), "added by hand"),
    ]
    await repository.replace_roster([Member(ALICE, Decimal(1), "leaderboard")])

    await repository.replace_roster(members)

    assert list(await repository.roster()) == members


async def test_a_person_can_change_their_mind(repository: Repository) -> None:
    await repository.override(ALICE, tracked=True)
    await repository.override(BOB, tracked=False)
    await repository.override(ALICE, tracked=False)
    assert await repository.overrides() == Overrides(removed=frozenset({ALICE, BOB}))

    await repository.override(ALICE, tracked=None)
    await repository.override(ALICE, tracked=None)

    assert await repository.overrides() == Overrides(removed=frozenset({BOB}))


async def test_sequences_never_go_back(repository: Repository) -> None:
    await repository.save_sequences({ALICE: 5, BOB: 7})
    await repository.save_sequences({ALICE: 3, BOB: 8})

    assert await repository.sequences() == {ALICE: 5, BOB: 8}


async def test_who_an_address_is_is_remembered(repository: Repository) -> None:
    await repository.save_identity(ALICE, Identity("subAccount", BOB))
    await repository.save_identity(BOB, Identity("user", None))

    assert await repository.identities() == {
        ALICE: Identity("subAccount", BOB),
        BOB: Identity("user", None),
    }


async def test_what_was_saved_outlives_the_process_and_can_be_shared(tmp_path: Path) -> None:
    service = SqliteRepository.open(tmp_path / "store.db")
    command = SqliteRepository.open(tmp_path / "store.db")

    await command.override(ALICE, tracked=True)
    await command.close()

    assert await service.overrides() == Overrides(added=frozenset({ALICE}))
    await service.close()


def test_a_path_that_cannot_be_written_is_told_with_what_to_change(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageError, match="MARKET_SCRAPER_STORAGE_URL"):
        SqliteRepository.open(tmp_path / "file" / "store.db")


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"no database, certainly" * 100)

    with pytest.raises(StorageError, match="not a database"):
        SqliteRepository.open(tmp_path / "store.db")


def test_a_database_of_a_newer_build_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "store.db") as newer:
        newer.execute("PRAGMA user_version = 99")
    newer.close()

    with pytest.raises(StorageError, match="newer version"):
        SqliteRepository.open(tmp_path / "store.db")
