import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from shared_events.errors import ConfigError
from shared_events.testing.factories import NOON
from signal_system.storage.port import (
    AFTER_ALL,
    ALERT,
    BEFORE_ALL,
    About,
    Checkpoint,
    Entry,
    KeptBar,
    Place,
    StorageError,
)
from signal_system.storage.sqlite import SqliteStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "signals.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore.open(path)
    yield store
    store.close()


def entry(position: int, ordinal: int = 0, *, coin: str = "BTC", hour: float = 0) -> Entry:
    raw = f"{coin} at {position}.{ordinal}".encode()
    at = NOON + timedelta(hours=hour)
    return Entry(Place(position, ordinal), at, About(coin, 3_600, position), raw)


def checkpoint(*entries: Entry, position: int = 9, snapshot: bytes = b"{}") -> Checkpoint:
    return Checkpoint(position, snapshot, entries, Place(position, 0))


def test_a_new_store_knows_nothing(store: SqliteStore) -> None:
    assert store.snapshot() is None
    assert store.published() == BEFORE_ALL
    assert store.after(BEFORE_ALL, 10) == []


def test_a_checkpoint_outlives_the_process(store: SqliteStore, path: Path) -> None:
    store.commit(checkpoint(entry(3), snapshot=b"state"))
    store.close()

    again = SqliteStore.open(path)

    assert (again.snapshot(), again.published()) == (b"state", Place(9, 0))
    assert again.history("BTC", 3_600, limit=9, before=None) == [b"BTC at 3.0"]
    again.close()


def bar(open_ms: int, raw: bytes = b"bar", *, series: str = "BTC|1h", oldest: int = 0) -> KeptBar:
    return KeptBar(series, open_ms, oldest, raw)


def test_bars_are_kept_by_series_in_order_and_a_correction_replaces_one(store: SqliteStore) -> None:
    store.commit(Checkpoint(1, b"", (), BEFORE_ALL, [bar(2), bar(1), bar(7, series="ETH|1h")]))
    store.commit(Checkpoint(2, b"", (), BEFORE_ALL, [bar(2, b"corrected")]))

    assert store.series() == ["BTC|1h", "ETH|1h"]
    assert store.bars("BTC|1h") == [b"bar", b"corrected"]


def test_bars_that_nothing_follows_from_any_more_are_dropped(store: SqliteStore) -> None:
    store.commit(Checkpoint(1, b"", (), BEFORE_ALL, [bar(1), bar(2)]))
    store.commit(Checkpoint(2, b"", (), BEFORE_ALL, [bar(3, b"new", oldest=2)]))

    assert store.bars("BTC|1h") == [b"bar", b"new"]


def test_bars_leave_with_the_snapshot_that_they_belong_to(store: SqliteStore) -> None:
    store.commit(Checkpoint(1, b"", (), BEFORE_ALL, [bar(1)]))

    store.forget_from(0)

    assert store.series() == []


def test_history_is_of_one_coin_and_horizon_newest_first_and_pages_backwards(
    store: SqliteStore,
) -> None:
    store.commit(checkpoint(*(entry(n) for n in range(5)), entry(2, 1, coin="ETH")))

    page = store.history("BTC", 3_600, limit=2, before=None)

    assert page == [b"BTC at 4.0", b"BTC at 3.0"]
    assert store.history("BTC", 3_600, limit=2, before=3) == [b"BTC at 2.0", b"BTC at 1.0"]
    assert store.history("BTC", 14_400, limit=2, before=None) == []


def test_what_is_folded_again_after_a_kill_is_not_kept_twice(store: SqliteStore) -> None:
    store.commit(checkpoint(entry(1), entry(1, 1)))

    store.commit(checkpoint(entry(1, 1), entry(2)))

    places = [place for place, _ in store.after(BEFORE_ALL, 10)]
    assert places == [(1, 0), (1, 1), (2, 0)]


def test_events_that_are_no_signals_are_published_but_not_in_the_history(
    store: SqliteStore,
) -> None:
    store.commit(checkpoint(Entry(Place(1, 0), NOON, None, b"a regime")))

    assert store.after(Place(0, 5), 10) == [(Place(1, 0), b"a regime")]


def test_the_journals_truth_undoes_what_was_issued_past_its_end(store: SqliteStore) -> None:
    store.commit(checkpoint(*(entry(n) for n in range(10))))

    store.forget_from(4)

    assert store.snapshot() is None
    assert store.published() == BEFORE_ALL
    assert len(store.after(BEFORE_ALL, 100)) == 4


def test_the_oldest_are_forgotten_a_bounded_number_at_a_time(store: SqliteStore) -> None:
    store.commit(checkpoint(*(entry(n, hour=n) for n in range(10))))

    assert store.forget_before(NOON + timedelta(hours=8), limit=5) == 5
    assert store.forget_before(NOON + timedelta(hours=8), limit=5) == 3
    assert [place.position for place, _ in store.after(BEFORE_ALL, 100)] == [8, 9]


def test_a_store_that_is_gone_says_so_and_takes_nothing(store: SqliteStore) -> None:
    store.close()

    with pytest.raises(StorageError):
        store.commit(checkpoint(entry(1)))
    with pytest.raises(StorageError):
        store.ping()


@pytest.mark.parametrize("content", [b"this is no database, whatever its name says" * 30])
def test_a_file_that_is_no_database_is_a_matter_of_configuration(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "signals.db").write_bytes(content)

    with pytest.raises(ConfigError, match="SIGNAL_SYSTEM_DATA_DIR"):
        SqliteStore.open(tmp_path / "signals.db")


def test_a_database_whose_pages_are_damaged_is_a_matter_of_configuration(
    store: SqliteStore, path: Path
) -> None:
    store.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"Z" * (len(whole) - 4096))

    with pytest.raises(ConfigError, match="move a damaged file away"):
        SqliteStore.open(path)


def test_a_store_of_a_newer_build_is_left_alone(store: SqliteStore, path: Path) -> None:
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()

    with pytest.raises(ConfigError, match="newer build"):
        SqliteStore.open(path)


def an_alert(position: int, ordinal: int = 0) -> Entry:
    raw = f"alert {position}.{ordinal}".encode()
    return Entry(Place(position, ordinal), NOON, About("BTC", ALERT, position), raw)


def test_alerts_are_found_newest_first_from_any_place(store: SqliteStore) -> None:
    store.commit(checkpoint(an_alert(1), entry(2), an_alert(3), an_alert(3, 1), an_alert(5)))

    everything = [raw for _, raw in store.alerts(AFTER_ALL, 9)]

    assert everything == [b"alert 5.0", b"alert 3.1", b"alert 3.0", b"alert 1.0"]
    assert store.alerts(Place(3, 1), 1) == [(Place(3, 0), b"alert 3.0")]


def test_alerts_outlive_the_signals_of_their_time(store: SqliteStore) -> None:
    store.commit(checkpoint(an_alert(1), entry(2)))

    assert store.forget_before(NOON + timedelta(days=1), 10) == 1
    assert len(store.alerts(AFTER_ALL, 9)) == 1
