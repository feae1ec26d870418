"""Tell, second by second, what was bought and sold of the coins that are watched."""

from collections.abc import Collection
from typing import ClassVar

from market_scraper.collecting import Pulse
from market_scraper.connectors.hyperliquid.feed import Feed
from market_scraper.connectors.hyperliquid.session import TradesSeen
from market_scraper.outlet import Outlet
from market_scraper.processors.trade_flow import FlowBars
from shared_events.runtime.clock import Clock

_LOOK_SECONDS = 0.5


class TradeFlowCollector:
    """Publishes one-second bars.

    Parameters
    ----------
    feed
        Brings the trades.
    coins
        Which coins are watched, as they are at any time.
    tracked
        The tracked addresses, as they are at any time.
    """

    name: ClassVar[str] = "trade_flow"

    def __init__(
        self,
        feed: Feed,
        outlet: Outlet,
        clock: Clock,
        *,
        coins: Collection[str],
        tracked: Collection[str],
    ) -> None:
        self.pulse = Pulse()
        self._outlet = outlet
        self._clock = clock
        self._coins = coins
        self._tracked = tracked
        self._bars = FlowBars()
        feed.on_trades.append(self._on_trades)

    async def collect(self) -> None:
        """Tell the seconds that are over, until cancelled."""
        while True:
            await self._clock.sleep(_LOOK_SECONDS)
            await self._outlet.tell(list(self._bars.over()))
            self.pulse.beat(self._clock.now(), _LOOK_SECONDS)

    def _on_trades(self, seen: TradesSeen) -> None:
        if seen.coin in self._coins and seen.taken.covered_from_ms is None:
            for trade in seen.taken.trades:
                self._bars.take(trade, self._tracked)
