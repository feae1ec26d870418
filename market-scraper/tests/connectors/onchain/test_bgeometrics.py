"""Answers typed from the documentation: nothing was recorded."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from market_scraper.connectors.onchain.bgeometrics import SOURCE, parse
from market_scraper.errors import WireFormatError


@pytest.mark.parametrize(
    "raw",
    [
        b'[{"d": "2025-10-01", "unixTs": 1759276800, "sopr": 1.0123}]',
        b'[{"d": "2025-10-01", "unixTs": "1759276800", "sopr": "1.0123"}]',
        b'[{"d": "2025-10-01", "sopr": 1.0123}, {"d": "2025-10-02", "sopr": null}, {"d": "2025-10-03"}]',
    ],
)
def test_numbers_come_either_way_and_days_may_lack_them(raw: bytes) -> None:
    [reading] = parse(raw)

    assert reading.at == datetime(2025, 10, 1, tzinfo=UTC)
    assert (reading.metric, reading.value) == ("btc_sopr", Decimal("1.0123"))


@pytest.mark.parametrize("raw", [b"{}", b'[{"sopr": 1}]', b'[{"d": "soon", "sopr": 1}]', b""])
def test_what_is_no_such_answer_is_set_aside(raw: bytes) -> None:
    with pytest.raises(WireFormatError):
        list(parse(raw))


def test_the_first_day_is_named() -> None:
    [page] = SOURCE.pages(SOURCE.base_url, date(2025, 1, 1), date(2026, 1, 1))

    assert page == "https://bitcoin-data.com/v1/sopr?startday=2025-01-01"
