import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from market_scraper.connectors.fear_greed import SOURCE, parse
from market_scraper.errors import SourceUnavailableError, WireFormatError


def an_answer(value: object = "73", timestamp: object = "1734998400", **rest: object) -> bytes:
    return json.dumps({"data": [{"value": value, "timestamp": timestamp}], **rest}).encode()


@pytest.mark.data
def test_the_recorded_answer_is_read(recordings: Path) -> None:
    raw = (recordings / "market/sentiment/fear_greed_api_shape_reencoded.json").read_bytes()

    readings = list(parse(raw))

    assert [(r.metric, r.at, int(r.value)) for r in readings] == [
        ("fear_and_greed", datetime(2024, 12, day, tzinfo=UTC), value)
        for day, value in ((24, 73), (23, 70), (22, 73))
    ]


def test_a_day_without_a_value_is_left_out() -> None:
    assert list(parse(an_answer(None))) == []


def test_an_error_in_the_answer_is_the_service_being_away() -> None:
    with pytest.raises(SourceUnavailableError, match="out of order"):
        list(parse(an_answer(metadata={"error": "out of order"})))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b'{"data": null}',
        an_answer("101"),
        an_answer("-1"),
        an_answer("7.5"),
        an_answer("greedy"),
        an_answer("9" * 5_000),
        an_answer(timestamp="today"),
        an_answer(timestamp="9" * 20),
    ],
)
def test_what_is_no_such_answer_is_set_aside(raw: bytes) -> None:
    with pytest.raises(WireFormatError):
        list(parse(raw))


def test_as_many_days_are_asked_for_as_are_wanted() -> None:
    [page] = SOURCE.pages(SOURCE.base_url, date(2026, 1, 1), date(2026, 1, 31))

    assert page == "https://api.alternative.me/fng/?limit=31&format=json"
