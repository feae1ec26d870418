"""The scraper's own API over real HTTP, in front of a scraper that follows the simulator."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from fastapi import FastAPI

from hyperliquid_simulator.app import running as venue_running
from hyperliquid_simulator.config import Config
from market_scraper.api.web import build
from market_scraper.config import Settings
from market_scraper.orchestration.lifecycle import running
from market_scraper.testing.foreign import Answer, Foreign
from shared_events.bus.memory import MemoryEventBus
from shared_events.errors import ConfigError
from shared_events.runtime.serving import serving
from shared_events.testing.factories import an_address


@pytest.fixture
async def api(foreign: Foreign) -> AsyncIterator[aiohttp.ClientSession]:
    foreign.answers["/fng"] = [
        Answer(
            b'{"data": [{"value": "73", "timestamp": "1767225600"}], "metadata": {"error": null}}'
        )
    ]
    config = Config(traders=40, coins=3, history_days=2, limits=False)
    async with venue_running(config) as url:
        settings = Settings.read(
            exchange_url=url,
            storage_url="memory://",
            max_traders=10,
            least_account_value=0,
            candle_days=1,
            save_seconds=0.1,
            sources=("fear_greed",),
            source_urls={"fear_greed": f"{foreign.url}/fng"},
            allow_private_sources=True,
            context_days=10_000,
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
    async with api.get("/api/v1/coverage") as response:
        coverage = await response.json()
    assert (coverage["coverage"], coverage["anchored"]) == ("1.0000", 10)
    async with api.get("/api/v1/budget") as response:
        assert 0 < (await response.json())["limit_a_minute"] <= 1_200
    async with api.get("/api/v1/connectors") as response:
        sources = {row["name"]: row for row in (await response.json())["connectors"]}
    assert sources["hyperliquid"]["read"]
    assert "trader_ws" in {row["name"] for row in sources["hyperliquid"]["collectors"]}
    assert (sources["cbbi"]["read"], sources["cbbi"]["collectors"]) == (False, [])
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


async def documents(api: aiohttp.ClientSession, path: str, key: str) -> list[dict[str, Any]]:
    """Return the list at `key` once it is not empty."""
    async with asyncio.timeout(10):
        while True:
            async with api.get(path) as response:
                assert response.status == 200, await response.text()
                found: list[dict[str, Any]] = (await response.json())[key]
            if found:
                return found
            await asyncio.sleep(0.05)


async def test_what_a_trader_held_can_be_asked_for(api: aiohttp.ClientSession) -> None:
    traders = await documents(api, "/api/v1/traders?limit=10", "traders")
    address = next(row["address"] for row in traders if row["positions_held"])

    rows = await documents(api, f"/api/v1/traders/{address}/history", "positions")
    coin = rows[0]["coin"]
    some = await documents(
        api, f"/api/v1/traders/{address}/history?coin={coin}&limit=1&since_ms=0", "positions"
    )

    moments = [row["at_ms"] for row in rows]
    assert moments == sorted(moments, reverse=True)
    assert [(row["coin"], row["address"]) for row in some] == [(coin, address)]


async def test_markets_candles_and_coins(api: aiohttp.ClientSession) -> None:
    markets = {row["coin"]: row for row in await documents(api, "/api/v1/markets", "markets")}
    assert set(markets) >= {"BTC", "ETH", "SOL"}
    assert markets["BTC"]["followed"]
    candles = await documents(api, "/api/v1/candles/BTC?limit=2", "candles")
    assert candles[0]["at_ms"] - candles[1]["at_ms"] == 3_600_000

    async with api.post("/api/v1/coins/ETH/remove") as response:
        assert await response.json() == {"followed": ["BTC", "SOL"]}
    async with api.post("/api/v1/coins/ETH/add") as response:
        assert await response.json() == {"followed": ["BTC", "SOL", "ETH"]}
    async with api.post("/api/v1/coins/NOPE/add") as response:
        assert response.status == 404


async def test_slow_indicators_and_past_leaderboards(api: aiohttp.ClientSession) -> None:
    [reading] = await documents(api, "/api/v1/context/fear_and_greed", "readings")
    assert (reading["value"], reading["at_ms"]) == ("73", 1_767_225_600_000)

    [edition] = await documents(api, "/api/v1/leaderboard/editions", "editions")
    lines = await documents(api, f"/api/v1/leaderboard?at_ms={edition['at_ms']}", "lines")
    assert len(lines) == edition["listed"] == 40
    values = [float(line["account_value"]) for line in lines]
    assert values == sorted(values, reverse=True)
    async with api.get("/api/v1/leaderboard?at_ms=1") as response:
        assert response.status == 404


async def test_collectors_are_seen_stopped_and_started(api: aiohttp.ClientSession) -> None:
    before = {row["name"]: row for row in await documents(api, "/api/v1/collectors", "collectors")}
    assert before["leaderboard"]["state"] == "running"
    assert before["leaderboard"]["succeeded_at"] < before["leaderboard"]["due_at"]

    async with api.post("/api/v1/collectors/roles/stop") as response:
        assert (await response.json())["state"] == "stopped"
    async with api.get("/metrics") as response:
        assert 'market_scraper_collector_runs{collector="roles"} 0.0' in await response.text()
    async with api.post("/api/v1/collectors/roles/start") as response:
        assert (await response.json())["state"] == "running"
    async with api.post("/api/v1/collectors/nobody/stop") as response:
        assert response.status == 404
        assert "there are market_contexts" in (await response.json())["detail"]


async def test_the_roster_is_changed_over_the_interface(api: aiohttp.ClientSession) -> None:
    stranger = an_address(99)
    async with api.post(f"/api/v1/traders/{stranger}/add") as response:
        assert await response.json() == {"address": stranger, "tracked": True}

    async with asyncio.timeout(10):
        while stranger not in str(await documents(api, "/api/v1/traders", "traders")):
            await asyncio.sleep(0.05)
    async with api.post(f"/api/v1/traders/{stranger}/praise") as response:
        assert response.status == 404
    async with api.post(f"/api/v1/traders/{stranger}/blacklist") as response:
        assert (await response.json())["tracked"] is False
    async with api.get("/api/v1/traders/blacklist") as response:
        assert await response.json() == {"blacklist": [stranger]}


async def test_a_page_in_a_browser_changes_nothing(api: aiohttp.ClientSession) -> None:
    page = {"Origin": "https://evil.example"}
    for path in ("collectors/roles/stop", f"traders/{an_address(9)}/add", "coins/BTC/remove"):
        async with api.post(f"/api/v1/{path}", headers=page) as response:
            assert response.status == 403


async def test_the_command_line_says_and_does_the_same(api: aiohttp.ClientSession) -> None:
    async def call(*words: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "market_scraper", *words),
            env=os.environ | {"MARKET_SCRAPER_API_PORT": port, "COLUMNS": "150"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        return process.returncode or 0, said.decode()

    async with api.get("/health/live") as response:
        port = str(response.url.port)
    assert await call("collectors", "stop", "roles") == (0, "roles is stopped.\n")
    code, said = await call("collectors", "status")
    assert code == 0
    assert any(line.split()[:2] == ["roles", "stopped"] for line in said.splitlines())
    names = [row["name"] for row in await documents(api, "/api/v1/collectors", "collectors")]
    assert await call("collectors", "start", "nobody") == (
        1,
        f"there is no collector 'nobody'; there are {', '.join(names)}\n",
    )
    assert await call("coins", "add", "BTC") == (0, "BTC ETH SOL\n")
    port = "1"
    code, said = await call("coins", "list")
    assert code == 1
    assert "no scraper answers at 127.0.0.1:1: start one" in said


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
