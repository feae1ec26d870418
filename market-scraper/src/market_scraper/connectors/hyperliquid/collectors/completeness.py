"""Hear the one-minute candles of the followed coins, by which missed trades are found."""

from collections.abc import Callable, Collection
from typing import ClassVar

from market_scraper.collecting import Pulse
from market_scraper.connectors.hyperliquid.collectors.trader_positions import (
    TraderPositionsCollector,
)
from market_scraper.connectors.hyperliquid.feed import Feed
from market_scraper.connectors.hyperliquid.session import Data, Subscription
from shared_events.runtime.clock import Clock

CANDLES = "candle"
_LOOK_SECONDS = 1.0


class CompletenessCollector:
    """Keeps the subscriptions; the ledger compares.

    Parameters
    ----------
    coins
        Returns whose candles are heard now: one subscription each, no request weight.
    """

    name: ClassVar[str] = "completeness"

    def __init__(
        self,
        feed: Feed,
        positions: TraderPositionsCollector,
        clock: Clock,
        coins: Callable[[], Collection[str]],
    ) -> None:
        self.pulse = Pulse()
        self._feed = feed
        self._positions = positions
        self._clock = clock
        self._coins = coins
        self._heard: set[str] = set()
        feed.on_data[CANDLES] = self._on_candle

    async def collect(self) -> None:
        """Keep the subscriptions right until cancelled."""
        while True:
            wanted = set(self._coins())
            for coin in self._heard - wanted:
                self._feed.unsubscribe(Subscription(CANDLES, coin, "1m"))
            for coin in wanted:
                self._feed.subscribe(Subscription(CANDLES, coin, "1m"))
            self._heard = wanted
            self.pulse.beat(self._clock.now(), _LOOK_SECONDS)
            await self._clock.sleep(_LOOK_SECONDS)

    def _on_candle(self, data: Data) -> None:
        self._positions.take_candle(data.raw)
