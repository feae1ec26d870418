"""The command against the simulator: what it writes, and what it does the second time."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from market_scraper.storage.sqlite import SqliteRepository
from market_scraper.storage.tables import CANDLES
from shared_events.codec import decode
from shared_events.journal import read


async def call(venue: Any, folder: Path, *words: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "market_scraper", "backfill", *words),
        *("--exchange", venue.url, "--journal", str(folder / "journal"), "--weight-share", "1"),
        env=os.environ | {"MARKET_SCRAPER_STORAGE_URL": f"sqlite:///{folder}/store.db"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def test_the_past_is_asked_for_once_and_then_brought_up_to_date(
    venue: Any, tmp_path: Path
) -> None:
    code, said = await call(venue, tmp_path, "candles", "--coins", "BTC,ETH", "--days", "2")
    assert code == 0, said
    first = [decode(raw) for _, raw in read(tmp_path / "journal")]
    assert {event.type for event in first} == {"candles"}
    assert len(first) >= 2 * 46
    store = SqliteRepository.open(tmp_path / "store.db")
    assert len(await store.find(CANDLES)) == len({event.id for event in first})
    await store.close()

    code, said = await call(venue, tmp_path, "candles", "--coins", "BTC,ETH", "--days", "1")
    assert code == 0, said
    assert len(list(read(tmp_path / "journal"))) <= len(first) + 4


async def test_a_coin_that_is_not_listed_is_a_matter_of_configuration(
    venue: Any, tmp_path: Path
) -> None:
    code, said = await call(venue, tmp_path, "funding", "--coins", "NOPE")

    assert code == 78
    assert "the venue lists no 'NOPE'" in said


async def test_a_wallet_s_fills_are_told(venue: Any, tmp_path: Path) -> None:
    books = await venue.books()
    address = next(who for who, book in books.items() if book)

    code, said = await call(venue, tmp_path, "fills", address, "--days", "3")

    assert code == 0, said
    told = [decode(raw).data for _, raw in read(tmp_path / "journal")]
    assert told
    assert {fill.address for fill in told} == {address}
    assert [fill.at for fill in told] == sorted(fill.at for fill in told)


async def test_what_a_wallet_paid_and_received_is_told_once(venue: Any, tmp_path: Path) -> None:
    books = await venue.books()
    address = next(who for who, book in books.items() if book)

    for _ in range(2):
        code, said = await call(venue, tmp_path, "flows", address, "--days", "3")
        assert code == 0, said

    told = [decode(raw) for _, raw in read(tmp_path / "journal")]
    assert {event.type for event in told} == {"account_flows"}
    assert {"funding", "deposit"} & {event.data.kind for event in told}
    assert len({event.id for event in told}) == len(told) > 0
