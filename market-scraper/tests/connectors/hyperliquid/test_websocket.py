"""Connections to the simulator, all its limits enforced."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import structlog

from hyperliquid_simulator.app import running as venue_running
from hyperliquid_simulator.config import Config
from market_scraper.connectors.hyperliquid.feed import Feed
from market_scraper.connectors.hyperliquid.session import Data, Subscription, TradesSeen
from shared_events.runtime.clock import SystemClock

Until = Callable[[Callable[[], bool | Awaitable[bool]]], Awaitable[None]]
COINS = ("BTC", "ETH", "SOL", "HYPE")


@asynccontextmanager
async def a_venue(**options: Any) -> AsyncIterator[str]:
    config = Config(seed=3, traders=60, coins=4, history_days=1, orders_per_second=60, **options)
    async with venue_running(config) as url:
        yield url


@asynccontextmanager
async def a_feed(
    url: str, *coins: str, lifetime_seconds: float = 3_600
) -> AsyncIterator[tuple[Feed, list[TradesSeen]]]:
    where = f"ws{url.removeprefix('http')}/ws"
    feed = Feed(where, SystemClock(), lines=2, lifetime_seconds=lifetime_seconds)
    seen: list[TradesSeen] = []
    feed.on_trades.append(seen.append)
    feed.follow(coins)
    task = asyncio.create_task(feed.run())
    try:
        yield feed, seen
    finally:
        task.cancel()
        await asyncio.wait({task})


async def refusals(url: str) -> dict[str, int]:
    async with aiohttp.ClientSession() as http, http.get(f"{url}/simulator/limits") as response:
        [used] = (await response.json()).values()
    return {name: gauge["refused"] for name, gauge in used.items() if name != "closed"}


async def test_connections_hand_over_before_they_expire_and_no_trade_is_missed_or_counted_twice(
    until: Until,
) -> None:
    async with a_venue() as url, a_feed(url, *COINS, lifetime_seconds=2) as (feed, seen):
        await until(lambda: feed.handovers >= 2)

        assert not any(each.taken.gap for each in seen)
        told = [(each.coin, t.ms, t.tid) for each in seen for t in each.taken.trades]
        assert len(told) == len(set(told)) > 50
        assert set((await refusals(url)).values()) == {0}


async def test_the_venues_own_lifetime_is_learned_when_it_ends_a_connection(until: Until) -> None:
    async with a_venue(socket_lifetime=2) as url, a_feed(url, *COINS) as (feed, _):
        await until(lambda: feed.lifetime.seconds < 4)


async def test_a_coin_the_venue_does_not_know_is_named_and_the_others_go_on(until: Until) -> None:
    with structlog.testing.capture_logs() as logs:
        async with a_venue() as url, a_feed(url, *COINS, "NONSENSE") as (feed, seen):
            await until(lambda: feed.ready and any(each.coin == "HYPE" for each in seen))

    [given_up] = [line for line in logs if line["event"] == "subscription_given_up"]
    assert "NONSENSE" in given_up["subscription"]


async def test_a_user_tells_its_fills_beside_the_trades(until: Until) -> None:
    async with a_venue() as url, a_feed(url, "BTC") as (feed, _):
        async with aiohttp.ClientSession() as http, http.get(f"{url}/simulator/truth") as response:
            address = next(iter((await response.json())["books"]))
        told: list[Data] = []
        feed.on_data["userFills"] = told.append
        feed.subscribe(Subscription("userFills", user=address))

        await until(lambda: bool(told))

        assert address.encode() in told[0].raw
