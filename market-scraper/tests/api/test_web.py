"""The scraper's own API over real HTTP, in front of a scraper that follows the simulator."""

import asyncio
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from fastapi import FastAPI

from hyperliquid_simulator.app import running as venue_running
from hyperliquid_simulator.config import Config
from market_scraper.api.web import build
from market_scraper.config import Settings
from market_scraper.orchestration.lifecycle import running
from shared_events.bus.memory import MemoryEventBus
from shared_events.errors import ConfigError
from shared_events.runtime.serving import serving
from shared_events.testing.factories import an_address


@pytest.fixture
async def api() -> AsyncIterator[aiohttp.ClientSession]:
    config = Config(traders=40, coins=3, history_days=2, limits=False)
    async with venue_running(config) as url:
        settings = Settings.read(
            exchange_url=url,
            storage_url="memory://",
            max_traders=10,
            least_account_value=0,
            candle_days=1,
        )
        async with (
            running(settings, MemoryEventBus()) as scraper,
            serving(build(scraper), "127.0.0.1", 0, setting="PORT") as port,
            aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http,
        ):
            async with asyncio.timeout(15):
                while not 0 < scraper.sight().tracked == scraper.sight().anchored:
                    await asyncio.sleep(0.05)
            yield http


async def test_an_operator_sees_how_it_goes(api: aiohttp.ClientSession) -> None:
    async with api.get("/health/live") as live, api.get("/health/ready") as ready:
        assert (live.status, ready.status) == (200, 200)
        assert (await ready.json())["checks"] == {"bus": None, "storage": None, "venue": None}
    async with api.get("/api/v1/status") as response:
        status = await response.json()
    assert status["tracked"] == status["anchored"] == 10
    assert status["progress"] == {"message": "all 10 traders anchored", "share": 1.0}
    assert status["coverage"] == "1.0000"
    async with api.get("/metrics") as response:
        text = await response.text()
    assert "market_scraper_tracked_traders 10.0" in text
    assert 'market_scraper_condition{is="LOST"} 0.0' in text


async def test_traders_are_listed_best_first_and_shown_with_their_book(
    api: aiohttp.ClientSession,
) -> None:
    async with api.get("/api/v1/traders", params={"limit": 4, "offset": 1}) as response:
        listed = await response.json()
    scores = [float(row["score"]) for row in listed["traders"]]
    assert listed["total"] == 10
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 4

    address = listed["traders"][0]["address"]
    async with api.get(f"/api/v1/traders/{address.upper().replace('X', 'x')}") as response:
        trader = await response.json()
    assert trader["address"] == address
    assert len(trader["positions"]) >= trader["positions_held"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/api/v1/traders/{an_address(5)}", 404),
        ("/api/v1/traders/0x12", 422),
        ("/api/v1/traders?limit=0", 422),
        ("/nothing", 404),
    ],
)
async def test_what_is_not_there_is_said(
    api: aiohttp.ClientSession, path: str, status: int
) -> None:
    async with api.get(path) as response:
        assert response.status == status


async def test_a_taken_port_is_a_matter_of_configuration() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(ConfigError, match="MARKET_SCRAPER_API_PORT"):
            async with serving(FastAPI(), "127.0.0.1", port, setting="MARKET_SCRAPER_API_PORT"):
                pass
