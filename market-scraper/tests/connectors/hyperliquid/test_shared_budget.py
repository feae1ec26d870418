"""The budget in a real Redis, and two real processes that share it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from hyperliquid_simulator.app import running as venue_running
from hyperliquid_simulator.config import Config
from market_scraper.connectors.hyperliquid.budget import WeightBudget
from market_scraper.connectors.hyperliquid.shared_budget import Grant, SharedBudget
from market_scraper.connectors.hyperliquid.throttle import Throttle, Urgency
from shared_events.bus.redis_link import RedisLink, connect
from shared_events.runtime.clock import ManualClock, SystemClock
from shared_events.testing.servers import RedisServer

Until = Callable[[Callable[[], bool | Awaitable[bool]]], Awaitable[None]]


@pytest.fixture
def budget(each_redis: RedisLink) -> SharedBudget:
    return SharedBudget(each_redis, "venue", 100, SystemClock())


async def take(
    budget: SharedBudget,
    weight: int,
    urgency: int = 0,
    *,
    ceiling: float = 1.0,
    floor: float = 0.0,
) -> Grant | float | None:
    return await budget.take(weight, urgency, ceiling=ceiling, floor=floor)


async def test_processes_together_get_no_more_than_the_limit(
    each_redis: RedisLink, budget: SharedBudget
) -> None:
    other = SharedBudget(each_redis, "venue", 100, SystemClock())

    granted = [
        grant
        for _ in range(20)
        for one in (budget, other)
        if isinstance(grant := await take(one, 7), Grant)
    ]

    assert sum(grant.weight for grant in granted) == 98
    assert budget.used_share == other.used_share == 0.98


async def test_another_venue_has_a_budget_of_its_own(
    each_redis: RedisLink, budget: SharedBudget
) -> None:
    await take(budget, 100)

    assert isinstance(
        await take(SharedBudget(each_redis, "another", 100, SystemClock()), 100), Grant
    )


async def test_what_a_request_did_not_cost_is_given_back_to_all(budget: SharedBudget) -> None:
    grant = await take(budget, 100)
    assert isinstance(grant, Grant)
    assert isinstance(await take(budget, 20), float)

    await budget.settle(grant, 80)

    assert isinstance(await take(budget, 20), Grant)


async def test_the_urgent_of_one_process_go_before_the_others_of_another(
    each_redis: RedisLink, budget: SharedBudget
) -> None:
    other = SharedBudget(each_redis, "venue", 100, SystemClock())
    grant = await take(budget, 90)
    assert isinstance(grant, Grant)
    assert isinstance(await take(budget, 50, Urgency.DOUBT), float)
    await budget.settle(grant, 40)

    assert isinstance(await take(other, 5, Urgency.AUDIT), float)
    assert isinstance(await take(budget, 50, Urgency.DOUBT), Grant)
    assert isinstance(await take(other, 5, Urgency.AUDIT), Grant)


async def test_the_less_urgent_leave_room_but_have_a_floor_whoever_waits(
    budget: SharedBudget,
) -> None:
    await take(budget, 80)
    assert isinstance(await take(budget, 50, Urgency.DOUBT), float)

    assert isinstance(await take(budget, 6, Urgency.AUDIT, ceiling=0.8), float)
    assert isinstance(await take(budget, 6, Urgency.AUDIT, ceiling=0.8, floor=0.1), Grant)
    assert isinstance(await take(budget, 6, Urgency.AUDIT, ceiling=0.8, floor=0.1), float)


async def test_a_refusal_of_one_process_holds_all_back(
    each_redis: RedisLink, budget: SharedBudget
) -> None:
    other = SharedBudget(each_redis, "venue", 100, SystemClock())

    await other.hold(0.2)

    assert isinstance(await take(budget, 1), float)
    await asyncio.sleep(0.25)
    assert isinstance(await take(budget, 1), Grant)


async def test_without_redis_a_process_spends_a_safe_part_and_says_so(
    own_redis: RedisServer, clock: ManualClock
) -> None:
    link = connect(own_redis.url, silence_seconds=1)
    throttle = Throttle(WeightBudget(100), clock, SharedBudget(link, "venue", 100, clock))
    await throttle.enter(30, Urgency.MARKET)
    assert not throttle.alone
    began = clock.now()

    own_redis.kill()
    await throttle.enter(10, Urgency.MARKET)
    assert (throttle.alone, throttle.limit) == (True, 40)
    assert (clock.now() - began).total_seconds() < 1
    await throttle.enter(10, Urgency.MARKET)
    assert (clock.now() - began).total_seconds() >= 59

    own_redis.start()
    clock.advance(60)
    await throttle.enter(60, Urgency.MARKET)
    assert not throttle.alone
    await link.redis.aclose()


@asynccontextmanager
async def process(folder: Path, *arguments: str, **settings: str) -> AsyncIterator[None]:
    """Run a command of the scraper, and end it."""
    env = os.environ | {f"MARKET_SCRAPER_{name}": value for name, value in settings.items()}
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "market_scraper",
        *arguments,
        cwd=folder,
        env=env,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        if started.returncode is None:
            started.terminate()
        await started.wait()


async def test_a_service_and_a_backfill_together_are_never_refused(
    redis_url: str, tmp_path: Path, until: Until
) -> None:
    config = Config(seed=7, traders=450, coins=6, history_days=4, orders_per_second=20)
    async with venue_running(config) as url, aiohttp.ClientSession() as http:
        settings = {
            "EXCHANGE_URL": url,
            "BUS_URL": redis_url,
            "MAX_TRADERS": "450",
            "LEAST_ACCOUNT_VALUE": "0",
            "WEIGHT_SHARE": "0.9",
            "STORAGE_URL": f"sqlite:///{tmp_path}/past.db",
            "API_PORT": "0",
        }
        past = [
            "backfill",
            "candles",
            "--coins",
            "BTC,ETH,SOL",
            "--days",
            "4",
            "--intervals",
            "1m,5m,15m,1h",
        ]

        async def weight() -> dict[str, int]:
            async with http.get(f"{url}/simulator/limits") as response:
                used = await response.json()
            spent: dict[str, int] = used["127.0.0.1"]["weight"] if used else {"peak": 0}
            assert not spent.get("refused")
            return spent

        async def nearly_spent() -> bool:
            return (await weight())["peak"] > 0.8 * 1_200

        async with (
            process(tmp_path, "run", **{**settings, "STORAGE_URL": "memory://"}),
            process(tmp_path, *past, "--weight-share", "1", **settings),
        ):
            await until(nearly_spent)
            for _ in range(20):
                await asyncio.sleep(0.1)
                await weight()

        assert (await weight())["peak"] <= 0.9 * 1_200
