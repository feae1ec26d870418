"""The request budget that all processes on one address share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from market_scraper.config import Settings
from market_scraper.connectors.hyperliquid.shared_budget import SharedBudget
from shared_events.bus.redis_link import connect
from shared_events.errors import ConfigError
from shared_events.runtime.clock import Clock

_SILENCE_SECONDS = 1.0


@asynccontextmanager
async def shared_budget(settings: Settings, clock: Clock) -> AsyncIterator[SharedBudget | None]:
    """Open the budget that the settings name; None if there is nobody to share with.

    Raises
    ------
    ConfigError
        If the URL is none of a Redis.
    """
    url = settings.budget_redis
    if url is None:
        yield None
        return
    try:
        link = connect(url, silence_seconds=_SILENCE_SECONDS)
    except ValueError as e:
        raise ConfigError(f"MARKET_SCRAPER_BUDGET_URL is no Redis URL: {e}") from e
    try:
        yield SharedBudget(link, settings.exchange_url, settings.weight_limit, clock)
    finally:
        await link.redis.aclose()
