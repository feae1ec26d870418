from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from msgspec import json, structs

from shared_events.errors import ConfigError
from signal_system.ml.features.bar import Bar
from signal_system.ml.features.regime import Efficiency, EwTrend, EwVolatility
from signal_system.ml.features.series import FeatureSeries, Row, Snapshot, Vector, rows
from signal_system.ml.features.spec import FeatureSpec, GapPolicy, SpecMismatchError
from signal_system.testing.bars import HOUR_MS, START_MS, walk

SPEC = FeatureSpec(
    name="small",
    interval="1h",
    features=(EwVolatility(5), EwTrend(9), Efficiency(7)),
    warm_up_bars=40,
    least_bars=40,
    reopen_every_bars=16,
    gaps=GapPolicy(max_missing_bars=3),
)


def bytes_of(row: Row | None) -> tuple[int, int, bytes] | None:
    return None if row is None else (row.event_ms, row.available_ms, row.values.tobytes())


def said(bars: Sequence[Bar], spec: FeatureSpec = SPEC) -> dict[int, bytes]:
    return {row.event_ms: row.values.tobytes() for row in rows(spec, bars)}


def last(bars: Sequence[Bar], spec: FeatureSpec = SPEC) -> bytes | None:
    return raw(FeatureSeries.open(spec, bars).values)


def raw(values: Vector | None) -> bytes | None:
    return None if values is None else values.tobytes()


def holes(bars: Sequence[Bar], seed: int) -> list[Bar]:
    random = Random(seed)
    kept, bars = list[Bar](), list(bars)
    while bars:
        length = random.randint(1, 90)
        kept += bars[:length]
        del bars[: length + random.randint(0, 5)]
    return kept


def test_a_row_comes_with_the_first_block_that_has_enough_bars_behind_it() -> None:
    bars = walk(1, 200)

    first = next(rows(SPEC, bars))

    number = (first.event_ms - HOUR_MS - START_MS) // HOUR_MS
    assert 40 <= number < 40 + 16
    assert (first.event_ms - HOUR_MS) // HOUR_MS % 16 == 0


def test_rows_are_float32_and_available_when_the_bar_was_learned() -> None:
    bars = [structs.replace(bar, available_ms=bar.open_ms + HOUR_MS + 1_500) for bar in walk(1, 99)]

    told = list(rows(SPEC, bars))

    assert all(row.values.dtype == np.float32 and row.values.shape == (3,) for row in told)
    assert all(row.available_ms == row.event_ms + 1_500 for row in told)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), cut=st.integers(0, 130))
def test_a_value_is_the_same_wherever_the_history_began(seed: int, cut: int) -> None:
    bars = holes(walk(seed, 300), seed)

    whole, part = said(bars), said(bars[cut:])

    fully = bars[cut].open_ms + (SPEC.kept_bars + 99) * HOUR_MS
    assert {at: each for at, each in whole.items() if at > fully} == {
        at: each for at, each in part.items() if at > fully
    }


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), stops=st.lists(st.integers(0, 250), max_size=8))
def test_restarts_change_no_bit(seed: int, stops: list[int]) -> None:
    bars = holes(walk(seed, 250), seed)
    series, told = FeatureSeries(SPEC), []
    for number, bar in enumerate(bars):
        if number in stops:
            saved = json.decode(json.encode(series.snapshot()), type=Snapshot)
            series = FeatureSeries.restore(SPEC, saved)
        told.append(bytes_of(series.update(bar)))

    assert [row for row in told if row] == [bytes_of(row) for row in rows(SPEC, bars)]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), delays=st.data())
def test_bars_that_come_late_lead_to_what_bars_on_time_would_have(
    seed: int, delays: st.DataObject
) -> None:
    bars = holes(walk(seed, 150), seed)
    order = sorted(
        range(len(bars)), key=lambda n: n + delays.draw(st.sampled_from((0, 0, 0, 2, 9)))
    )

    late = [bars[n] for n in order]

    assert last(late) == last(bars)
    assert raw(FeatureSeries.open(SPEC, late).values) == raw(_updated(late).values)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), wrong=st.integers(1, 40))
def test_a_correction_leads_to_what_the_right_bar_would_have(seed: int, wrong: int) -> None:
    bars = walk(seed, 120)
    place = len(bars) - wrong
    flawed = structs.replace(bars[place], close=bars[place].high, buy_volume=None, sell_volume=None)
    series = _updated([*bars[:place], flawed, *bars[place + 1 :]])

    row = series.update(structs.replace(bars[place], revision=1, available_ms=bars[-1].open_ms * 2))

    assert row is not None
    assert (row.event_ms, row.available_ms) == (
        bars[-1].open_ms + HOUR_MS,
        bars[-1].open_ms * 2,
    )
    assert raw(row.values) == last(bars)
    assert series.heard["corrected"] == 1


def test_an_older_revision_and_a_repetition_say_nothing_new() -> None:
    bars = walk(1, 100)
    newest = structs.replace(bars[-1], revision=2)
    series = _updated([*bars[:-1], newest])

    assert series.update(structs.replace(bars[-1], close=bars[-1].low, revision=1)) is None
    assert series.update(newest) is None
    assert raw(series.values) == last(bars)
    assert series.heard == {"new": 100, "repeated": 2}


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({"close": float("nan")}, "corrupt"),
        ({"high": float("inf")}, "corrupt"),
        ({"low": 0.0}, "corrupt"),
        ({"high": 1e-9}, "corrupt"),
        ({"volume": float("inf")}, "corrupt"),
        ({"volume": -1.0}, "corrupt"),
        ({"open_ms": START_MS + 99 * HOUR_MS + 1}, "off_grid"),
        ({"open_ms": START_MS * 4 // HOUR_MS * HOUR_MS, "available_ms": START_MS}, "premature"),
    ],
)
def test_a_bar_that_is_none_counts_as_missing(change: dict[str, float], verdict: str) -> None:
    bars = walk(1, 120)
    wrong = structs.replace(bars[99], **change)
    series = _updated(bars[:99])

    assert series.update(wrong) is None
    assert series.heard[verdict] == 1
    for bar in bars[100:]:
        series.update(bar)
    assert raw(series.values) == last([*bars[:99], *bars[100:]])


def test_a_short_gap_is_left_out_and_a_long_one_begins_a_new_history() -> None:
    bars = walk(1, 300)

    short, long = said([*bars[:150], *bars[153:]]), said([*bars[:150], *bars[154:]])

    assert bars[153].open_ms + HOUR_MS in short
    assert bars[154].open_ms + HOUR_MS not in long
    assert min(at for at in long if at > bars[154].open_ms) > bars[154].open_ms + 40 * HOUR_MS


def test_bars_that_close_a_long_gap_bring_the_values_back() -> None:
    bars = walk(1, 120)
    series = _updated([*bars[:90], *bars[100:]])
    assert series.values is None

    for bar in bars[90:100]:
        series.update(bar)

    assert raw(series.values) == last(bars)
    assert series.heard["late"] == 10


def test_what_is_older_than_everything_kept_is_not_taken() -> None:
    bars = walk(1, 200)
    series = _updated(bars[50:])

    assert series.update(bars[0]) is None
    assert series.heard["stale"] == 1


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), looks=st.integers(1, 3))
def test_a_look_at_the_forming_bar_is_what_its_close_would_say_and_leaves_no_trace(
    seed: int, looks: int
) -> None:
    bars = holes(walk(seed, 150), seed)
    series, quiet = FeatureSeries(SPEC), FeatureSeries(SPEC)
    for bar in bars:
        for _ in range(looks):
            series.peek(structs.replace(bar, close=bar.high, available_ms=0))
        seen = series.peek(bar)
        row = series.update(bar)
        assert raw(seen) == (None if row is None else row.values.tobytes())
        assert bytes_of(row) == bytes_of(quiet.update(bar))


def test_a_look_over_the_end_of_a_block_does_not_end_it() -> None:
    bars = walk(1, 120)
    series = FeatureSeries(SPEC)
    for number, bar in enumerate(bars[:-2]):
        series.update(bar)
        series.peek(bars[number + 2])

    for bar in bars[-2:]:
        series.update(bar)

    assert raw(series.values) == last(bars)


def test_a_look_over_the_end_of_a_block_sees_what_was_corrected_since() -> None:
    bars = walk(1, 120)
    last_of_block = next(n for n in range(100, 120) if bars[n + 1].open_ms // HOUR_MS % 16 == 0)
    series = _updated(bars[: last_of_block + 1])
    following = bars[last_of_block + 1]
    before = raw(series.peek(following))

    series.update(structs.replace(bars[last_of_block], close=bars[last_of_block].high, revision=1))

    after = raw(series.peek(following))
    assert before != after
    row = series.update(following)
    assert row is not None
    assert raw(row.values) == after


def test_a_bar_that_another_clock_told_of_early_is_not_available_before_it_closed() -> None:
    bars = walk(1, 99)
    series = _updated(bars[:-1])

    row = series.update(structs.replace(bars[-1], available_ms=bars[-1].open_ms + HOUR_MS - 9_000))

    assert row is not None
    assert row.available_ms == row.event_ms == bars[-1].open_ms + HOUR_MS


def test_nothing_is_seen_in_a_bar_that_does_not_follow() -> None:
    bars = walk(1, 100)
    series = _updated(bars[:90])

    assert series.peek(bars[50]) is None
    assert series.peek(structs.replace(bars[90], close=float("nan"))) is None
    assert series.peek(bars[99]) is None
    assert FeatureSeries(SPEC).peek(bars[0]) is None
    assert series.peek(bars[90]) is not None


def test_what_is_kept_stays_bounded() -> None:
    bars = walk(1, 1_000)

    saved = _updated(bars).snapshot()

    assert len(saved.bars) <= SPEC.kept_bars


def test_a_snapshot_of_another_spec_is_refused() -> None:
    other = FeatureSpec("other", "1h", (EwVolatility(5),), 40, 40, 16)

    with pytest.raises(SpecMismatchError, match="open the series on the history anew"):
        FeatureSeries.restore(other, FeatureSeries(SPEC).snapshot())


def test_the_digest_is_of_the_bytes() -> None:
    row = next(rows(SPEC, walk(1, 99)))

    changed = row.values.copy()
    changed[0] = np.nextafter(changed[0], np.float32(9))

    assert row.digest == row._replace(event_ms=1).digest != row._replace(values=changed).digest


def test_a_spec_hash_is_of_everything_that_decides_a_value() -> None:
    others = [
        a_spec(name="other"),
        a_spec(interval="4h"),
        a_spec(features=(EwVolatility(6), EwTrend(9), Efficiency(7))),
        a_spec(features=(EwTrend(9), EwVolatility(5), Efficiency(7))),
        a_spec(warm_up_bars=41),
        a_spec(least_bars=39),
        a_spec(reopen_every_bars=17),
        a_spec(gaps=GapPolicy(4)),
    ]

    assert a_spec().hash == SPEC.hash
    assert len({SPEC.hash, *(each.hash for each in others)}) == 9


def test_a_spec_that_could_never_speak_is_refused() -> None:
    with pytest.raises(ConfigError, match="needs 7 <= least_bars <= warm_up_bars"):
        a_spec(least_bars=6)
    with pytest.raises(ConfigError, match="names a column twice"):
        a_spec(features=(EwTrend(9), EwTrend(9)))


def test_a_mismatch_says_what_differs() -> None:
    other = a_spec(warm_up_bars=41)

    SPEC.require(SPEC.canonical, "the model")
    with pytest.raises(SpecMismatchError, match=r"the model was made by .*differ in warm_up_bars"):
        SPEC.require(other.canonical, "the model")


def a_spec(**changes: object) -> FeatureSpec:
    given = {name: getattr(SPEC, name) for name in SPEC.__dataclass_fields__}
    return FeatureSpec(**given | changes)


def _updated(bars: Sequence[Bar]) -> FeatureSeries:
    series = FeatureSeries(SPEC)
    for bar in bars:
        series.update(bar)
    return series
