"""Read which perpetuals builders list beside the venue's own, and how those stand."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from market_scraper.collecting import Pulse
from market_scraper.connectors.hyperliquid.builders import CONTEXTS, BuilderMarkets
from market_scraper.connectors.hyperliquid.feed import Feed
from market_scraper.connectors.hyperliquid.parse import parse_metas
from market_scraper.connectors.hyperliquid.rest import InfoClient
from market_scraper.connectors.hyperliquid.session import Data, Subscription
from market_scraper.connectors.hyperliquid.venue_time import VenueTime
from market_scraper.outlet import Outlet
from market_scraper.processors.contexts import ContextNews
from shared_events.payloads import MarketContext
from shared_events.runtime.clock import Clock

_LOOK_SECONDS = 0.5


class BuilderMarketsCollector:
    """Asks for the lists of all exchanges at once; how their markets stand comes over one subscription.

    Parameters
    ----------
    known
        Every market as it was last told; shared with who reads the venue's own exchange.
    on_coins
        Called with the builders' coins that trade, after every reading.
    every_seconds
        How often the lists are read; 20 request weights each time.
    """

    name: ClassVar[str] = "builder_markets"

    def __init__(  # noqa: PLR0913, PLR0917 -- each is a collaborator of its own
        self,
        info: InfoClient,
        feed: Feed,
        outlet: Outlet,
        known: ContextNews,
        venue_time: VenueTime,
        clock: Clock,
        on_coins: Callable[[Sequence[str]], None],
        *,
        every_seconds: float = 60.0,
    ) -> None:
        self.pulse = Pulse()
        self._markets = BuilderMarkets()
        self._untold: list[MarketContext] = []
        self._info = info
        self._feed = feed
        self._outlet = outlet
        self._known = known
        self._venue_time = venue_time
        self._clock = clock
        self._on_coins = on_coins
        self._every_seconds = every_seconds
        feed.on_data[CONTEXTS] = self._on_contexts

    async def collect(self) -> None:
        """Read and publish until cancelled."""
        self._feed.subscribe(Subscription(CONTEXTS))
        due = float("-inf")
        while True:
            now = self._clock.now().timestamp()
            if now >= due:
                assets = parse_metas(await self._info.all_metas())
                self._on_coins(self._markets.listed(assets))
                self.pulse.beat(self._clock.now(), self._every_seconds)
                due = now + self._every_seconds
            untold, self._untold = self._untold, []
            await self._outlet.tell(untold)
            await self._clock.sleep(_LOOK_SECONDS)

    def _on_contexts(self, data: Data) -> None:
        contexts = self._markets.contexts(data.raw, self._venue_time.now())
        self._untold += self._known.take(contexts)
