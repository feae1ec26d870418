from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from shared_events.bus.memory import MemoryEventBus
from signal_system.api.testing.factories import a_signal
from signal_system.api.testing.memory import MemoryReadModel
from signal_system.api.testing.server import OwnSettings
from signal_system.api.web import build


@pytest.fixture
def read_model() -> MemoryReadModel:
    return MemoryReadModel(a_signal(), a_signal(coin="ETH", action="SELL", score=-1.2))


@pytest.fixture
def bus() -> MemoryEventBus:
    return MemoryEventBus()


@pytest.fixture
def app(read_model: MemoryReadModel, bus: MemoryEventBus) -> FastAPI:
    return build(read_model, bus, OwnSettings())


@pytest.fixture
async def api(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:4341") as client:
        yield client
