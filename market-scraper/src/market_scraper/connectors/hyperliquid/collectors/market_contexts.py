"""Read how every market stands, and which markets there are."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from market_scraper.collecting import Pulse
from market_scraper.connectors.hyperliquid.parse import parse_contexts
from market_scraper.connectors.hyperliquid.rest import InfoClient
from market_scraper.connectors.hyperliquid.venue_time import VenueTime
from market_scraper.outlet import Outlet
from market_scraper.processors.contexts import ContextNews
from shared_events.payloads import MarketContext
from shared_events.runtime.clock import Clock


class MarketContextsCollector:
    """Publishes what `ContextNews` says is worth it.

    Parameters
    ----------
    known
        Every market as it was last told; shared with who reads other exchanges.
    on_coins
        Called with the coins that are listed, after every reading.
    every_seconds
        How often to read; 20 request weights each time.
    """

    name: ClassVar[str] = "market_contexts"

    def __init__(  # noqa: PLR0913 -- each is a collaborator of its own
        self,
        info: InfoClient,
        outlet: Outlet,
        known: ContextNews,
        venue_time: VenueTime,
        clock: Clock,
        on_coins: Callable[[Sequence[str]], None],
        *,
        every_seconds: float = 10.0,
    ) -> None:
        self.pulse = Pulse()
        self._known = known
        self._info = info
        self._outlet = outlet
        self._venue_time = venue_time
        self._clock = clock
        self._on_coins = on_coins
        self._every_seconds = every_seconds

    @property
    def contexts(self) -> dict[str, MarketContext]:
        """Every listed market as it was last told."""
        return self._known.contexts

    async def collect(self) -> None:
        """Read and publish until cancelled."""
        while True:
            raw = await self._info.meta_and_contexts()
            contexts = parse_contexts(raw, self._venue_time.now())
            self._on_coins([context.coin for context in contexts if not context.delisted])
            await self._outlet.tell(self._known.take(contexts))
            self.pulse.beat(self._clock.now(), self._every_seconds)
            await self._clock.sleep(self._every_seconds)
