import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec import json

from shared_events.journal import JournalWriter, segments
from signal_system.domain.rules import Rules
from signal_system.feature_keeping import BarKeeper
from signal_system.fold import Fold, FoldConfig, Issued
from signal_system.ml.features.feed import FeatureFeed
from signal_system.ml.features.registry import SERVED
from signal_system.restoring import restore
from signal_system.storage.port import BEFORE_ALL, Checkpoint, Place
from signal_system.storage.sqlite import SqliteStore
from signal_system.testing.day import day, encoded

RECORDS = day(11)
CUT = 40


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore.open(tmp_path / "signals.db")
    yield store
    store.close()


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    with JournalWriter(tmp_path / "journal") as writer:
        writer.append(encoded(RECORDS))
    return tmp_path / "journal"


def uninterrupted(config: FoldConfig | None = None) -> tuple[Fold, list[Issued]]:
    fold = Fold(config or FoldConfig())
    return fold, [e for n, record in enumerate(RECORDS) for e in fold.apply(n, record)]


def snapshot_at(cut: int) -> bytes:
    fold = Fold(FoldConfig())
    for position, record in enumerate(RECORDS[:cut]):
        fold.apply(position, record)
    return fold.snapshot()


def keep(store: SqliteStore, body: bytes, position: int = CUT - 1) -> None:
    store.commit(Checkpoint(position, body, (), BEFORE_ALL))


async def restored(
    store: SqliteStore, journal: Path, config: FoldConfig | None = None
) -> tuple[Fold, list[Issued]]:
    fold, issued = Fold(config or FoldConfig()), list[Issued]()
    await restore(fold, store, journal, len(RECORDS), lambda _, events: issued.extend(events))
    return fold, issued


async def test_a_start_folds_the_tail_after_the_snapshot(store: SqliteStore, journal: Path) -> None:
    keep(store, snapshot_at(CUT))

    fold, tail = await restored(store, journal)

    whole, issued = uninterrupted()
    assert fold.state.digest() == whole.state.digest()
    assert [event.id for event in tail] == [event.id for event in issued[len(issued) - len(tail) :]]
    assert fold.processor.memory.chain == whole.processor.memory.chain
    assert fold.position == len(RECORDS) - 1


@pytest.mark.parametrize("snapshot", [True, False])
async def test_a_journal_whose_beginning_was_forgotten_is_folded_from_what_is_kept(
    store: SqliteStore, tmp_path: Path, *, snapshot: bool
) -> None:
    journal = tmp_path / "journal"
    with JournalWriter(journal, segment_bytes=1) as writer:
        for record in encoded(RECORDS):
            writer.append([record])
    for segment in segments(journal)[:CUT]:
        segment.path.unlink()
    if snapshot:
        keep(store, snapshot_at(CUT))

    fold, _ = await restored(store, journal)

    is_whole = fold.state.digest() == uninterrupted()[0].state.digest()
    assert is_whole is snapshot
    assert fold.position == len(RECORDS) - 1


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"not json", id="malformed"),
        pytest.param(b'{"version":2}', id="truncated"),
        pytest.param(b"\xff\xfe", id="binary"),
        pytest.param(b"[]", id="of another shape"),
        pytest.param(b'{"version":0,"everything":"else"}', id="of an older build"),
    ],
)
async def test_a_snapshot_that_cannot_be_used_costs_time_and_nothing_else(
    store: SqliteStore, journal: Path, body: bytes
) -> None:
    keep(store, body)

    fold, issued = await restored(store, journal)

    whole, expected = uninterrupted()
    assert fold.processor.memory.chain == whole.processor.memory.chain
    assert [event.id for event in issued] == [event.id for event in expected]


async def test_a_snapshot_with_damaged_bytes_is_made_up_for_by_the_journal(
    store: SqliteStore, journal: Path, tmp_path: Path
) -> None:
    keep(store, b"anything")
    for path in tmp_path.rglob("*.db"):
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE snapshot SET body = x'00112233'")

    fold, _ = await restored(store, journal)

    assert fold.processor.memory.chain == uninterrupted()[0].processor.memory.chain


async def test_a_snapshot_ahead_of_the_journal_is_dropped_with_what_it_led_to(
    store: SqliteStore, journal: Path
) -> None:
    saved = json.decode(snapshot_at(CUT))
    saved["position"] = len(RECORDS) + 5
    keep(store, json.encode(saved), len(RECORDS) + 5)

    fold, _ = await restored(store, journal)

    assert fold.position == len(RECORDS) - 1
    assert store.snapshot() is None
    assert store.published() == Place(-1, -1)


async def test_after_a_change_of_settings_the_state_is_new_and_the_chain_goes_on(
    store: SqliteStore, journal: Path
) -> None:
    keep(store, snapshot_at(CUT))
    changed = FoldConfig(rules=Rules(round_trip_cost=0.05))

    fold, tail = await restored(store, journal, changed)

    assert fold.state.digest() == uninterrupted(changed)[0].state.digest()
    first = next(event.data for event in tail if event.type == "signals")
    assert first.prev_hash == json.decode(snapshot_at(CUT))["memory"]["chain"]
    assert first.config_hash == changed.hash


async def kept_at(cut: int, store: SqliteStore) -> None:
    """Keep a snapshot with its bars, as the service does, after the first `cut` records."""
    bars = BarKeeper()
    fold = Fold(FoldConfig(), FeatureFeed(SERVED, bars.hear))
    for position, record in enumerate(RECORDS[:cut]):
        fold.apply(position, record)
    kept = await bars.kept(fold.features)
    store.commit(Checkpoint(cut - 1, fold.snapshot(), (), BEFORE_ALL, kept))


def rows_of(fold: Fold) -> list[tuple[str, int, bytes]]:
    return [
        (coin, len(fold.features.bars(coin, "1h")), series.values.tobytes())
        for coins in fold.features.series.values()
        for coin, series in sorted(coins.items())
        if series.values is not None
    ]


async def test_features_go_on_from_the_bars_that_were_kept(
    store: SqliteStore, journal: Path
) -> None:
    await kept_at(CUT, store)
    kept = [store.bars(series) for series in store.series()]

    fold, _ = await restored(store, journal)

    assert any(kept)
    assert rows_of(fold) == rows_of(uninterrupted()[0])
    assert rows_of(fold)


@pytest.mark.parametrize(
    "damage",
    ["UPDATE bars SET body = 'x'", "UPDATE bars SET series = series || 'x'"],
)
async def test_bars_that_cannot_be_read_are_made_up_for_by_the_journal(
    store: SqliteStore, journal: Path, tmp_path: Path, damage: str
) -> None:
    await kept_at(CUT, store)
    for path in tmp_path.rglob("*.db"):
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("DELETE FROM bars WHERE open_ms > (SELECT min(open_ms) FROM bars)")
            connection.execute(damage.replace("'x'", "x'00'"))

    fold, _ = await restored(store, journal)

    assert rows_of(fold) == rows_of(uninterrupted()[0])
    assert fold.state.digest() == uninterrupted()[0].state.digest()


async def test_an_empty_journal_is_a_beginning(store: SqliteStore, tmp_path: Path) -> None:
    fold = Fold(FoldConfig())

    await restore(fold, store, tmp_path / "nothing", 0, lambda *_: None)

    assert fold.position == -1
