"""Read how every market stands, and which markets there are."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from market_scraper.collecting import Pulse
from market_scraper.connectors.hyperliquid.parse import parse_contexts
from market_scraper.connectors.hyperliquid.rest import InfoClient
from market_scraper.connectors.hyperliquid.venue_time import VenueTime
from market_scraper.outlet import Outlet
from shared_events.payloads import MarketContext
from shared_events.runtime.clock import Clock

REPEAT_SECONDS = 30.0
"""A price that is not repeated cannot be told from one that is not known any more."""


class MarketContextsCollector:
    """Publishes the contexts that changed, and every one once in `REPEAT_SECONDS`.

    Parameters
    ----------
    on_coins
        Called with the coins that are listed, after every reading.
    every_seconds
        How often to read; 20 request weights each time.
    """

    name: ClassVar[str] = "market_contexts"

    def __init__(
        self,
        info: InfoClient,
        outlet: Outlet,
        venue_time: VenueTime,
        clock: Clock,
        on_coins: Callable[[Sequence[str]], None],
        *,
        every_seconds: float = 10.0,
    ) -> None:
        self.pulse = Pulse()
        self.contexts: dict[str, MarketContext] = {}
        self._info = info
        self._outlet = outlet
        self._venue_time = venue_time
        self._clock = clock
        self._on_coins = on_coins
        self._every_seconds = every_seconds

    async def collect(self) -> None:
        """Read and publish until cancelled."""
        while True:
            raw = await self._info.meta_and_contexts()
            contexts = parse_contexts(raw, self._venue_time.now())
            self._on_coins([context.coin for context in contexts if not context.delisted])
            news = [context for context in contexts if self._is_news(context)]
            self.contexts |= {context.coin: context for context in news}
            await self._outlet.tell(news)
            self.pulse.beat(self._clock.now(), self._every_seconds)
            await self._clock.sleep(self._every_seconds)

    def _is_news(self, context: MarketContext) -> bool:
        before = self.contexts.get(context.coin)
        if before is None or (context.at - before.at).total_seconds() >= REPEAT_SECONDS:
            return True
        return before.model_copy(update={"at": context.at}) != context
