import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest
from hypothesis import given, strategies as st

from shared_events.errors import DataError
from signal_system.ml.bars import Bars
from signal_system.ml.data_quality import (
    CHECKS,
    Finding,
    Quality,
    inspected,
    require_fresh,
    require_good,
)

DATA = Path(os.environ.get("SMART_MONEY_DATA", Path(__file__).parents[4] / "shared" / "data"))
HOURLY = DATA / "market" / "candles" / "binance_spot" / "BTCUSDT_1h.parquet"

HOUR = timedelta(hours=1)
HOUR_MS = 3_600_000
COUNT = 1_200


def clean(count: int = COUNT) -> Bars:
    closes = 100 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.01, count)))
    opens = np.append(100.0, closes[:-1])
    return Bars(
        length=HOUR,
        opened=np.arange(count) * HOUR_MS,
        opens=opens,
        highs=np.maximum(opens, closes),
        lows=np.minimum(opens, closes),
        closes=closes,
        volumes=np.ones(count),
    )


def changed(column: str, rows: slice | list[int] | int, value: object) -> Bars:
    bars = clean()
    values = getattr(bars, column).copy()
    values[rows] = value
    return replace(bars, **{column: values})


def without(bars: Bars, rows: range) -> Bars:
    return bars.rows(np.array([row for row in range(len(bars)) if row not in rows]))


def repeated(row: int) -> Bars:
    bars = clean()
    return bars.rows(np.insert(np.arange(len(bars)), row, row))


def contradicted(row: int) -> Bars:
    bars = repeated(row)
    bars.volumes[row] = 7
    return bars


def frozen(rows: slice) -> Bars:
    bars = clean()
    price = bars.closes[rows.start]
    for column in (bars.opens, bars.highs, bars.lows, bars.closes):
        column[rows] = price
    bars.opens[rows.stop] = price
    bars.highs[rows.stop] = max(price, bars.closes[rows.stop])
    bars.lows[rows.stop] = min(price, bars.closes[rows.stop])
    bars.volumes[rows] = 0
    return bars


def spike(row: int, factor: float) -> Bars:
    bars = clean()
    bars.closes[row] *= factor
    bars.highs[row] *= max(factor, 1)
    bars.lows[row] *= min(factor, 1)
    return bars


def only(bars: Bars) -> Finding:
    findings = [each for each in inspected(bars)[1].findings if each.check != "jump"]
    assert len(findings) == 1, findings
    return findings[0]


def test_nothing_is_found_in_clean_data() -> None:
    bars, quality = inspected(clean())

    assert quality == Quality(
        rows=COUNT,
        used=COUNT,
        first=datetime(1970, 1, 1, tzinfo=UTC),
        last=datetime(1970, 1, 1, tzinfo=UTC) + (COUNT - 1) * HOUR,
        missing=0,
        findings=(),
    )
    assert np.array_equal(bars.closes, clean().closes)


@pytest.mark.parametrize(
    ("check", "bars", "rows"),
    [
        ("unusable", changed("closes", 5, np.nan), (5,)),
        ("unusable", changed("lows", [7, 9], [-1, 0]), (7, 9)),
        ("unusable", changed("volumes", 7, -1), (7,)),
        ("impossible", changed("highs", 11, 1.0), (11,)),
        ("impossible", changed("lows", 11, 1e6), (11,)),
        ("contradicted", contradicted(20), (21,)),
        ("spike", spike(500, 1.6), (500,)),
        ("spike", spike(500, 0.5), (500,)),
        ("long gap", without(clean(20_000), range(50, 200)), (50,)),
        ("off grid", changed("opened", slice(10, 14), np.arange(10, 14) * HOUR_MS + 5), (10,)),
        ("frozen", frozen(slice(100, 160)), (124, 125, 126, 127, 128)),
    ],
)
def test_bad_rows_are_named_and_refused(check: str, bars: Bars, rows: tuple[int, ...]) -> None:
    quality = inspected(bars)[1]

    finding = next(each for each in quality.refused if each.check == check)
    assert finding.rows[: len(rows)] == rows
    with pytest.raises(DataError, match=rf"{finding.says}: row {rows[0]} \(1970"):
        require_good("btc.csv", quality)


@pytest.mark.parametrize(
    ("check", "bars", "verdict", "missing"),
    [
        ("repeated", repeated(20), "set aside", 0),
        ("off grid", changed("opened", 7, 7 * HOUR_MS + 5), "set aside", 1),
        ("gaps", without(clean(), range(50, 53)), "noted", 3),
        ("frozen", frozen(slice(100, 130)), "noted", 0),
    ],
)
def test_a_little_of_what_every_history_has_is_coped_with(
    check: str, bars: Bars, verdict: str, missing: int
) -> None:
    used, quality = inspected(bars)

    finding = next(each for each in quality.findings if each.check == check)
    assert finding.verdict == verdict
    assert quality.missing == missing
    assert np.all(np.diff(used.opened) > 0)
    assert np.all(used.opened % HOUR_MS == 0)
    require_good("btc.csv", quality)


@given(st.permutations(range(60)))
def test_rows_may_come_in_any_order_and_are_named_by_the_place_they_came_in(
    order: list[int],
) -> None:
    bars = clean(60)
    bars.closes[30] = np.nan

    used, quality = inspected(bars.rows(np.array(order)))

    assert np.array_equal(used.opened, bars.opened)
    assert quality.refused[0].rows == (order.index(30),)


def test_a_return_beyond_the_usual_is_noted_where_it_stands() -> None:
    bars = clean()
    bars.closes[700:] *= 1.2
    bars.opens[701:] *= 1.2
    bars.highs[700:] *= 1.2
    bars.lows[701:] *= 1.2

    assert inspected(bars)[1].findings[0].check == "jump"
    assert inspected(bars)[1].findings[0].rows == (700,)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_next_to_nothing_is_looked_at_without_harm(count: int) -> None:
    assert inspected(clean(count))[1].used == count


def test_no_bar_is_nothing_to_learn_from() -> None:
    with pytest.raises(DataError, match="no usable bar"):
        require_good("empty.csv", inspected(clean(0))[1])


def test_data_that_ended_long_ago_is_refused_where_it_has_to_be_fresh() -> None:
    quality = inspected(clean())[1]
    assert quality.last is not None

    require_fresh("btc.csv", quality, quality.last + timedelta(days=2), timedelta(days=3))
    with pytest.raises(DataError, match="longer ago than 3 days"):
        require_fresh("btc.csv", quality, quality.last + timedelta(days=4), timedelta(days=3))


def test_every_check_has_a_name_of_its_own() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)


@pytest.mark.data
@pytest.mark.skipif(not HOURLY.exists(), reason=f"no recordings at {DATA}")
def test_seven_years_of_a_real_market_have_faults_and_may_be_learned_from() -> None:
    frame = pd.read_parquet(HOURLY)
    columns = [frame[name].to_numpy(float) for name in ("open", "high", "low", "close", "volume")]

    used, quality = inspected(Bars(HOUR, frame["timestamp_ms"].to_numpy(), *columns))

    require_good("BTC", quality)
    found = {finding.check: (finding.faults, finding.verdict) for finding in quality.findings}
    assert found["off grid"] == (43, "set aside")
    assert quality.missing == 170
    assert len(used) == 64_357 - 43
