"""A venue whose time stands still until a test lets it pass."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import orjson
import pytest

from hyperliquid_simulator.app import Venue, build, serving
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.errors import ConfigError


@pytest.fixture
def stepped(config: Config) -> Venue:
    return build(replace(config, stepped=True, socket_lifetime=3600.0))


@pytest.fixture
async def base_url(stepped: Venue) -> AsyncIterator[str]:
    async with serving(stepped) as url:
        yield url


@pytest.fixture
async def session(base_url: str) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(base_url) as session:
        yield session


async def test_time_passes_on_request_and_by_exactly_that_much(
    stepped: Venue, session: aiohttp.ClientSession
) -> None:
    start = stepped.world.time

    first = await _post(session, "/simulator/step", seconds=1.5)
    second = await _post(session, "/simulator/step", seconds=60)

    assert first["blocks"] == pytest.approx(1.5 * 13.95, rel=0.2)
    assert second["blocks"] == pytest.approx(60 * 13.95, rel=0.05)
    assert start + 61_400 < second["time"] <= start + 61_500
    assert (await _post(session, "/info", type="exchangeStatus"))["time"] == second["time"]


async def test_one_long_step_and_many_short_ones_lead_to_the_same_world(config: Config) -> None:
    once, often = (build(replace(config, stepped=True)) for _ in range(2))

    blocks = await once.step(30)
    assert blocks == sum([await often.step(0.3) for _ in range(100)])

    assert once.world.time == often.world.time
    assert [list(c) for c in once.world.recent] == [list(c) for c in often.world.recent]
    assert [a.cash for a in once.world.ledger.accounts] == [
        a.cash for a in often.world.ledger.accounts
    ]


async def test_everything_that_was_published_while_time_passed_arrives(
    stepped: Venue, session: aiohttp.ClientSession
) -> None:
    async with session.ws_connect("/ws") as socket:
        await socket.receive_str()
        for coin in ("BTC", "ETH"):
            wanted = {"type": "trades", "coin": coin}
            await socket.send_json({"method": "subscribe", "subscription": wanted})
            await socket.receive_str()
            await socket.receive_str()
        await stepped.step(20)
        candles = await _candles(session, stepped.world.past.origin_ms)
        seen = 0
        while seen < candles:
            frame = orjson.loads(await socket.receive_str(timeout=10))
            seen += sum(trade["coin"] == "BTC" for trade in frame["data"])

    assert seen == candles > 0


async def test_a_minute_of_steps_silences_a_socket_and_frees_the_weight(
    stepped: Venue, session: aiohttp.ClientSession
) -> None:
    async with session.ws_connect("/ws") as socket:
        await socket.receive_str()
        await _post(session, "/info", type="meta")
        assert stepped.limits.report()["127.0.0.1"]["weight"]["now"] == 20
        await stepped.step(59)
        assert stepped.limits.report()["127.0.0.1"]["weight"]["now"] == 20
        await stepped.step(1.3)

        assert (await socket.receive(timeout=10)).type is not aiohttp.WSMsgType.TEXT
        assert stepped.limits.report()["127.0.0.1"]["weight"]["now"] == 0


async def test_a_venue_that_moves_by_itself_cannot_be_stepped(config: Config) -> None:
    moving = build(config)

    with pytest.raises(ConfigError, match="moves by itself"):
        await moving.step(1)
    async with serving(moving) as url, aiohttp.ClientSession(url) as session:
        answer = await _post(session, "/simulator/step", seconds=1)

    assert "--stepped" in answer["error"]


@pytest.mark.parametrize("seconds", [0, -1, 1e9, "1", None, True])
async def test_a_step_that_makes_no_sense_is_refused(
    session: aiohttp.ClientSession, seconds: Any
) -> None:
    assert "seconds" in (await _post(session, "/simulator/step", seconds=seconds))["error"]


async def _post(session: aiohttp.ClientSession, path: str, **body: Any) -> Any:
    async with session.post(path, json=body) as response:
        return await response.json()


async def _candles(session: aiohttp.ClientSession, since: int) -> int:
    """Return how many trades of BTC the minute bars since the start of the live part count."""
    wanted = {"coin": "BTC", "interval": "1m", "startTime": since, "endTime": 2**52}
    rows = await _post(session, "/info", type="candleSnapshot", req=wanted)
    return int(rows[-1]["n"])
