"""Hyperliquid's candles."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from market_scraper.connectors.hyperliquid.parse import parse_candles
from market_scraper.connectors.hyperliquid.rest import InfoClient
from market_scraper.intervals import INTERVALS
from market_scraper.moments import milliseconds
from market_scraper.outlet import SOURCE
from shared_events.payloads import Candle, Interval


class HyperliquidCandles:
    """Asks for candles within the request budget; see `CandleSource`."""

    name: ClassVar[str] = SOURCE
    page: ClassVar[int] = 5_000

    def __init__(self, info: InfoClient) -> None:
        self._info = info

    async def candles(
        self, coin: str, interval: Interval, start: datetime, end: datetime, over: datetime
    ) -> Sequence[Candle]:
        """Return candles that opened from `start` to `end`, closed if they ended by `over`."""
        raw = await self._info.candles(
            coin,
            interval,
            milliseconds(start),
            milliseconds(end),
            most_rows=(end - start) // INTERVALS[interval] + 2,
        )
        return parse_candles(raw, over, "rest")
