"""The composition root: build, start, stop in order."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import structlog

from market_scraper.collecting import THEIRS
from market_scraper.config import Settings
from market_scraper.connectors.hyperliquid.budget import WeightBudget
from market_scraper.connectors.hyperliquid.rest import info_session
from market_scraper.connectors.hyperliquid.throttle import Throttle
from market_scraper.connectors.web import web_session
from market_scraper.orchestration.scraper import Scraper
from market_scraper.orchestration.sharing import shared_budget
from market_scraper.orchestration.sources import Surroundings, source_collectors
from market_scraper.orchestration.wiring import build, recorded_rules
from market_scraper.outlet import Outlet
from market_scraper.recording.recorder import Recorder
from market_scraper.storage.failover import FailoverRepository
from market_scraper.storage.memory import MemoryRepository
from market_scraper.storage.repository import Repository
from market_scraper.storage.sole import sole
from market_scraper.storage.sqlite import SqliteRepository
from market_scraper.tapping import Tap, untapped
from shared_events.bus.buffered import buffered
from shared_events.bus.open import open_publisher
from shared_events.bus.port import Publisher
from shared_events.runtime.clock import Clock, SystemClock

log = structlog.get_logger()


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
        http = await stack.enter_async_context(info_session())
        recorder = stack.enter_context(_recorder(settings, clock))
        tap: Tap = recorder or untapped
        shared = await stack.enter_async_context(shared_budget(settings, clock))
        throttle = Throttle(WeightBudget(settings.weight_limit), clock, shared)
        outlet = Outlet(queue, clock)
        scraper = build(settings, outlet, repository, http, throttle, clock, tap)
        scraper.coins.update(dict.fromkeys(await repository.followed(settings.coins)))
        abroad = await stack.enter_async_context(
            web_session(allow_private=settings.allow_private_sources)
        )
        around = Surroundings(settings, abroad, scraper.outlet, repository, clock, tap)
        for collector in source_collectors(around):
            scraper.manager.add(collector.name, collector, THEIRS)
        if recorder is not None:
            scraper.manager.add(recorder.name, recorder)
            stack.push_async_callback(recorder.settle)
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


@contextmanager
def _recorder(settings: Settings, clock: Clock) -> Iterator[Recorder | None]:
    """Open the recording that the settings ask for."""
    if settings.record_folder is None:
        yield None
        return
    recorder = Recorder.open(
        settings.record_folder,
        clock,
        recorded_rules(settings),
        most_bytes=settings.record_bytes,
    )
    try:
        yield recorder
    finally:
        recorder.close()


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
