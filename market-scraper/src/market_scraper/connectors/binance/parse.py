"""Binance's JSON to what we mean by it. Pure: bytes in, values out, `WireFormatError` otherwise.

REST, ``https://fapi.binance.com``::

    GET /fapi/v1/klines        [[1767225600000, "87648.2", "87700.0", "87600.1", "87650.0", "1234.567",
                                 1767229199999, "108000000.1", 45678, "600.1", "52000000.2", "0"], ...]
    GET /fapi/v1/premiumIndex  {"symbol": "BTCUSDT", "markPrice": "87650.1", "indexPrice": "87660.2",
                                "lastFundingRate": "0.0001", "nextFundingTime": 1767254400000,
                                "time": 1767240000000, ...}
    GET /fapi/v1/openInterest  {"symbol": "BTCUSDT", "openInterest": "81234.567", "time": 1767240000000}
    GET /fapi/v1/fundingInfo   [{"symbol": "BLZUSDT", "fundingIntervalHours": 4, ...}], 8 hours if not listed
    GET /fapi/v1/fundingRate   [{"symbol": "BTCUSDT", "fundingRate": "0.0001", "fundingTime": 1767225600001,
                                 "markPrice": "87648.2"}, ...]

Websocket, ``wss://fstream.binance.com/stream?streams=btcusdt@aggTrade/btcusdt@depth20@500ms``::

    {
        "stream": "btcusdt@aggTrade",
        "data": {
            "e": "aggTrade",
            "E": 1767240000100,
            "s": "BTCUSDT",
            "a": 5933014,
            "p": "87650.1",
            "q": "0.100",
            "f": 100,
            "l": 105,
            "T": 1767240000090,
            "m": true,
        },
    }
    {
        "stream": "btcusdt@depth20@500ms",
        "data": {
            "e": "depthUpdate",
            "E": 1767240000100,
            "T": 1767240000095,
            "s": "BTCUSDT",
            "U": 1,
            "u": 9,
            "pu": 0,
            "b": [["87650.0", "5.432"], ...],
            "a": [["87650.1", "1.000"], ...],
        },
    }

``m`` says that the buyer's order rested, so the taker sold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from market_scraper.connectors.binance import wire
from market_scraper.connectors.decoding import decoded, decoder_of, known, positive
from market_scraper.errors import WireFormatError
from market_scraper.intervals import INTERVALS
from market_scraper.moments import moment
from market_scraper.positions.ledger import Trade
from market_scraper.positions.numbers import quotient
from shared_events.payloads import Candle, Interval

VENUE: Final = "binance"
USUAL_FUNDING_HOURS: Final = 8
IMPACT_USD: Final = Decimal(20_000)
"""For how much a trade would move the price that is told as its impact."""

Levels = Sequence[tuple[Decimal, Decimal]]


_klines = decoder_of(list[wire.Kline])
_premium = decoder_of(wire.Premium)
_interest = decoder_of(wire.Interest)
_intervals = decoder_of(list[wire.FundingInterval])
_rates = decoder_of(list[wire.FundingRate])
_frame = decoder_of(wire.Frame)
_trade = decoder_of(wire.AggregateTrade)
_depth = decoder_of(wire.Depth)


@dataclass(frozen=True, slots=True)
class Premium:
    """How a market stands; `rate` is paid once per funding interval."""

    at_ms: int
    mark: Decimal
    index: Decimal
    rate: Decimal | None


@dataclass(frozen=True, slots=True)
class Top:
    """The best of a book as of `at_ms`, and what `IMPACT_USD` would get; None if it is not deep enough."""

    symbol: str
    at_ms: int
    bid: Decimal
    ask: Decimal
    impact_bid: Decimal | None
    impact_ask: Decimal | None


def coin_of(symbol: str) -> str:
    """Return what the market is called in our events."""
    return f"{VENUE}:{symbol}"


def parse_klines(raw: bytes, symbol: str, interval: Interval, over: datetime) -> tuple[Candle, ...]:
    """Return the candles of ``klines``, closed if they ended by `over`."""
    return tuple(_candle(row, symbol, interval, over) for row in decoded(_klines, raw, "klines"))


def parse_premium(raw: bytes) -> Premium:
    """Return what ``premiumIndex`` says of one market."""
    row = decoded(_premium, raw, "premiumIndex")
    rate = row.last_funding_rate
    return Premium(
        row.time,
        positive(row.mark_price, "mark"),
        positive(row.index_price, "index"),
        known(_number(rate)) if rate else None,
    )


def parse_open_interest(raw: bytes) -> Decimal:
    """Return the open interest of one market, in the coin."""
    return known(decoded(_interest, raw, "openInterest").open_interest)


def parse_funding_hours(raw: bytes) -> Mapping[str, int]:
    """Return the hours between two payments of the markets that differ from the usual."""
    rows = decoded(_intervals, raw, "fundingInfo")
    return {
        row.symbol: row.funding_interval_hours for row in rows if row.funding_interval_hours > 0
    }


def parse_funding_rates(raw: bytes) -> Sequence[tuple[str, int, Decimal]]:
    """Return symbol, time and rate of every payment in ``fundingRate``."""
    rows = decoded(_rates, raw, "fundingRate")
    return [(row.symbol, row.funding_time, known(row.funding_rate)) for row in rows]


def parse_stream(raw: str | bytes) -> Trade | Top | None:
    """Return the trade or the top of a book in a frame; None for a frame of another kind."""
    frame = decoded(_frame, raw, "stream")
    if frame.stream.endswith("@aggTrade"):
        return _trade_of(decoded(_trade, bytes(frame.data), "aggTrade"))
    if "@depth" in frame.stream:
        return _top_of(decoded(_depth, bytes(frame.data), "depth"))
    return None


def impact(levels: Levels, worth: Decimal = IMPACT_USD) -> Decimal | None:
    """Return the average price at which `worth` USD would trade; None if `levels` hold less.

    Examples
    --------
    >>> impact([(Decimal(100), Decimal(1)), (Decimal(200), Decimal(1))], Decimal(200))
    Decimal('133.333333333')
    """
    left, got = worth, Decimal(0)
    for price, size in levels:
        taken = min(left, price * size)
        got += taken / price
        left -= taken
        if not left:
            return quotient(worth, got)
    return None


def _candle(row: wire.Kline, symbol: str, interval: Interval, over: datetime) -> Candle:
    opens = moment(row[0])
    closes = opens + INTERVALS[interval]
    return Candle(
        coin=coin_of(symbol),
        interval=interval,
        open_time=opens,
        close_time=closes,
        open=positive(row[1], "open"),
        high=positive(row[2], "high"),
        low=positive(row[3], "low"),
        close=positive(row[4], "close"),
        volume=known(row[5]),
        trades=row[8],
        closed=closes <= over,
        origin="rest",
    )


def _trade_of(row: wire.AggregateTrade) -> Trade:
    return Trade(
        coin=coin_of(row.s),
        price=positive(row.p, "price"),
        size=positive(row.q, "quantity"),
        ms=row.T,
        tid=row.a,
        buyer="",
        seller="",
        buyer_is_taker=not row.m,
    )


def _top_of(row: wire.Depth) -> Top | None:
    if not (row.b and row.a):
        return None
    bids, asks = (
        [(positive(p, "price"), positive(q, "size")) for p, q in side] for side in (row.b, row.a)
    )
    if bids[0][0] >= asks[0][0]:
        raise WireFormatError(f"a book of {row.s} is crossed")
    return Top(row.s, row.T, bids[0][0], asks[0][0], impact(bids), impact(asks))


def _number(text: str) -> Decimal:
    try:
        return msgspec.convert(text, Decimal)
    except msgspec.ValidationError as e:
        raise WireFormatError(f"{text[:50]!r} is not a number") from e
