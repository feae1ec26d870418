from pathlib import Path

import pytest

from shared_events.bus import (
    HttpEventBus,
    MemoryEventBus,
    RedisEventBus,
    open_bus,
    open_publisher,
)
from shared_events.errors import ConfigError
from shared_events.testing.bus_contract import POSITIONS, batch, books, sequences
from shared_events.testing.servers import RedisServer


@pytest.mark.redis
@pytest.mark.parametrize("tcp", [True, False], ids=["port", "socket"])
async def test_a_redis_url_opens_redis(redis_binary: Path, tcp: bool) -> None:  # noqa: FBT001
    with RedisServer(redis_binary, tcp=tcp, append_only=False) as server:
        async with open_bus(server.url, consumer="me") as bus:
            assert isinstance(bus, RedisEventBus)
            await bus.ping()


@pytest.mark.redis
async def test_two_openings_of_one_redis_meet(redis_url: str) -> None:
    async with open_publisher(redis_url) as publisher, open_bus(redis_url, consumer="me") as bus:
        await publisher.publish(books(2))

        async with bus.subscribe("signals", [POSITIONS]) as subscription:
            assert sequences(await batch(subscription)) == [0, 1]


async def test_two_openings_of_one_memory_bus_meet() -> None:
    async with (
        open_publisher("memory://together") as publisher,
        open_bus("memory://together", consumer="me") as bus,
        open_bus("memory://apart", consumer="me") as other,
    ):
        await publisher.publish(books(2))

        async with bus.subscribe("signals", [POSITIONS]) as subscription:
            assert sequences(await batch(subscription)) == [0, 1]
        assert isinstance(bus, MemoryEventBus)
        assert bus is publisher
        assert bus is not other


async def test_a_memory_bus_ends_with_the_last_who_has_it_open() -> None:
    async with open_bus("memory://brief", consumer="me") as bus:
        await bus.publish(books(2))
    del bus

    async with (
        open_bus("memory://brief", consumer="me") as bus,
        bus.subscribe("signals", [POSITIONS]),
    ):
        assert await bus.lag("signals") == {POSITIONS: 0}


async def test_an_http_url_opens_a_publisher() -> None:
    async with open_publisher("http://127.0.0.1:4341") as publisher:
        assert isinstance(publisher, HttpEventBus)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:6379",
        "kafka://localhost",
        "http://localhost",
        "redis://host:port",
        "redis://[",
        "redis://localhost/events",
        "unix://",
    ],
)
async def test_what_names_no_bus_is_a_matter_of_configuration(url: str) -> None:
    with pytest.raises(ConfigError, match="URL"):
        async with open_bus(url, consumer="me"):
            pass


@pytest.mark.parametrize("url", ["ftp://localhost", "http://", "https:///api"])
async def test_what_names_no_publisher_is_a_matter_of_configuration(url: str) -> None:
    with pytest.raises(ConfigError, match="URL"):
        async with open_publisher(url):
            pass
