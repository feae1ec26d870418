"""Hyperliquid's candles."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import ClassVar

from market_scraper.connectors.hyperliquid.feed import Feed
from market_scraper.connectors.hyperliquid.parse import parse_candles
from market_scraper.connectors.hyperliquid.rest import InfoClient
from market_scraper.connectors.hyperliquid.session import TradesSeen
from market_scraper.intervals import INTERVALS
from market_scraper.moments import milliseconds
from market_scraper.outlet import SOURCE
from market_scraper.processors.candles import BuiltCandles
from shared_events.payloads import Candle, Interval


class HyperliquidCandles:
    """Asks for candles within the request budget; see `CandleSource`.

    Parameters
    ----------
    feed, coins, intervals
        The trades of which series the candles are held against; without a feed they are taken as they come.
    """

    name: ClassVar[str] = SOURCE
    page: ClassVar[int] = 5_000

    def __init__(
        self,
        info: InfoClient,
        feed: Feed | None = None,
        coins: Collection[str] = (),
        intervals: Sequence[Interval] = (),
    ) -> None:
        self.built = BuiltCandles(intervals)
        self._info = info
        self._coins = coins
        if feed is not None:
            feed.on_trades.append(self._on_trades)

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
        return [self.built.checked(candle) for candle in parse_candles(raw, over, "rest")]

    def _on_trades(self, seen: TradesSeen) -> None:
        if seen.coin in self._coins:
            self.built.take(seen.taken.trades)
