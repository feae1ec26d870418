"""The leaderboard file: replaced in one step every hour, large when the venue is."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import aiohttp
import numpy as np
import orjson
import pytest

from hyperliquid_simulator.accounts.population import Population, draw_population
from hyperliquid_simulator.app import build, running
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.past.generate import people as drawn_from
from hyperliquid_simulator.protocol.ranking import ROWS_AT_A_TIME, written
from hyperliquid_simulator.world.performance import HOUR_MS, WINDOWS, Leaderboard, Window
from hyperliquid_simulator.world.world import World

NUMBER: Final = r"-?(0|[1-9]\d*)\.(0|\d{0,9}[1-9])"


@pytest.fixture
async def near_the_hour(config: Config) -> AsyncIterator[str]:
    """A venue two minutes of its time before a full hour, sixty times faster than time."""
    assert config.start is not None
    start = config.start + timedelta(minutes=57, seconds=50)
    async with running(replace(config, start=start, speed=60.0, limits=False)) as base_url:
        yield base_url


async def test_a_generation_stays_until_the_hour_and_then_changes_whole(near_the_hour: str) -> None:
    async with aiohttp.ClientSession(near_the_hour) as session:
        first = await _rows(session)
        assert await _rows(session) == first

        before = await _time(session)
        async with asyncio.timeout(20):
            while (later := await _rows(session)) == first:
                await asyncio.sleep(0.02)

    assert before % HOUR_MS > HOUR_MS / 2
    assert {row["ethAddress"] for row in later} == {row["ethAddress"] for row in first}
    old = {row["ethAddress"]: row["windowPerformances"] for row in first}
    changed = [row for row in later if row["windowPerformances"] != old[row["ethAddress"]]]
    assert len(changed) > len(first) / 2


async def test_everybody_who_asks_at_once_gets_the_same_file(venue: str) -> None:
    async with aiohttp.ClientSession(venue) as session:
        files = await asyncio.gather(*(_rows(session) for _ in range(8)))

    assert all(rows == files[0] for rows in files)


def test_it_ranks_how_everybody_stood_at_the_last_full_hour(world: World) -> None:
    latest = world.history.latest()
    for _ in range(50):
        world.step()

    ranking = world.history.leaderboard(latest, world.population)

    for row in ranking.rows():
        index = world.population.by_address[row["ethAddress"]].index
        paid_in = world.cashbook.history(index, [latest.time])[0]
        worth = int(latest.profit[index]) + paid_in
        assert round(float(row["accountValue"]) * 1e6) == pytest.approx(worth, abs=1)


def test_thirty_thousand_rows_are_twenty_five_megabytes_with_missing_and_foreign_names(
    world: World,
) -> None:
    people = draw_population(drawn_from(Config(traders=30_000)), world.coins)

    body = b"".join(written(_made_up(people, world)))

    rows = orjson.loads(body)["leaderboardRows"]
    assert len(rows) == 30_000
    assert len({row["ethAddress"] for row in rows}) == 30_000
    assert {None, "小鲸鱼", "低调赚钱"} <= {row["displayName"] for row in rows}
    assert 24_000_000 < len(body) < 27_000_000
    assert body == orjson.dumps({"leaderboardRows": rows}, option=orjson.OPT_INDENT_2)


def test_a_row_is_written_as_the_documented_one(world: World) -> None:
    documented = [
        ("ethAddress", str),
        ("accountValue", str),
        ("windowPerformances", list),
        ("prize", int),
        ("displayName", str),
    ]

    rows = list(world.history.leaderboard(world.standing(), world.population).rows())

    named = next(row for row in rows if row["displayName"])
    assert [(key, type(value)) for key, value in named.items()] == documented
    for row in rows:
        assert list(row) == list(named)
        for name, window in row["windowPerformances"]:
            assert isinstance(name, str)
            assert list(window) == ["pnl", "roi", "vlm"]
            assert all(re.fullmatch(NUMBER, text) for text in window.values())


async def test_it_is_begun_before_anybody_asks_and_gives_way_to_others(config: Config) -> None:
    venue = build(replace(config, stepped=True, traders=400))
    turns = 0

    await venue.step(0.3)
    begun = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    while not all(task.done() for task in begun):
        turns += 1
        await asyncio.sleep(0)

    assert len(begun) == 1
    assert turns >= 400 / ROWS_AT_A_TIME


def _made_up(people: Population, world: World) -> Leaderboard:
    """Return a ranking of people who have no history."""
    rng = world.flow.random
    drawn = [rng.randint(-(10**12), 10**12) for _ in range(len(people))]
    profit, volume = np.array(drawn, dtype=np.int64), np.array(np.abs(drawn), dtype=np.int64)
    windows = [Window(name, profit, volume, volume) for name, _ in WINDOWS]
    return Leaderboard(people, profit, windows)


async def _rows(session: aiohttp.ClientSession) -> list[Any]:
    async with session.get("/leaderboard") as response:
        found: list[Any] = (await response.json())["leaderboardRows"]
        return found


async def _time(session: aiohttp.ClientSession) -> int:
    async with session.post("/info", json={"type": "exchangeStatus"}) as response:
        return int((await response.json())["time"])
