"""Listen to the own fills of the most important wallets: they prove what those hold."""

import asyncio
from typing import ClassVar

import structlog

from market_scraper.collecting import Pulse
from market_scraper.connectors.hyperliquid.collectors.trader_positions import (
    TraderPositionsCollector,
)
from market_scraper.connectors.hyperliquid.feed import Feed
from market_scraper.connectors.hyperliquid.parse_flows import LEDGER_UPDATES, USER_FUNDINGS
from market_scraper.connectors.hyperliquid.parse_history import USER_FILLS, parse_user_fills
from market_scraper.connectors.hyperliquid.session import Data, Subscription
from market_scraper.outlet import Outlet
from market_scraper.positions.anchors import Account, Doubt
from market_scraper.positions.information import importance
from market_scraper.positions.slots import Slots
from shared_events.payloads import TraderFill
from shared_events.runtime.clock import Clock

log = structlog.get_logger()

CHANNELS = (USER_FILLS, USER_FUNDINGS, LEDGER_UPDATES)
"""What is listened to of a wallet that has a place."""

_LOOK_SECONDS = 0.25
_ASSIGN_SECONDS = 10.0
_FILL_SECONDS = 1.0
_AT_ONCE = 2_000
_MANY_ATTEMPTS = 2
"""After so many states that settled nothing, a wallet's own fills are asked."""


class TraderFillsCollector:
    """Gives the venue's few places to wallets, and what their channels tell to the ledger and the bus.

    Parameters
    ----------
    positions
        The ledger; says whose book is in doubt.
    most
        How many places there are.
    """

    name: ClassVar[str] = "trader_fills"

    def __init__(
        self,
        feed: Feed,
        positions: TraderPositionsCollector,
        outlet: Outlet,
        clock: Clock,
        *,
        most: int,
    ) -> None:
        self.pulse = Pulse()
        self.slots = Slots(most)
        self._feed = feed
        self._positions = positions
        self._outlet = outlet
        self._clock = clock
        self._heard: set[str] = set()
        self._news: list[TraderFill] = []
        feed.on_data[USER_FILLS] = self._on_fills
        positions.on_learned.append(self._on_learned)
        positions.verified = self.verified

    def verified(self) -> frozenset[str]:
        """Return whose own fills are heard now."""
        return (
            self.slots.held & self._heard if self._feed.open == self._feed.needed else frozenset()
        )

    async def collect(self) -> None:
        """Give places and tell fills until cancelled."""
        assigned = float("-inf")
        while True:
            now = self._clock.now().timestamp()
            if now - assigned >= (_ASSIGN_SECONDS if self.slots.full else _FILL_SECONDS):
                self.slots.assign(await self._importance(), now)
                assigned = now
            self.slots.lend(now)
            self._listen()
            news, self._news = self._news, []
            await self._outlet.tell(news)
            self.pulse.beat(self._clock.now(), _LOOK_SECONDS)
            await self._clock.sleep(_LOOK_SECONDS)

    async def _importance(self) -> dict[str, float]:
        """Return how important everybody with a known book is; some at a time, there are many."""
        accounts, members = self._positions.books.accounts, self._positions.members
        found: dict[str, float] = {}
        for number, address in enumerate(list(members), 1):
            account, member = accounts.get(address), members.get(address)
            if account and member and account.anchored:
                found[address] = importance(account, member)
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
        return found

    def _listen(self) -> None:
        wanted, heard = self.slots.held, self._feed.users
        for address in heard - wanted:
            self._heard.discard(address)
            for channel in CHANNELS:
                self._feed.unsubscribe(Subscription(channel, user=address))
        for address in wanted - heard:
            for channel in CHANNELS:
                self._feed.subscribe(Subscription(channel, user=address))
        if wanted != heard:
            log.debug("listening", wallets=len(self._feed.users), new=len(wanted - heard))

    def _on_fills(self, data: Data) -> None:
        own = parse_user_fills(data.raw)
        self._heard.add(own.address)
        self._news += self._positions.take_fills(own)

    def _on_learned(self, account: Account) -> None:
        """Borrow a place for a book that states cannot settle; give it back when nothing is in doubt."""
        if not account.doubts:
            self.slots.give_back(account.address)
        elif Doubt.MISMATCH in account.doubts.values() or account.attempts >= _MANY_ATTEMPTS:
            self.slots.ask(account.address)
