"""The same application behind a real server and a real socket."""

from io import BytesIO

import aiohttp
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from shared_events.bus.http import HttpEventBus
from shared_events.bus.memory import MemoryEventBus
from shared_events.errors import ConfigError
from shared_events.testing.factories import an_event, trader_positions
from signal_system.api.intake import MAX_BODY_BYTES
from signal_system.api.testing.memory import MemoryReadModel
from signal_system.api.testing.server import OwnSettings, serving
from signal_system.api.web import build

KEY = SecretStr("a key of sixteen or more")


async def test_signals_travel_over_a_socket_and_come_back_unchanged(
    app: FastAPI, read_model: MemoryReadModel
) -> None:
    async with serving(app) as url, aiohttp.ClientSession() as session:
        async with session.get(f"{url}/api/v1/signals") as answer:
            body, tag = await answer.read(), answer.headers["ETag"]
        async with session.get(f"{url}/api/v1/signals", headers={"If-None-Match": tag}) as again:
            status = again.status

    assert (body, status) == (read_model.rows(), 304)


async def test_the_http_bus_and_this_service_understand_each_other(
    read_model: MemoryReadModel,
) -> None:
    bus = MemoryEventBus(batch_size=2_000)
    app = build(read_model, bus, OwnSettings(api_key=KEY))
    books = [an_event(trader_positions(sequence=number)) for number in range(1_200)]

    async with serving(app) as url, aiohttp.ClientSession() as session:
        sender = HttpEventBus(session, url, key=KEY)
        await sender.ping()
        await sender.publish(books)

    async with bus.subscribe("test", ["trader_positions"]) as subscription:
        assert [delivery.event for delivery in await subscription.batch()] == books


async def test_the_http_bus_learns_that_its_key_is_wrong(read_model: MemoryReadModel) -> None:
    app = build(read_model, MemoryEventBus(), OwnSettings(api_key=KEY))

    async with serving(app) as url, aiohttp.ClientSession() as session:
        with pytest.raises(ConfigError, match="refuses the API key"):
            await HttpEventBus(session, url).publish([an_event()])


async def test_a_body_that_is_too_long_does_not_stop_the_next_request(app: FastAPI) -> None:
    async with serving(app) as url, aiohttp.ClientSession() as session:
        headers = {"Content-Type": "application/x-ndjson"}
        async with session.post(
            f"{url}/api/v1/events", data=BytesIO(b" " * (MAX_BODY_BYTES + 1)), headers=headers
        ) as refused:
            status = refused.status
        async with session.get(f"{url}/health/live") as answer:
            alive = answer.status

    assert (status, alive) == (413, 200)
