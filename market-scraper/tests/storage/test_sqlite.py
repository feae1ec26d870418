"""What is peculiar to the file: two programs at once, and files that cannot be used."""

import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest

from market_scraper.errors import StorageBusyError, StorageError
from market_scraper.positions.roster import Overrides
from market_scraper.storage.sqlite import SqliteRepository
from market_scraper.storage.tables import POSITIONS, HeldRow
from shared_events.testing.factories import an_address

ALICE, BOB = an_address(1), an_address(2)


def held(address: str, at_ms: int = 1) -> HeldRow:
    return HeldRow(address, "BTC", at_ms, Decimal("1.5"), "anchored")


async def test_what_was_saved_outlives_the_process_and_can_be_shared(tmp_path: Path) -> None:
    service = SqliteRepository.open(tmp_path / "store.db")
    command = SqliteRepository.open(tmp_path / "store.db")

    await command.override(ALICE, tracked=True)
    await command.close()

    assert await service.overrides() == Overrides(added=frozenset({ALICE}))
    await service.close()


async def test_two_programs_agree_on_the_numbers_of_names(tmp_path: Path) -> None:
    one = SqliteRepository.open(tmp_path / "store.db")
    other = SqliteRepository.open(tmp_path / "store.db")

    await one.save(POSITIONS, [held(ALICE)])
    await other.save(POSITIONS, [held(BOB)])
    await one.save(POSITIONS, [held(BOB, 2), held(an_address(3))])

    everything = {held(ALICE), held(BOB), held(BOB, 2), held(an_address(3))}
    assert set(await one.find(POSITIONS)) == set(await other.find(POSITIONS)) == everything
    await one.close()
    await other.close()


async def test_a_thousand_small_writes_do_not_get_in_each_other_s_way(tmp_path: Path) -> None:
    store = SqliteRepository.open(tmp_path / "store.db")

    for n in range(1_000):
        await store.save(POSITIONS, [held(an_address(n % 50), n)])

    assert len(await store.find(POSITIONS)) == 1_000
    await store.close()


async def test_people_can_read_the_tables_with_any_tool(tmp_path: Path) -> None:
    store = SqliteRepository.open(tmp_path / "store.db")
    await store.save(POSITIONS, [held(ALICE)])
    await store.close()

    with sqlite3.connect(tmp_path / "store.db") as tool:
        rows = tool.execute("SELECT address, coin, size FROM positions_named").fetchall()
    tool.close()

    assert rows == [(ALICE, "BTC", "1.5")]


async def test_a_database_of_the_first_version_is_taken_over(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "store.db") as old:
        old.executescript(
            "CREATE TABLE roster (place INTEGER PRIMARY KEY, address TEXT NOT NULL,"
            " score TEXT NOT NULL, reason TEXT NOT NULL) STRICT;"
            "CREATE TABLE overrides (address TEXT PRIMARY KEY, tracked INTEGER NOT NULL)"
            " STRICT, WITHOUT ROWID;"
            "CREATE TABLE sequences (address TEXT PRIMARY KEY, sequence INTEGER NOT NULL)"
            " STRICT, WITHOUT ROWID;"
            f"INSERT INTO roster VALUES (0, '{ALICE}', '71.50', 'leaderboard');"
            f"INSERT INTO overrides VALUES ('{ALICE}', 1), ('{BOB}', 0);"
            f"INSERT INTO sequences VALUES ('{ALICE}', 9);"
            "PRAGMA user_version = 1;"
        )
    old.close()

    store = SqliteRepository.open(tmp_path / "store.db")
    await store.override(ALICE, tracked=None)

    assert [member.address for member in await store.roster()] == [ALICE]
    assert await store.overrides() == Overrides(removed=frozenset({BOB}))
    assert await store.sequences() == {ALICE: 9}
    await store.close()


async def test_a_file_that_another_program_holds_is_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("market_scraper.storage.sqlite.PATIENCE_SECONDS", 0.01)
    store = SqliteRepository.open(tmp_path / "store.db")
    other = sqlite3.connect(tmp_path / "store.db")
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StorageBusyError):
        await store.override(ALICE, tracked=True)

    other.close()
    await store.close()


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
