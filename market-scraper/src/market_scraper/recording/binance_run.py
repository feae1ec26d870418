"""What one run of a recorded scraper knows of Binance, and what each page makes of that."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from market_scraper.connectors.binance.collectors import context
from market_scraper.connectors.binance.parse import (
    USUAL_FUNDING_HOURS,
    Premium,
    Top,
    parse_funding_hours,
    parse_klines,
    parse_open_interest,
    parse_premium,
    parse_stream,
)
from market_scraper.connectors.binance.tapped import STREAM
from market_scraper.errors import WireFormatError
from market_scraper.intervals import INTERVALS
from market_scraper.positions.ledger import Trade
from market_scraper.processors.trade_flow import FlowBars
from shared_events.payloads import Interval

_SETTLE = timedelta(seconds=2)


class BinanceRun:
    """Facts out of Binance's frames and answers."""

    def __init__(self) -> None:
        self._bars = FlowBars(named=False)
        self._tops: dict[str, Top] = {}
        self._hours: dict[str, int] = {}
        self._premiums: dict[str, Premium] = {}
        self._closes: dict[str, datetime] = {}

    def facts(self, what: str, body: bytes, now: datetime) -> Iterator[Any]:
        """Yield what the frame or the answer to `what` tells, received `now`.

        Raises
        ------
        WireFormatError
            If it tells nothing, as live.
        """
        if what == STREAM:
            return self._frame(body)
        parts = urlsplit(what)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        match parts.path.rpartition("/")[2]:
            case "klines":
                return self._candles(asked, body, now)
            case "fundingInfo":
                self._hours = dict(parse_funding_hours(body))
            case "premiumIndex":
                self._premiums[asked["symbol"]] = parse_premium(body)
            case "openInterest":
                return self._context(asked["symbol"], body)
            case _:
                pass
        return iter(())

    def _frame(self, body: bytes) -> Iterator[Any]:
        match parse_stream(body):
            case Trade() as trade:
                self._bars.take(trade, ())
            case Top() as top:
                self._tops[top.symbol] = top
            case _:
                pass
        return iter(list(self._bars.over()))

    def _context(self, symbol: str, body: bytes) -> Iterator[Any]:
        interest, premium = parse_open_interest(body), self._premiums.get(symbol)
        if premium is not None:
            every = self._hours.get(symbol, USUAL_FUNDING_HOURS)
            yield context(symbol, premium, interest, every, self._tops.get(symbol))

    def _candles(self, asked: dict[str, str], body: bytes, now: datetime) -> Iterator[Any]:
        if asked["interval"] not in INTERVALS:
            raise WireFormatError(f"candles of unknown interval {asked['interval']!r}")
        interval = cast(Interval, asked["interval"])
        for candle in parse_klines(body, asked["symbol"], interval, now - _SETTLE):
            last = self._closes.get(candle.subject)
            if candle.closed and (last is None or candle.open_time >= last):
                self._closes[candle.subject] = candle.close_time
                yield candle
