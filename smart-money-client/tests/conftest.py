from collections.abc import AsyncIterator

import pytest

from shared_events.bus.memory import MemoryEventBus
from signal_system.api.testing.factories import a_signal
from signal_system.api.testing.memory import MemoryReadModel
from signal_system.api.testing.server import OwnSettings, serving
from signal_system.api.web import build
from smart_money_client import Patience, SmartMoneyClient

AT_ONCE = Patience(attempts=3, first_wait=0.0, longest_wait=0.01)


@pytest.fixture
def read_model() -> MemoryReadModel:
    return MemoryReadModel(a_signal(), a_signal(coin="kPEPE", action="SELL"))


@pytest.fixture
async def url(read_model: MemoryReadModel) -> AsyncIterator[str]:
    async with serving(build(read_model, MemoryEventBus(), OwnSettings())) as url:
        yield url


@pytest.fixture
async def client(url: str) -> AsyncIterator[SmartMoneyClient]:
    async with SmartMoneyClient(url, patience=AT_ONCE) as client:
        yield client
