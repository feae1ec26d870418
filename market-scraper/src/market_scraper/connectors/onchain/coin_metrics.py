"""Coin Metrics' community API: what bitcoin's holders paid, who moves it, where it flows. Daily, no key.

``GET /v4/timeseries/asset-metrics?assets=btc&metrics=...&frequency=1d&start_time=2025-10-01&page_size=10000``
answers, as its documentation says::

    {
        "data": [
            {
                "asset": "btc",
                "time": "2025-10-01T00:00:00.000000000Z",
                "AdrActCnt": "812345",
                "CapMVRVCur": "2.2",
                "FlowInExUSD": "1.0E9",
                "FlowOutExUSD": null,
                "HashRate": "1.05E9",
            }
        ],
        "next_page_token": "...",
        "next_page_url": "https://...",
    }

A day appears once it is over; a figure that is not computed yet is ``null`` or left out. A page holds
10,000 days, so there is never a second one. Two figures are computed here: NUPL is ``1 - 1/MVRV``,
because both compare market with realised capitalisation, and exchange netflow is inflow less outflow.
**Not seen live yet.**
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Context, Decimal
from typing import Final

import msgspec

from market_scraper.connectors.context_metrics import ContextSource, Reading
from market_scraper.connectors.decoding import decoded, decoder_of
from market_scraper.errors import WireFormatError

_ASKED = "CapMVRVCur,AdrActCnt,HashRate,FlowInExUSD,FlowOutExUSD"
_DIGITS = Context(prec=12)


class _Day(msgspec.Struct):
    time: datetime
    mvrv: Decimal | None = msgspec.field(default=None, name="CapMVRVCur")
    active: Decimal | None = msgspec.field(default=None, name="AdrActCnt")
    hash_rate: Decimal | None = msgspec.field(default=None, name="HashRate")
    inflow: Decimal | None = msgspec.field(default=None, name="FlowInExUSD")
    outflow: Decimal | None = msgspec.field(default=None, name="FlowOutExUSD")


class _Answer(msgspec.Struct):
    data: list[_Day]


_answer = decoder_of(_Answer)


def parse(raw: bytes) -> Iterator[Reading]:
    """Yield what is known of each day.

    Raises
    ------
    WireFormatError
        If `raw` has another shape.
    """
    answer = decoded(_answer, raw, "Coin Metrics")
    for day in answer.data:
        if day.time.utcoffset() is None:
            raise WireFormatError("Coin Metrics names a moment without its offset")
        figures = (
            ("btc_mvrv", day.mvrv, "ratio"),
            ("btc_nupl", _nupl(day.mvrv), "fraction"),
            ("btc_active_addresses", day.active, "addresses a day"),
            ("btc_hash_rate", day.hash_rate, "TH/s"),
            ("btc_exchange_netflow", _netflow(day.inflow, day.outflow), "USD a day"),
        )
        for metric, value, unit in figures:
            if value is not None:
                yield Reading(metric, day.time, value, unit)


def _nupl(mvrv: Decimal | None) -> Decimal | None:
    if not mvrv or not mvrv.is_finite():
        return None
    return 1 - _DIGITS.divide(Decimal(1), mvrv)


def _netflow(inflow: Decimal | None, outflow: Decimal | None) -> Decimal | None:
    return None if inflow is None or outflow is None else inflow - outflow


def _pages(base_url: str, since: date, _today: date) -> Sequence[str]:
    query = f"assets=btc&metrics={_ASKED}&frequency=1d&start_time={since}&page_size=10000"
    return (f"{base_url}/v4/timeseries/asset-metrics?{query}",)


SOURCE: Final = ContextSource(
    name="coin_metrics",
    base_url="https://community-api.coinmetrics.io",
    every_seconds=3_600,
    pages=_pages,
    parse=parse,
)
