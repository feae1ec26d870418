"""Redis away, frozen, full or emptied: nothing crashes, it is said aloud, and it heals."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from shared_events.testing.servers import RedisServer
from workspace.testing.stack import Stack, open_stack, until

pytestmark = [pytest.mark.redis, pytest.mark.timeout(150)]

QUICK = {
    "MARKET_SCRAPER_REPUBLISH_SECONDS": "10",
    "MARKET_SCRAPER_STATUS_SECONDS": "1",
    "SIGNAL_SYSTEM_RULES__HEARTBEAT_SECONDS": "3",
}


@pytest.fixture
async def quick(tmp_path: Path, own_server: RedisServer) -> AsyncIterator[Stack]:
    async with open_stack(tmp_path, own_server, **QUICK) as parts:
        yield parts


def readiness(stack: Stack, port: int, expected: int) -> Any:
    async def probe() -> bool:
        async with stack.http.get(f"http://127.0.0.1:{port}/health/ready") as answer:
            return answer.status == expected

    return probe


def all_say(stack: Stack, status: str) -> Any:
    async def probe() -> bool:
        rows = (await stack.json(f"{stack.signal_api}/signals"))["signals"]
        neutral = all(row["action"] == "NEUTRAL" for row in rows) or status != "STALE"
        return bool(rows) and neutral and all(row["status"] == status for row in rows)

    return probe


def opinions(stack: Stack) -> Any:
    async def probe() -> bool:
        return bool({"BUY", "SELL"} & set((await stack.actions()).values()))

    return probe


def assert_nothing_crashed(stack: Stack) -> None:
    for part in stack.parts.values():
        assert part.process is not None
        assert part.process.poll() is None, part.log.read_text()[-2000:]
        assert "Traceback" not in part.log.read_text()


async def test_services_that_start_before_redis_wait_for_it(quick: Stack) -> None:
    quick.redis.kill()
    quick.start("simulator")
    quick.start("signal")
    quick.start("scraper")
    for port in (quick.signal_port, quick.scraper_port):
        await until(readiness(quick, port, 503), "a service to say that Redis is away")

    quick.redis.start()

    await until(opinions(quick), "the first opinions")
    for port in (quick.signal_port, quick.scraper_port):
        await until(readiness(quick, port, 200), "readiness")
    assert_nothing_crashed(quick)


async def test_a_frozen_a_full_and_an_emptied_redis_are_survived(quick: Stack) -> None:
    await quick.start_all()
    signal = quick.parts["signal"]

    quick.redis.freeze()
    await until(all_say(quick, "STALE"), "the signals to be stale")
    await until(readiness(quick, quick.signal_port, 503), "the signal system to say so")
    await until(readiness(quick, quick.scraper_port, 503), "the scraper to say so")
    quick.redis.thaw()
    await until(opinions(quick), "opinions after the thaw")

    async with Redis.from_url(quick.redis.url) as redis:
        await redis.config_set("maxmemory", "1mb")
        await until(all_say(quick, "STALE"), "the signals to be stale again")
        await redis.config_set("maxmemory", "0")
        await until(opinions(quick), "opinions after the shortage")

        signal.kill()
        await redis.flushall()
    shutil.rmtree(quick.journal.parent)
    signal.start()  # it knows nothing, and Redis has nothing to tell
    await until(opinions(quick), "whole books and the roster to be told again")
    assert_nothing_crashed(quick)


async def test_a_second_service_on_the_same_files_is_told_to_leave(stack: Stack) -> None:
    stack.start("simulator")
    for name in ("signal", "scraper"):
        stack.start(name)
    await until(readiness(stack, stack.signal_port, 200), "the signal system")
    await until(lambda: stack.json(f"{stack.scraper_api}/status"), "the scraper")
    ports = {"SIGNAL_SYSTEM_API_PORT": "0", "MARKET_SCRAPER_API_PORT": "0"}

    for name, word in (("signal", "another writer"), ("scraper", "another scraper")):
        first = stack.parts[name]
        second = await asyncio.create_subprocess_exec(
            *first.command,
            env=first.env | ports,
            stderr=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
        )
        _, said = await second.communicate()

        assert second.returncode == 78
        assert word in said.decode()
        assert said.count(b"\n") == 1
