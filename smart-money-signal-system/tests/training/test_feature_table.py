from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # its stubs are a package of their own
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # it has no stubs
import pytest
from hypothesis import given, strategies as st

from shared_events.errors import ConfigError, DataError
from signal_system.ml.features.regime import EwTrend, EwVolatility
from signal_system.ml.features.series import Row, rows
from signal_system.ml.features.spec import FeatureSpec, SpecMismatchError
from signal_system.ml.features.view import view
from signal_system.testing.bars import HOUR_MS, START_MS, walk
from signal_system.training.feature_table import OfflineFeatures

SPEC = FeatureSpec("small", "1h", (EwVolatility(5), EwTrend(9)), 40, 40, 16)
VIEW = view(SPEC)


def row(event_hours: float, available_hours: float, value: float) -> Row:
    event, available = (START_MS + int(hours * HOUR_MS) for hours in (event_hours, available_hours))
    return Row(event, available, np.array([value, -value], np.float32))


def decisions(*hours: float, coin: str = "BTC") -> pd.DataFrame:
    moments = [pd.Timestamp(START_MS + int(each * HOUR_MS), unit="ms", tz="UTC") for each in hours]
    return pd.DataFrame({"coin": coin, "decision_time": moments})


@pytest.fixture
def store(tmp_path: Path) -> OfflineFeatures:
    return OfflineFeatures(tmp_path)


def known(store: OfflineFeatures, *hours: float) -> list[float | None]:
    told = store.get_historical(VIEW, decisions(*hours))[SPEC.names[0]]
    return [None if np.isnan(each) else float(each) for each in told]


def test_rows_come_back_bit_for_bit_with_their_spec_in_the_file(store: OfflineFeatures) -> None:
    told = list(rows(SPEC, walk(1, 200)))

    path = store.write(VIEW, "xyz:XYZ100", told, "a walk")

    frame = store.read(VIEW, "xyz:XYZ100")
    values = frame[list(SPEC.names)].to_numpy()
    assert values.dtype == np.float32
    assert values.tobytes() == b"".join(each.tobytes() for _, _, each in told)
    assert list(frame["event_time"].astype("int64")) == [each.event_ms for each in told]
    metadata = pq.read_schema(path).metadata
    assert metadata[b"spec_hash"] == SPEC.hash.encode()
    assert (metadata[b"spec"], metadata[b"source"]) == (SPEC.canonical, b"a walk")
    assert store.coins(VIEW) == ["xyz:XYZ100"]


def test_a_decision_sees_the_newest_bar_that_was_known_by_then(store: OfflineFeatures) -> None:
    store.write(VIEW, "BTC", [row(1, 1.1, 1), row(2, 2.5, 2), row(3, 3.1, 3)], "test")

    assert known(store, 1.0, 1.1, 2.4, 2.5, 3.05, 3.2) == [None, 1, 1, 2, 2, 3]


def test_a_correction_counts_from_when_it_was_known(store: OfflineFeatures) -> None:
    store.write(VIEW, "BTC", [row(1, 1.1, 1), row(1, 1.6, 10), row(2, 2.1, 2)], "test")

    assert known(store, 1.5, 1.6, 2.2) == [1, 10, 2]


def test_an_older_bar_that_is_learned_late_does_not_hide_a_newer_one(
    store: OfflineFeatures,
) -> None:
    store.write(VIEW, "BTC", [row(2, 2.1, 2), row(1, 2.2, 1)], "test")

    assert known(store, 2.15, 2.3) == [2, 2]


def test_what_is_older_than_the_view_allows_is_missing_and_so_are_its_times(
    store: OfflineFeatures,
) -> None:
    store.write(VIEW, "BTC", [row(1, 1.1, 1)], "test")

    told = store.get_historical(VIEW, decisions(3.0, 3.01))

    assert VIEW.ttl == timedelta(hours=2)
    assert told[SPEC.names[0]].isna().tolist() == [False, True]
    assert told["event_time"].isna().tolist() == [False, True]
    assert told["available_time"].isna().tolist() == [False, True]


def test_decisions_keep_their_order_their_index_and_their_other_columns(
    store: OfflineFeatures,
) -> None:
    store.write(VIEW, "BTC", [row(1, 1.1, 1), row(2, 2.1, 2)], "test")
    store.write(VIEW, "ETH", [row(1, 1.1, 7), row(2, 2.1, 8)], "test")
    asked = pd.concat([decisions(2.2), decisions(1.2, 2.2, coin="ETH"), decisions(1.2)])
    asked.index = pd.Index([7, 3, 3, 1])
    asked["label"] = [1, 2, 3, 4]

    told = store.get_historical(VIEW, asked)

    assert told.index.tolist() == [7, 3, 3, 1]
    assert told["label"].tolist() == [1, 2, 3, 4]
    assert told[SPEC.names[0]].tolist() == [2, 7, 8, 1]


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 30)), min_size=1, max_size=15),
    st.lists(st.integers(0, 80), min_size=1, max_size=10),
)
def test_the_join_is_the_definition_for_every_order_of_arrival(
    tmp_path_factory: pytest.TempPathFactory,
    arrivals: list[tuple[int, int]],
    moments: list[int],
) -> None:
    told = [row(event, event + delay / 3, n) for n, (event, delay) in enumerate(arrivals)]
    store = OfflineFeatures(tmp_path_factory.mktemp("features"))
    store.write(VIEW, "BTC", told, "test")

    for moment, value in zip(moments, known(store, *moments), strict=True):
        at = START_MS + moment * HOUR_MS
        then = [each for each in told if each.available_ms <= at]
        newest = max((each.event_ms for each in then), default=None)
        if newest is None or at - newest > 2 * HOUR_MS:
            assert value is None
        else:
            last = max(each.available_ms for each in then if each.event_ms == newest)
            same = [each for each in then if each[:2] == (newest, last)]
            assert value in [float(values[0]) for _, _, values in same]


def test_what_was_not_built_says_how_to_build_it(store: OfflineFeatures) -> None:
    with pytest.raises(DataError, match="features build --view small --coin BTC"):
        store.get_historical(VIEW, decisions(1.0))


def test_a_file_of_another_spec_is_refused(store: OfflineFeatures, tmp_path: Path) -> None:
    other = view(FeatureSpec("small", "1h", (EwVolatility(6), EwTrend(9)), 40, 40, 16))
    made = store.write(other, "BTC", [row(1, 1.1, 1)], "test")
    place = store.path(VIEW, "BTC")
    place.parent.mkdir(parents=True)
    made.rename(place)

    with pytest.raises(SpecMismatchError, match="they differ in features"):
        store.read(VIEW, "BTC")


def test_decisions_without_their_columns_or_offset_are_refused(store: OfflineFeatures) -> None:
    naive = decisions(1.0)
    naive["decision_time"] = naive["decision_time"].dt.tz_localize(None)

    with pytest.raises(DataError, match="lack the columns coin"):
        store.get_historical(VIEW, decisions(1.0).drop(columns="coin"))
    with pytest.raises(DataError, match="know their offset"):
        store.get_historical(VIEW, naive)


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(ConfigError, match="choose another folder with --out"):
        OfflineFeatures(tmp_path / "file").write(VIEW, "BTC", [row(1, 1.1, 1)], "test")
