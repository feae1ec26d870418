"""What asking for the past needs: a client with a small budget, a store, and somewhere to tell it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from market_scraper.backfill.filling import Filling
from market_scraper.config import Settings
from market_scraper.connectors.hyperliquid.budget import WeightBudget
from market_scraper.connectors.hyperliquid.rest import InfoClient, info_session
from market_scraper.connectors.hyperliquid.throttle import Throttle, Urgency
from market_scraper.orchestration.lifecycle import open_repository
from market_scraper.orchestration.sharing import shared_budget
from market_scraper.outlet import SOURCE, happened
from market_scraper.storage.keeper import Keeper
from market_scraper.storage.repository import Repository
from shared_events.bus.open import open_publisher
from shared_events.bus.patience import patiently
from shared_events.bus.port import Publisher
from shared_events.codec import encode
from shared_events.envelope import event
from shared_events.journal import JournalWriter
from shared_events.runtime.clock import Clock

VENUE_WEIGHT_A_MINUTE = 1_200
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Past:
    """Open for as long as `past` lasts."""

    info: InfoClient
    repository: Repository
    filling: Filling


class Teller:
    """Hands facts on and keeps them, for good: it returns when everybody has taken them.

    Parameters
    ----------
    publisher, journal
        Who takes them; None where nobody does.
    keeper
        Writes down what is kept.
    """

    def __init__(
        self,
        publisher: Publisher | None,
        journal: JournalWriter | None,
        keeper: Keeper,
        clock: Clock,
    ) -> None:
        self._publisher = publisher
        self._journal = journal
        self._keeper = keeper
        self._clock = clock

    async def tell(self, facts: Sequence[Any]) -> None:
        """Publish and keep `facts`, in order, as learned now."""
        learned = self._clock.now()
        envelopes = [
            event(fact, source=SOURCE, time=happened(fact), recorded_at=learned) for fact in facts
        ]
        for start in range(0, len(envelopes), _AT_ONCE):
            some = envelopes[start : start + _AT_ONCE]
            if self._publisher is not None:
                await patiently(partial(self._publisher.publish, some), clock=self._clock)
            if self._journal is not None:
                self._journal.append(list(map(encode, some)))
        self._keeper.told(facts)
        await self._keeper.settle()


@asynccontextmanager
async def past(
    settings: Settings, clock: Clock, *, weight_share: float, to_bus: bool, journal: Path | None
) -> AsyncIterator[Past]:
    """Open everything; the budget is `weight_share` of ours, or what others leave of it if that is less.

    Raises
    ------
    ConfigError
        If the settings cannot work.
    """
    async with AsyncExitStack() as stack:
        repository = await open_repository(settings, clock)
        stack.push_async_callback(repository.close)
        opened = open_publisher(settings.bus_url, key=settings.bus_key)
        publisher = await stack.enter_async_context(opened) if to_bus else None
        writer = stack.enter_context(JournalWriter(journal)) if journal else None
        http = await stack.enter_async_context(info_session())
        shared = await stack.enter_async_context(shared_budget(settings, clock))
        ours = WeightBudget(int(VENUE_WEIGHT_A_MINUTE * settings.budget_share * weight_share))
        throttle = Throttle(ours, clock, shared, Urgency.BACKFILL)
        keeper = Keeper(repository, clock, every_seconds=1, position_max_interval_seconds=1)
        teller = Teller(publisher, writer, keeper, clock)
        yield Past(
            InfoClient(http, settings.exchange_url, settings.leaderboard_at, throttle),
            repository,
            Filling(repository, teller.tell, clock),
        )
