"""Who has to know which coins trade: the feed that follows them, and the ledger when one ends."""

from collections.abc import Callable, Sequence

from market_scraper.connectors.hyperliquid.collectors.trader_positions import (
    TraderPositionsCollector,
)
from market_scraper.connectors.hyperliquid.feed import Feed
from market_scraper.connectors.hyperliquid.listing import Listing
from market_scraper.connectors.hyperliquid.venue_time import VenueTime
from market_scraper.moments import milliseconds


class Markets:
    """Follows every coin that is listed on any exchange and kept.

    Parameters
    ----------
    kept
        Returns which of the listed coins are followed now.
    """

    def __init__(
        self,
        feed: Feed,
        positions: TraderPositionsCollector,
        venue_time: VenueTime,
        kept: Callable[[Sequence[str]], Sequence[str]],
    ) -> None:
        self._listing = Listing()
        self._feed = feed
        self._positions = positions
        self._venue_time = venue_time
        self._kept = kept

    def venue(self, coins: Sequence[str]) -> None:
        """Note which coins trade on the venue's own exchange."""
        self._take("venue", coins)

    def builders(self, coins: Sequence[str]) -> None:
        """Note which coins trade on the exchanges of builders."""
        self._take("builders", coins)

    def _take(self, part: str, coins: Sequence[str]) -> None:
        ended = self._listing.take(part, coins)
        self._feed.follow(self._kept(self._listing.coins))
        for coin in ended:
            self._positions.ended(coin, milliseconds(self._venue_time.now()))
