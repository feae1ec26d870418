"""Binance's messages, field by field, under the venue's own names."""

from decimal import Decimal

import msgspec

Kline = tuple[
    int, Decimal, Decimal, Decimal, Decimal, Decimal, int, Decimal, int, Decimal, Decimal, str
]
"""Opens, open, high, low, close, volume, closes, volume in USDT, trades, bought by takers twice, unused."""


class Premium(msgspec.Struct, rename="camel"):
    """``premiumIndex``; the rate is empty where a market has none."""

    symbol: str
    mark_price: Decimal
    index_price: Decimal
    last_funding_rate: str
    time: int


class Interest(msgspec.Struct, rename="camel"):
    """``openInterest``, in the coin."""

    symbol: str
    open_interest: Decimal
    time: int


class FundingInterval(msgspec.Struct, rename="camel"):
    """A row of ``fundingInfo``."""

    symbol: str
    funding_interval_hours: int


class FundingRate(msgspec.Struct, rename="camel"):
    """A row of ``fundingRate``."""

    symbol: str
    funding_rate: Decimal
    funding_time: int


class Frame(msgspec.Struct):
    """What travels on a combined stream."""

    stream: str
    data: msgspec.Raw


class AggregateTrade(msgspec.Struct):
    """``aggTrade``: fills of one order at one price."""

    s: str
    a: int
    p: Decimal
    q: Decimal
    T: int
    m: bool


class Depth(msgspec.Struct):
    """``depthUpdate`` of a partial book: the best levels, whole."""

    s: str
    T: int
    b: list[tuple[Decimal, Decimal]]
    a: list[tuple[Decimal, Decimal]]
