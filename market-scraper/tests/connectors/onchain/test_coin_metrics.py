"""Answers typed from the documentation: nothing was recorded."""

from datetime import UTC, date, datetime
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest

from market_scraper.connectors.onchain.coin_metrics import SOURCE, parse
from market_scraper.errors import WireFormatError

DAY = datetime(2025, 10, 1, tzinfo=UTC)
ANSWER = b"""{"data": [{"asset": "btc", "time": "2025-10-01T00:00:00.000000000Z", "AdrActCnt": "812345",
 "CapMVRVCur": "2.5", "FlowInExUSD": "1000000.25", "FlowOutExUSD": "1500000.75",
 "HashRate": "1050000000.5"}], "next_page_token": "x"}"""


def test_a_day_is_five_figures() -> None:
    readings = {r.metric: (r.value, r.unit) for r in parse(ANSWER)}

    assert readings == {
        "btc_mvrv": (Decimal("2.5"), "ratio"),
        "btc_nupl": (Decimal("0.6"), "fraction"),
        "btc_active_addresses": (Decimal(812345), "addresses a day"),
        "btc_hash_rate": (Decimal("1050000000.5"), "TH/s"),
        "btc_exchange_netflow": (Decimal("-500000.50"), "USD a day"),
    }
    assert {r.at for r in parse(ANSWER)} == {DAY}


@pytest.mark.parametrize(
    ("fields", "metrics"),
    [
        ("", set()),
        (', "CapMVRVCur": null, "AdrActCnt": "5"', {"btc_active_addresses"}),
        (', "FlowInExUSD": "1", "FlowOutExUSD": null', set()),
        (', "CapMVRVCur": "0"', {"btc_mvrv"}),
    ],
)
def test_what_is_not_known_yet_is_left_out(fields: str, metrics: set[str]) -> None:
    raw = '{"data": [{"asset": "btc", "time": "2025-10-01T00:00:00Z"' + fields + "}]}"

    assert {reading.metric for reading in parse(raw.encode())} == metrics


@pytest.mark.parametrize(
    "raw",
    [
        b'{"error": {"type": "bad_parameter", "message": "..."}}',
        b'{"data": [{"time": "2025-10-01T00:00:00"}]}',
        b'{"data": [{"time": "2025-10-01T00:00:00Z", "CapMVRVCur": {}}]}',
        b"[]",
    ],
)
def test_what_is_no_such_answer_is_set_aside(raw: bytes) -> None:
    with pytest.raises(WireFormatError):
        list(parse(raw))


def test_what_is_wanted_is_asked_for_in_one_page() -> None:
    [page] = SOURCE.pages(SOURCE.base_url, date(2025, 1, 1), date(2026, 1, 1))

    parts = urlsplit(page)
    assert (parts.hostname, parts.path) == (
        "community-api.coinmetrics.io",
        "/v4/timeseries/asset-metrics",
    )
    assert parse_qs(parts.query)["start_time"] == ["2025-01-01"]
