"""What every feature of the registry promises; a new one is covered by being registered."""

import importlib
import pkgutil
from collections.abc import Sequence
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from msgspec import structs

from signal_system.ml import features
from signal_system.ml.features.bar import Bar
from signal_system.ml.features.feature import Feature, History
from signal_system.ml.features.regime import regime
from signal_system.ml.features.registry import FEATURES, classifier, smart_money
from signal_system.ml.features.series import FeatureSeries, rows
from signal_system.ml.features.spec import FeatureSpec
from signal_system.testing.bars import crowded, walk

ALL = [feature for group in FEATURES.values() for feature in group]
SPECS = [classifier("1h"), regime("1h"), regime("1d"), smart_money("1h")]
WALKS = {seed: crowded(seed, 300) for seed in range(12)}
SEEDS = st.sampled_from(list(WALKS))
DARK = {"buy_volume": None, "sell_volume": None, "positioning": None, "context": None}

every_feature = pytest.mark.parametrize("feature", ALL, ids=str)
every_spec = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.name}-{spec.interval}")


def spec_of(feature: Feature) -> FeatureSpec:
    least = max(feature.lookback, 20)
    return FeatureSpec("one", "1h", (feature,), least + 60, least, 32)


def said(spec: FeatureSpec, bars: Sequence[Bar]) -> dict[int, bytes]:
    return {row.event_ms: row.values.tobytes() for row in rows(spec, bars)}


def unseen(bars: Sequence[Bar], places: set[int]) -> list[Bar]:
    return [
        structs.replace(bar, **DARK) if number in places else bar for number, bar in enumerate(bars)
    ]


def test_every_feature_in_the_folder_is_registered() -> None:
    for module in pkgutil.iter_modules(features.__path__, f"{features.__name__}."):
        importlib.import_module(module.name)
    found: list[type] = [Feature]
    for kind in found:
        found += kind.__subclasses__()
    ours = [kind for kind in found if kind.__module__.startswith(features.__name__)]
    kinds = {kind for kind in ours if not getattr(kind, "__abstractmethods__", ())}

    assert kinds == {type(feature) for feature in ALL}


def test_no_two_columns_have_one_name() -> None:
    names = [column.name for feature in ALL for column in feature.columns]

    assert len(names) == len(set(names))


@every_feature
def test_its_lookback_is_what_it_needs(feature: Feature) -> None:
    bars = walk(5, 400)
    enough = bars[: feature.lookback]

    values = feature.open(History(enough)).update(bars[feature.lookback])

    assert len(values) == len(feature.columns)


@every_feature
@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, dark=st.sets(st.integers(0, 200)))
def test_values_are_float32_inside_their_range_or_not_a_number(
    feature: Feature, seed: int, dark: set[int]
) -> None:
    matrix = [row.values for row in rows(spec_of(feature), unseen(WALKS[seed], dark))]

    for number, column in enumerate(feature.columns):
        values = np.array(matrix)[:, number]
        assert values.dtype == np.float32
        assert not np.isinf(values).any()
        assert not np.isnan(values).all() or column.name.endswith("_24")
        assert column.low is None or np.nanmin([*values, column.low]) >= column.low
        assert column.high is None or np.nanmax([*values, column.high]) <= column.high


@every_feature
@settings(max_examples=10, deadline=None)
@given(
    seed=SEEDS,
    cut=st.integers(1, 299),
    gap=st.integers(0, 3),
    dark=st.sets(st.integers(0, 299), max_size=20),
)
def test_the_past_does_not_depend_on_the_future(
    feature: Feature, seed: int, cut: int, gap: int, dark: set[int]
) -> None:
    spec, bars = spec_of(feature), unseen(WALKS[seed], dark)
    other = unseen(WALKS[(seed + 1) % len(WALKS)], dark)[cut:]

    prefix, changed = said(spec, bars[:cut]), said(spec, [*bars[:cut], *other[gap:]])

    whole = said(spec, bars)
    last = bars[cut - 1].open_ms + spec.interval_ms
    assert prefix == {at: each for at, each in whole.items() if at <= last}
    assert prefix == {at: each for at, each in changed.items() if at <= last}


@every_feature
@settings(max_examples=15, deadline=None)
@given(
    seed=SEEDS,
    stops=st.sets(st.integers(0, 299), max_size=5),
    holes=st.sets(st.integers(0, 299), max_size=60),
    dark=st.sets(st.integers(0, 299), max_size=20),
)
def test_streaming_is_the_batch_bit_for_bit_after_restarts_and_gaps(
    feature: Feature, seed: int, stops: set[int], holes: set[int], dark: set[int]
) -> None:
    spec = spec_of(feature)
    bars = [bar for n, bar in enumerate(unseen(WALKS[seed], dark)) if n not in holes]
    series, streamed = FeatureSeries(spec), dict[int, bytes]()
    for number, bar in enumerate(bars):
        if number in stops:
            series = FeatureSeries.restore(spec, series.snapshot())
        seen = series.peek(bar)
        row = series.update(bar)
        if row is not None:
            assert seen is not None
            assert seen.tobytes() == row.values.tobytes()
            streamed[row.event_ms] = row.values.tobytes()

    assert streamed == said(spec, bars)


@every_spec
def test_a_market_that_stands_still_gives_no_infinity_and_no_error(spec: FeatureSpec) -> None:
    still = [
        Bar(n * spec.interval_ms, 7.0, 7.0, 7.0, 7.0, 0.0, 0.0, 0.0)
        for n in range(spec.kept_bars + 1)
    ]

    (*_, last) = rows(spec, still)

    assert not np.isinf(last.values).any()


@every_spec
def test_a_name_or_a_parameter_that_changes_changes_the_hash(spec: FeatureSpec) -> None:
    definitions = list(chain.from_iterable(FEATURES.values()))

    assert spec.canonical == spec.canonical
    assert len({str(feature.definition()) for feature in definitions}) == len(definitions)


def test_the_classifier_has_its_28_features_in_order() -> None:
    assert classifier("1h").names == (
        "price_to_ema_9",
        "price_to_ema_21",
        "price_to_ema_50",
        "ema_alignment",
        "bars_above_ema_21",
        "return_1",
        "return_5",
        "return_20",
        "rsi_14",
        "rsi_7",
        "macd_histogram",
        "stochastic_k",
        "stochastic_d",
        "momentum_10",
        "atr_percent_14",
        "bollinger_position",
        "bollinger_width",
        "adx_14",
        "di_plus_14",
        "di_minus_14",
        "volume_ratio",
        "volume_z",
        "trade_imbalance",
        "vpin_50",
        "hour_sin",
        "hour_cos",
        "weekday_sin",
        "weekday_cos",
    )
