"""Seven years of Bitcoin, with the exchange's gaps and the bars that it once told off the grid."""

import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # its stubs are a package of their own
import pytest
from msgspec import json

from signal_system.ml.bars import Bars
from signal_system.ml.features.bar import Bar
from signal_system.ml.features.checks import future_perturbation, prefix_invariance
from signal_system.ml.features.regime import regime
from signal_system.ml.features.registry import classifier
from signal_system.ml.features.series import FeatureSeries, Row, Snapshot, rows
from signal_system.ml.features.spec import FeatureSpec
from signal_system.training.feature_build import bars_of

DATA = Path(os.environ.get("SMART_MONEY_DATA", Path(__file__).parents[5] / "shared" / "data"))
CANDLES = DATA / "market" / "candles" / "binance_spot"

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not CANDLES.exists(), reason=f"no recordings at {DATA}"),
    pytest.mark.timeout(180),
]


@pytest.fixture(scope="module")
def told() -> dict[str, tuple[FeatureSpec, list[Bar], list[Row]]]:
    hours, days = (
        candles("BTCUSDT_1h", timedelta(hours=1)),
        candles("BTCUSDT_1d", timedelta(days=1)),
    )
    cases = {
        "classifier": (classifier("1h"), hours),
        "hours": (regime("1h"), hours),
        "days": (regime("1d"), days),
    }
    return {name: (spec, bars, list(rows(spec, bars))) for name, (spec, bars) in cases.items()}


def candles(name: str, length: timedelta) -> list[Bar]:
    frame = pd.read_parquet(CANDLES / f"{name}.parquet")
    columns = ("open", "high", "low", "close", "volume")
    prices = [frame[column].to_numpy(float) for column in columns]
    return list(bars_of(Bars(length, frame["timestamp_ms"].to_numpy(), *prices)))


def packed(told: Sequence[Row]) -> bytes:
    return b"".join(values.tobytes() for _, _, values in told)


each_spec = pytest.mark.parametrize("name", ["classifier", "hours", "days"])
Told = dict[str, tuple[FeatureSpec, list[Bar], list[Row]]]


@each_spec
def test_streaming_with_restarts_is_the_batch_bit_for_bit(name: str, told: Told) -> None:
    spec, bars, batch = told[name]
    stops = set(Random(1).sample(range(len(bars)), 30))
    series, streamed = FeatureSeries(spec), list[Row]()
    for number, bar in enumerate(bars):
        if number in stops:
            saved = json.decode(json.encode(series.snapshot()), type=Snapshot)
            series = FeatureSeries.restore(spec, saved)
        row = series.update(bar)
        if row is not None:
            streamed.append(row)

    assert [row[:2] for row in streamed] == [row[:2] for row in batch]
    assert packed(streamed) == packed(batch)


@each_spec
def test_a_history_that_began_elsewhere_ends_in_the_same_values(name: str, told: Told) -> None:
    spec, bars, batch = told[name]
    later = list(rows(spec, bars[len(bars) // 2 :]))

    common = len(later) - spec.warm_up_bars
    assert common > 0
    assert packed(later[-common:]) == packed(batch[-common:])


@each_spec
def test_nothing_looks_ahead(name: str, told: Told) -> None:
    spec, bars, batch = told[name]
    cuts = [
        cut
        for cut in Random(2).sample(range(spec.kept_bars, len(bars) - spec.reopen_every_bars), 20)
        if bars[cut - 1].flaw(spec.interval_ms) is None
    ]

    assert not list(prefix_invariance(spec, bars, batch, cuts))
    assert not list(future_perturbation(spec, bars, batch, cuts, Random(3)))


def test_what_the_exchange_told_off_the_grid_is_left_out(told: Told) -> None:
    spec, bars, batch = told["classifier"]

    series = FeatureSeries.open(spec, bars)

    assert series.heard == {"new": 64_314, "off_grid": 43}
    assert len(batch) > 60_000


def test_what_candles_tell_is_known_in_every_row_and_what_they_do_not_in_none(told: Told) -> None:
    spec, _, batch = told["classifier"]
    matrix = np.array([values for _, _, values in batch])

    unknown = {
        name
        for name, all_nan in zip(spec.names, np.isnan(matrix).all(axis=0), strict=True)
        if all_nan
    }
    gaps = dict(zip(spec.names, np.isnan(matrix).sum(axis=0).tolist(), strict=True))
    assert unknown == {"trade_imbalance", "vpin_50"}
    assert {name: count for name, count in gaps.items() if count and name not in unknown} == {}
