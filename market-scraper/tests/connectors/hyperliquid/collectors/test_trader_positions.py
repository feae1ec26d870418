"""What the collector makes of a gap, without a venue: nothing is asked here."""

from decimal import Decimal

import aiohttp

from market_scraper.connectors.hyperliquid.budget import WeightBudget
from market_scraper.connectors.hyperliquid.collectors.trader_positions import (
    TraderPositionsCollector,
)
from market_scraper.connectors.hyperliquid.feed import Feed
from market_scraper.connectors.hyperliquid.rest import InfoClient
from market_scraper.connectors.hyperliquid.session import TradesSeen
from market_scraper.connectors.hyperliquid.tape import Taken
from market_scraper.connectors.hyperliquid.throttle import Throttle
from market_scraper.connectors.hyperliquid.venue_time import VenueTime
from market_scraper.moments import milliseconds
from market_scraper.outlet import Outlet
from market_scraper.positions.anchors import BookId, State
from market_scraper.positions.ledger import Holding
from market_scraper.positions.roster import Member
from market_scraper.storage.memory import MemoryRepository
from shared_events.bus.buffered import buffered
from shared_events.bus.memory import MemoryEventBus
from shared_events.runtime.clock import ManualClock
from shared_events.testing.factories import NOON, an_address

ALICE = an_address(1)
T0 = milliseconds(NOON)


async def test_a_gap_is_closed_when_the_only_trader_it_left_in_doubt_is_tracked_no_more(
    clock: ManualClock,
) -> None:
    nowhere = "http://127.0.0.1:1"
    async with (
        aiohttp.ClientSession() as http,
        buffered(MemoryEventBus(), clock=clock) as publisher,
    ):
        feed = Feed("ws://127.0.0.1:1", clock)
        collector = TraderPositionsCollector(
            InfoClient(http, nowhere, nowhere, Throttle(WeightBudget(1200), clock)),
            feed,
            VenueTime(feed.tape, clock),
            Outlet(publisher, clock),
            MemoryRepository(),
            clock,
        )
        collector.add_trader(Member(ALICE, Decimal(50), "test"))
        held = {"BTC": Holding("BTC", Decimal(1))}
        collector.books.state(BookId(ALICE), State(T0, Decimal(1000), held))

        for listen in feed.on_trades:
            listen(TradesSeen("BTC", Taken((), covered_from_ms=T0 + 60_000, gap=True)))
        assert (collector.following.gaps_found, collector.following.gaps_closed) == (1, 0)

        collector.remove_trader(ALICE)

        assert (collector.following.gaps_found, collector.following.gaps_closed) == (1, 1)
