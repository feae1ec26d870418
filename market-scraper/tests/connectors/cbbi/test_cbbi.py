import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from market_scraper.connectors.cbbi import METRICS, SOURCE, parse
from market_scraper.errors import WireFormatError

DAY = datetime(2024, 12, 24, tzinfo=UTC)
SECOND = str(int(DAY.timestamp()))


def a_file(**curves: object) -> bytes:
    return json.dumps({name: {SECOND: value} for name, value in curves.items()}).encode()


@pytest.mark.data
def test_the_recorded_file_is_read_whole(recordings: Path) -> None:
    raw = (recordings / "market/onchain/cbbi_latest_slice30.json").read_bytes()

    readings = list(parse(raw))

    assert {reading.metric for reading in readings} == set(METRICS.values())
    assert len(readings) == 30 * 10
    newest = {r.metric: r.value for r in readings if r.at == DAY}
    assert newest["cbbi"] == Decimal("0.7788")
    assert newest["cbbi_rhodl"] == 1


def test_a_file_in_percent_says_the_same() -> None:
    fractions = list(parse(a_file(Confidence=0.7788, MVRV=0.9384, Price=98638.0)))
    percents = list(parse(a_file(Confidence=77.88, MVRV=93.84, Price=98638.0)))

    assert fractions == percents
    assert [(r.metric, r.at, str(r.value)) for r in percents] == [
        ("cbbi", DAY, "0.7788"),
        ("cbbi_mvrv", DAY, "0.9384"),
    ]


def test_a_day_without_a_value_is_left_out_and_a_zero_is_a_value() -> None:
    assert [r.value for r in parse(a_file(Confidence=None, MVRV=0, Puell=0.5))] == [
        0,
        Decimal("0.5"),
    ]


@given(st.dictionaries(st.sampled_from(list(METRICS)), st.floats(0, 100), min_size=1))
def test_readings_are_fractions_whatever_the_scale(curves: dict[str, float]) -> None:
    assert all(0 <= reading.value <= 1 for reading in parse(a_file(**curves)))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>maintenance</html>",
        b"[]",
        b'{"Price": {"1": 2.0}}',
        b'{"Confidence": {"1": "high"}}',
        b'{"Confidence": {"1": NaN}}',
        b'{"Confidence": {"yesterday": 0.5}}',
        b'{"Confidence": {"999999999999999": 0.5}}',
        b'{"Confidence": {"1": -0.1}}',
        b'{"Confidence": {"1": 101}}',
        b"\xff\xfe",
    ],
)
def test_what_is_no_such_file_is_set_aside(raw: bytes) -> None:
    with pytest.raises(WireFormatError):
        list(parse(raw))


def test_it_is_one_page() -> None:
    pages = SOURCE.pages(SOURCE.base_url, date(2025, 1, 1), date(2026, 1, 1))

    assert list(pages) == ["https://colintalkscrypto.com/cbbi/data/latest.json"]
