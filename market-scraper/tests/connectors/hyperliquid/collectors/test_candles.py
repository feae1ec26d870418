"""Candles from a venue on loopback that has exactly those it was given."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from market_scraper.connectors.candles import CandlesCollector
from market_scraper.connectors.hyperliquid.budget import WeightBudget
from market_scraper.connectors.hyperliquid.collectors.candles import HyperliquidCandles
from market_scraper.connectors.hyperliquid.rest import InfoClient
from market_scraper.connectors.hyperliquid.tape import TradeTape
from market_scraper.connectors.hyperliquid.throttle import Throttle
from market_scraper.connectors.hyperliquid.venue_time import VenueTime
from market_scraper.moments import milliseconds
from market_scraper.outlet import Outlet
from shared_events.bus.buffered import buffered
from shared_events.bus.memory import MemoryEventBus
from shared_events.payloads import Candle
from shared_events.runtime.clock import ManualClock
from shared_events.testing.factories import NOON

HOUR = timedelta(hours=1)
HOUR_MS = 3_600_000


@dataclass
class Venue:
    """Has a candle for every hour in `opened`, and gives the oldest 5000 of those asked for."""

    opened: list[int]
    asked: list[tuple[int, int]] = field(default_factory=list)

    async def info(self, request: web.Request) -> web.Response:
        wanted = (await request.json())["req"]
        start, end = wanted["startTime"], wanted["endTime"]
        self.asked.append((start, end))
        found = [t for t in self.opened if start <= t <= end][:5000]
        return web.json_response([_row(t) for t in found])


def _row(t: int) -> dict[str, Any]:
    prices = {"o": "1.0", "c": "1.0", "h": "1.0", "l": "1.0", "v": "1.0"}
    return {"t": t, "T": t + HOUR_MS - 1, "s": "BTC", "i": "1h", "n": 1, **prices}


class Patient(ManualClock):
    """Sleeps as long as the test lets it."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0.001)


@dataclass
class Reading:
    """A collector at work, and what it told."""

    clock: Patient
    bus: MemoryEventBus
    venue: Venue

    async def candles(self, count: int) -> list[Candle]:
        """Wait for the first `count` candles."""
        told: list[Candle] = []
        async with asyncio.timeout(10), self.bus.subscribe(str(count), ["candles"]) as reader:
            while len(told) < count:
                told += [delivery.event.data for delivery in await reader.batch()]
        return told


@pytest.fixture
async def reading(request: pytest.FixtureRequest) -> AsyncIterator[Reading]:
    opened, history = request.param
    now, clock, bus = milliseconds(NOON), Patient(NOON + timedelta(seconds=3)), MemoryEventBus()
    venue = Venue([now + hour * HOUR_MS for hour in opened])
    app = web.Application()
    app.add_routes([web.post("/info", venue.info)])
    async with (
        TestServer(app) as server,
        aiohttp.ClientSession() as http,
        buffered(bus, clock=clock) as queue,
    ):
        url = str(server.make_url("/")).rstrip("/")
        collector = CandlesCollector(
            "candles",
            HyperliquidCandles(InfoClient(http, url, url, Throttle(WeightBudget(100_000), clock))),
            Outlet(queue, clock),
            VenueTime(TradeTape(), clock),
            clock,
            coins=("BTC", "GONE"),
            intervals=("1h",),
            history=timedelta(hours=history),
            listed=lambda: {"BTC"},
        )
        task = asyncio.create_task(collector.collect())
        yield Reading(clock, bus, venue)
        task.cancel()


@pytest.mark.parametrize("reading", [(range(-5, 1), 4)], indirect=True)
async def test_the_history_is_told_once_in_order_and_without_the_forming_candle(
    reading: Reading,
) -> None:
    candles = await reading.candles(4)

    assert [candle.open_time for candle in candles] == [NOON - HOUR * n for n in (4, 3, 2, 1)]
    assert all(candle.closed for candle in candles)


@pytest.mark.parametrize("reading", [(range(-2, 3), 2)], indirect=True)
async def test_a_candle_is_told_when_it_is_over(reading: Reading) -> None:
    await reading.candles(2)
    reading.clock.advance(3_600)

    candles = await reading.candles(3)

    assert candles[-1].open_time == NOON
    assert len(reading.venue.asked) == 2


@pytest.mark.parametrize("reading", [(range(-7000, 0), 7000)], indirect=True)
async def test_a_long_history_is_read_page_by_page(reading: Reading) -> None:
    candles = await reading.candles(7000)

    assert [c.open_time for c in candles] == [NOON - HOUR * n for n in range(7000, 0, -1)]


@pytest.mark.parametrize("reading", [(range(-3, 0), 12_000)], indirect=True)
async def test_time_before_a_coin_was_listed_is_passed_over(reading: Reading) -> None:
    assert len(await reading.candles(3)) == 3


@pytest.mark.parametrize("reading", [([-3, -2], 3)], indirect=True)
async def test_a_candle_the_venue_does_not_have_is_not_asked_for_all_the_time(
    reading: Reading,
) -> None:
    await reading.candles(2)
    await asyncio.sleep(0.1)

    assert len(reading.venue.asked) == 2
