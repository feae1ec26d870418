"""What is asked of Binance: candles, how its markets stand, what funding was paid."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from market_scraper.collecting import Pulse
from market_scraper.connectors.binance.parse import (
    USUAL_FUNDING_HOURS,
    VENUE,
    Premium,
    Top,
    coin_of,
    parse_funding_hours,
    parse_funding_rates,
    parse_klines,
    parse_open_interest,
    parse_premium,
)
from market_scraper.connectors.binance.rest import BinanceClient
from market_scraper.connectors.context_metrics import ContextSource, Reading
from market_scraper.intervals import INTERVALS
from market_scraper.moments import milliseconds, moment
from market_scraper.outlet import Outlet
from market_scraper.positions.numbers import quotient
from shared_events.payloads import Candle, Interval, MarketContext
from shared_events.runtime.clock import Clock

BASE_URL: Final = "https://fapi.binance.com"
STREAM_URL: Final = "wss://fstream.binance.com"
SYMBOL: Final = re.compile("[A-Z0-9_]{2,30}")

_FRESH_MS = 10_000
_FUNDING_SECONDS = 3_600.0
_FUNDING_KEPT = timedelta(days=300)  # three payments a day, and an answer holds a thousand


class BinanceCandles:
    """See `CandleSource`."""

    name = VENUE
    page = 1_500

    def __init__(self, client: BinanceClient) -> None:
        self._client = client

    async def candles(
        self, coin: str, interval: Interval, start: datetime, end: datetime, over: datetime
    ) -> Sequence[Candle]:
        """Return candles that opened from `start` to `end`, closed if they ended by `over`."""
        most = min((end - start) // INTERVALS[interval] + 2, self.page)
        raw = await self._client.klines(
            coin, interval, milliseconds(start), milliseconds(end), most
        )
        return parse_klines(raw, coin, interval, over)


class BinanceContexts:
    """Tells how the markets stand: mark, index, funding and open interest, with the top of the book.

    Parameters
    ----------
    tops
        The newest top of every book, as the stream brings them; one that is old is left out.
    every_seconds
        How often to ask; two request weights a market each time.
    """

    name = f"{VENUE}_contexts"

    def __init__(
        self,
        client: BinanceClient,
        symbols: tuple[str, ...],
        tops: Mapping[str, Top],
        outlet: Outlet,
        clock: Clock,
        every_seconds: float,
    ) -> None:
        self.pulse = Pulse()
        self._client = client
        self._symbols = symbols
        self._tops = tops
        self._outlet = outlet
        self._clock = clock
        self._every_seconds = every_seconds

    async def collect(self) -> None:
        """Ask and tell until cancelled."""
        hours = parse_funding_hours(await self._client.funding_intervals())
        while True:
            for symbol in self._symbols:
                premium = parse_premium(await self._client.premium(symbol))
                interest = parse_open_interest(await self._client.open_interest(symbol))
                every = hours.get(symbol, USUAL_FUNDING_HOURS)
                fact = context(symbol, premium, interest, every, self._tops.get(symbol))
                await self._outlet.tell([fact], source=VENUE)
            self.pulse.beat(self._clock.now(), self._every_seconds)
            await self._clock.sleep(self._every_seconds)


def context(
    symbol: str, premium: Premium, interest: Decimal, funding_hours: int, top: Top | None
) -> MarketContext:
    """Return one market's context as of its premium; funding is told by the hour, as everywhere here."""
    if top is not None and abs(top.at_ms - premium.at_ms) > _FRESH_MS:
        top = None
    rate = premium.rate
    return MarketContext(
        coin=coin_of(symbol),
        dex=VENUE,
        at=moment(premium.at_ms),
        mark=premium.mark,
        oracle=premium.index,
        premium=quotient(premium.mark - premium.index, premium.index),
        funding=None if rate is None else quotient(rate, Decimal(funding_hours)),
        open_interest=interest,
        bid=top.bid if top else None,
        ask=top.ask if top else None,
        mid=(top.bid + top.ask) / 2 if top else None,
        impact_bid=top.impact_bid if top else None,
        impact_ask=top.impact_ask if top else None,
    )


def funding_source(base_url: str, symbols: Sequence[str]) -> ContextSource:
    """Return the source of the funding that was paid, one reading a payment.

    The venue stamps payments some milliseconds past the hour; a reading is of the second.
    """

    def pages(_: str, since: date, today: date) -> Sequence[str]:
        first = max(since, today - _FUNDING_KEPT)
        start = milliseconds(datetime.combine(first, time(), tzinfo=UTC))
        query = f"startTime={start}&limit=1000"
        return [f"{base_url}/fapi/v1/fundingRate?symbol={symbol}&{query}" for symbol in symbols]

    def parse(raw: bytes) -> Sequence[Reading]:
        return [
            Reading(
                f"funding_{coin_of(symbol)}", moment(ms - ms % 1_000), rate, "fraction a payment"
            )
            for symbol, ms, rate in parse_funding_rates(raw)
        ]

    return ContextSource(f"{VENUE}_funding", base_url, _FUNDING_SECONDS, pages, parse)
