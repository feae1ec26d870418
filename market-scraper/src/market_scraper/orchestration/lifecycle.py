"""The composition root: build, start, stop in order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import structlog

from market_scraper.config import Settings
from market_scraper.connectors.hyperliquid.budget import WeightBudget
from market_scraper.connectors.hyperliquid.collectors.candles import CandlesCollector
from market_scraper.connectors.hyperliquid.collectors.leaderboard import LeaderboardCollector
from market_scraper.connectors.hyperliquid.collectors.manager import CollectorManager
from market_scraper.connectors.hyperliquid.collectors.market_contexts import (
    MarketContextsCollector,
)
from market_scraper.connectors.hyperliquid.collectors.roles import RolesCollector
from market_scraper.connectors.hyperliquid.collectors.status import StatusCollector
from market_scraper.connectors.hyperliquid.collectors.trade_flow import TradeFlowCollector
from market_scraper.connectors.hyperliquid.collectors.trader_positions import (
    TraderPositionsCollector,
)
from market_scraper.connectors.hyperliquid.feed import Feed
from market_scraper.connectors.hyperliquid.rest import InfoClient
from market_scraper.connectors.hyperliquid.throttle import Throttle
from market_scraper.connectors.hyperliquid.venue_time import VenueTime
from market_scraper.orchestration.scraper import Scraper
from market_scraper.outlet import Outlet
from market_scraper.storage.failover import FailoverRepository
from market_scraper.storage.keeper import Keeper
from market_scraper.storage.leaderboard_history import LeaderboardHistory
from market_scraper.storage.memory import MemoryRepository
from market_scraper.storage.repository import Repository
from market_scraper.storage.retention import Compactor, Rule
from market_scraper.storage.sole import sole
from market_scraper.storage.sqlite import SqliteRepository
from market_scraper.storage.tables import LEADERBOARD, POSITIONS
from shared_events.bus.buffered import buffered
from shared_events.bus.open import open_publisher
from shared_events.bus.port import Publisher
from shared_events.runtime.clock import Clock, SystemClock

log = structlog.get_logger()

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS


@asynccontextmanager
async def running(
    settings: Settings, publisher: Publisher | None = None, clock: Clock | None = None
) -> AsyncIterator[Scraper]:
    """Run a scraper for as long as the context lasts; leaving it stops everything in order.

    Parameters
    ----------
    publisher
        Takes the events; None opens the bus that the settings name.

    Raises
    ------
    ConfigError
        If the settings cannot work.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(sole(settings.database))
        clock = clock or SystemClock()
        repository = await open_repository(settings, clock)
        stack.push_async_callback(repository.close)
        if publisher is None:
            publisher = await stack.enter_async_context(
                open_publisher(settings.bus_url, key=settings.bus_key)
            )
        queue = await stack.enter_async_context(buffered(publisher, clock=clock))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        scraper = build(settings, Outlet(queue, clock), repository, http, clock)
        async with _started(scraper):
            yield scraper


async def open_repository(settings: Settings, clock: Clock) -> Repository:
    """Open the store that the settings name: a MongoDB that is away is no reason not to start."""
    path = settings.database
    if path is None:
        return MemoryRepository()
    file = SqliteRepository.open(path)
    if not settings.mongodb:
        return file
    from market_scraper.storage.mongo import (  # noqa: PLC0415 -- a driver that most runs spare
        MongoRepository,
    )

    try:
        store = FailoverRepository(MongoRepository(settings.storage_url), file, clock)
        await store.prepare()
    except BaseException:
        await file.close()
        raise
    return store


@asynccontextmanager
async def _started(scraper: Scraper) -> AsyncIterator[None]:
    """Run the parts; at the end tell what is left, while the bus still listens."""
    async with asyncio.TaskGroup() as tasks:
        parts = [tasks.create_task(scraper.feed.run()), tasks.create_task(scraper.manager.run())]
        try:
            yield
        finally:
            for part in parts:
                part.cancel()
            await asyncio.wait(parts)
            await scraper.positions.settle()
            await scraper.keeper.settle()
            log.info("scraper_stopped", told=scraper.outlet.told)


def build(
    settings: Settings,
    outlet: Outlet,
    repository: Repository,
    http: aiohttp.ClientSession,
    clock: Clock,
) -> Scraper:
    """Wire the parts together; nothing runs yet."""
    feed = Feed(settings.websocket_url, clock)
    venue_time = VenueTime(feed.tape, clock)
    throttle = Throttle(WeightBudget(settings.weight_limit), clock)
    info = InfoClient(http, settings.exchange_url, settings.leaderboard_url, throttle)
    positions = TraderPositionsCollector(
        info,
        feed,
        venue_time,
        outlet,
        repository,
        clock,
        coalesce_seconds=settings.coalesce_ms / 1000,
        republish_seconds=settings.republish_seconds,
        audit_seconds=settings.audit_seconds,
    )
    keeper = Keeper(
        repository,
        clock,
        every_seconds=settings.save_seconds,
        position_max_interval_seconds=settings.position_max_interval_seconds,
    )
    outlet.on_told.append(keeper.told)
    positions.on_state.append(keeper.stated)
    leaderboard = LeaderboardCollector(
        info,
        outlet,
        repository,
        venue_time,
        clock,
        positions.subscribe_traders,
        history=LeaderboardHistory(repository),
        most=settings.max_traders,
        least_account_value=settings.least_account_value,
        every_seconds=settings.leaderboard_seconds,
        rows=settings.leaderboard_rows,
        retell_seconds=settings.republish_seconds,
    )
    manager = CollectorManager({}, clock)
    contexts = MarketContextsCollector(
        info,
        outlet,
        venue_time,
        clock,
        feed.follow,
        every_seconds=settings.contexts_seconds,
    )
    scraper = Scraper(
        settings=settings,
        clock=clock,
        feed=feed,
        throttle=throttle,
        venue_time=venue_time,
        outlet=outlet,
        repository=repository,
        positions=positions,
        leaderboard=leaderboard,
        contexts=contexts,
        keeper=keeper,
        manager=manager,
        started_at=clock.now(),
    )
    manager.collectors |= {
        MarketContextsCollector.name: contexts,
        TraderPositionsCollector.name: positions,
        LeaderboardCollector.name: leaderboard,
        CandlesCollector.name: CandlesCollector(
            info,
            outlet,
            venue_time,
            clock,
            coins=settings.coins,
            intervals=settings.intervals,
            history=settings.candle_history,
            listed=contexts.contexts.keys,
        ),
        RolesCollector.name: RolesCollector(
            info,
            outlet,
            repository,
            venue_time,
            clock,
            wanted=scraper.unrelated_work_may_run,
            standing=leaderboard.standing,
        ),
        TradeFlowCollector.name: TradeFlowCollector(
            feed,
            outlet,
            clock,
            coins=settings.coins,
            tracked=positions.members.keys(),
        ),
        StatusCollector.name: StatusCollector(
            scraper.sight, outlet, venue_time, clock, every_seconds=settings.status_seconds
        ),
        Keeper.name: keeper,
        Compactor.name: Compactor(repository, clock, rules(settings)),
    }
    return scraper


def rules(settings: Settings) -> tuple[Rule, ...]:
    """Return what is thinned out, and when."""
    return (
        Rule(POSITIONS, _days(settings.positions_fine_days), _HOUR_MS),
        Rule(POSITIONS, _days(settings.positions_days), None),
        Rule(LEADERBOARD, _days(settings.leaderboard_fine_days), _DAY_MS),
    )


def _days(days: float) -> int:
    return int(days * _DAY_MS)
