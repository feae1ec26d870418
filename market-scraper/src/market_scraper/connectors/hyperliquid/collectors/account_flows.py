"""Tell what changed accounts without a trade: funding and transfers of the verified, leverage of all."""

from collections.abc import Sequence
from decimal import Decimal
from typing import ClassVar

from market_scraper.collecting import Pulse
from market_scraper.connectors.hyperliquid.collectors.trader_positions import (
    TraderPositionsCollector,
)
from market_scraper.connectors.hyperliquid.feed import Feed
from market_scraper.connectors.hyperliquid.parse_flows import (
    LEDGER_UPDATES,
    USER_FUNDINGS,
    OwnFlows,
    parse_funding_frame,
    parse_ledger_frame,
)
from market_scraper.connectors.hyperliquid.session import Data
from market_scraper.moments import moment
from market_scraper.outlet import Outlet
from market_scraper.positions.anchors import Account
from shared_events.payloads import AccountFlow
from shared_events.runtime.clock import Clock

_LOOK_SECONDS = 0.5
_MOST_REMEMBERED = 20_000
_Leverages = dict[str, Decimal]


class AccountFlowsCollector:
    """Publishes `AccountFlow`, none twice in one run.

    The channels of those who have a place on the websocket begin with a snapshot on every connection:
    what it repeats is not told again. A leverage change makes no trade and no entry: it is
    seen when a state differs from the one before.
    """

    name: ClassVar[str] = "account_flows"

    def __init__(
        self, feed: Feed, positions: TraderPositionsCollector, outlet: Outlet, clock: Clock
    ) -> None:
        self.pulse = Pulse()
        self._outlet = outlet
        self._clock = clock
        self._news: list[AccountFlow] = []
        self._told: dict[tuple[str, str], None] = {}
        self._leverages: dict[tuple[str, str], _Leverages] = {}
        feed.on_data[USER_FUNDINGS] = self._on_funding
        feed.on_data[LEDGER_UPDATES] = self._on_ledger
        self._positions = positions
        positions.on_state.append(self.stated)

    async def collect(self) -> None:
        """Tell what came in, until cancelled."""
        while True:
            news, self._news = self._news, []
            await self._outlet.tell(news)
            self.pulse.beat(self._clock.now(), _LOOK_SECONDS)
            await self._clock.sleep(_LOOK_SECONDS)

    def stated(self, accounts: Sequence[Account]) -> None:
        """Compare the leverage of books that the venue has just stated with what it was."""
        for account in accounts:
            now = {c: h.leverage for c, h in account.holdings.items() if h.leverage is not None}
            before = self._leverages.get(account.id, {})
            for coin, leverage in now.items():
                if coin in before and before[coin] != leverage:
                    self._news.append(_changed(account, coin, leverage))
            self._leverages[account.id] = now
        if len(self._leverages) > 2 * len(self._positions.books.accounts) + _MOST_REMEMBERED:
            self._forget()

    def _forget(self) -> None:
        """Remember only those who are followed still."""
        members = self._positions.members
        self._leverages = {
            book: known for book, known in self._leverages.items() if book[0] in members
        }

    def _on_funding(self, data: Data) -> None:
        self._take(parse_funding_frame(data.raw))

    def _on_ledger(self, data: Data) -> None:
        self._take(parse_ledger_frame(data.raw))

    def _take(self, own: OwnFlows) -> None:
        for flow in own.flows:
            key = own.address, flow.identity
            if key not in self._told:
                self._told[key] = None
                self._news.append(flow)
        while len(self._told) > _MOST_REMEMBERED:
            del self._told[next(iter(self._told))]


def _changed(account: Account, coin: str, leverage: Decimal) -> AccountFlow:
    return AccountFlow(
        address=account.address,
        at=moment(account.anchored_ms or account.as_of_ms),
        kind="leverage",
        coin=coin,
        leverage=leverage,
    )
