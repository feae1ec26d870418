"""Messages typed from the venue's documentation: nothing was recorded."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from market_scraper.connectors.binance.parse import (
    Premium,
    Top,
    impact,
    parse_funding_hours,
    parse_funding_rates,
    parse_klines,
    parse_open_interest,
    parse_premium,
    parse_stream,
)
from market_scraper.errors import WireFormatError
from market_scraper.moments import moment
from market_scraper.positions.ledger import Trade

OPENS = 1_767_225_600_000
HOUR = timedelta(hours=1)
KLINE = (
    b'[[1767225600000,"87648.20","87700.00","87600.10","87650.00","1234.567",1767229199999,'
    b'"108000000.1",45678,"600.1","52000000.2","0"]]'
)


def a_frame(stream: str, **data: object) -> str:
    return json.dumps({"stream": stream, "data": data})


def a_book(bids: object, asks: object) -> str:
    return a_frame("btcusdt@depth20@500ms", e="depthUpdate", s="BTCUSDT", T=5, b=bids, a=asks)


def test_a_candle_is_final_once_its_interval_is_over() -> None:
    [candle] = parse_klines(KLINE, "BTCUSDT", "1h", moment(OPENS) + HOUR)
    [early] = parse_klines(KLINE, "BTCUSDT", "1h", moment(OPENS) + HOUR / 2)

    assert (candle.coin, candle.subject) == ("binance:BTCUSDT", "binance:BTCUSDT:1h")
    assert (candle.open_time, candle.close_time) == (moment(OPENS), moment(OPENS) + HOUR)
    assert (candle.open, candle.high, candle.low, candle.close) == tuple(
        map(Decimal, ("87648.20", "87700.00", "87600.10", "87650.00"))
    )
    assert (candle.volume, candle.trades, candle.closed) == (Decimal("1234.567"), 45678, True)
    assert not early.closed


def test_how_a_market_stands() -> None:
    raw = (
        b'{"symbol":"BTCUSDT","markPrice":"87650.1","indexPrice":"87660.2","estimatedSettlePrice":"1",'
        b'"lastFundingRate":"0.00010000","interestRate":"0.0001","nextFundingTime":1767254400000,'
        b'"time":1767240000000}'
    )

    assert parse_premium(raw) == Premium(
        1_767_240_000_000, Decimal("87650.1"), Decimal("87660.2"), Decimal("0.00010000")
    )
    assert parse_premium(raw.replace(b'"0.00010000"', b'""')).rate is None, "a quarterly has none"
    assert parse_open_interest(b'{"symbol":"BTCUSDT","openInterest":"81.5","time":1}') == Decimal(
        "81.5"
    )


def test_what_funding_was_paid_and_how_often() -> None:
    rates = (
        b'[{"symbol":"BTCUSDT","fundingRate":"-0.0003","fundingTime":1767225600001,"markPrice":""}]'
    )
    hours = (
        b'[{"symbol":"BLZUSDT","fundingIntervalHours":4},{"symbol":"X","fundingIntervalHours":0}]'
    )

    assert list(parse_funding_rates(rates)) == [("BTCUSDT", 1_767_225_600_001, Decimal("-0.0003"))]
    assert parse_funding_hours(hours) == {"BLZUSDT": 4}


def test_a_trade_whose_buyer_rested_was_a_sale() -> None:
    told = {"e": "aggTrade", "E": 9, "s": "BTCUSDT", "a": 7, "p": "87650.1", "q": "0.100", "T": 8}

    trade, other = (parse_stream(a_frame("btcusdt@aggTrade", **told, m=m)) for m in (True, False))

    assert isinstance(trade, Trade)
    assert isinstance(other, Trade)
    assert (trade.coin, trade.price, trade.size, trade.ms, trade.tid) == (
        "binance:BTCUSDT",
        Decimal("87650.1"),
        Decimal("0.100"),
        8,
        7,
    )
    assert (trade.buyer_is_taker, other.buyer_is_taker) == (False, True)


def test_a_book_tells_its_best_and_what_a_large_order_would_get() -> None:
    frame = a_book([["100", "100"], ["99", "1000"]], [["101", "10"]])

    assert parse_stream(frame) == Top(
        "BTCUSDT",
        5,
        Decimal(100),
        Decimal(101),
        impact_bid=Decimal("99.4974874372"),
        impact_ask=None,
    )
    assert parse_stream(a_book([], [["101", "10"]])) is None


def test_other_frames_are_nothing_to_us() -> None:
    assert parse_stream(a_frame("btcusdt@markPrice", p="1")) is None


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b'{"result":null,"id":1}',
        a_frame("btcusdt@aggTrade", s="BTCUSDT", a=7, p="0", q="1", T=8, m=True),
        a_frame("btcusdt@aggTrade", s="BTCUSDT", a=7, p="NaN", q="1", T=8, m=True),
        a_frame("btcusdt@aggTrade", s="BTCUSDT", a=7, p="1E+50", q="1", T=8, m=True),
        a_book([["101", "1"]], [["100", "1"]]),
        a_book([["100", "-1"]], [["101", "1"]]),
    ],
)
def test_frames_that_cannot_be_are_set_aside(raw: str | bytes) -> None:
    with pytest.raises(WireFormatError):
        parse_stream(raw)


@pytest.mark.parametrize(
    "raw", [b"{}", b'[["x"]]', b"[[1]]", b'{"code":-1121,"msg":"Invalid symbol."}']
)
def test_answers_that_cannot_be_are_set_aside(raw: bytes) -> None:
    for parse in (parse_premium, parse_open_interest, parse_funding_hours, parse_funding_rates):
        with pytest.raises(WireFormatError):
            parse(raw)
    with pytest.raises(WireFormatError):
        parse_klines(raw, "BTCUSDT", "1h", moment(OPENS))


amounts = st.decimals("0.01", "1000", places=2)


@given(st.lists(st.tuples(amounts, amounts), min_size=1, max_size=20), amounts)
def test_an_impact_price_lies_between_the_best_and_the_worst_it_met(
    levels: list[tuple[Decimal, Decimal]], worth: Decimal
) -> None:
    price = impact(levels, worth)

    held = sum(p * q for p, q in levels)
    assert (price is None) == (held < worth)
    if price is not None:
        tolerance = Decimal("1e-6")
        assert (
            min(p for p, _ in levels) - tolerance <= price <= max(p for p, _ in levels) + tolerance
        )
