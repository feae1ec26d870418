import pytest

from shared_events.bus.memory import MemoryEventBus
from shared_events.testing.bus_contract import (
    BATCH_SIZE,
    KEPT,
    REDELIVER_AFTER,
    BusContract,
)


class TestMemoryEventBus(BusContract):
    @pytest.fixture
    async def bus(self) -> MemoryEventBus:
        return MemoryEventBus(redeliver_after=REDELIVER_AFTER, batch_size=BATCH_SIZE)

    @pytest.fixture
    def other(self, bus: MemoryEventBus) -> MemoryEventBus:
        return bus

    @pytest.fixture
    def small_bus(self) -> MemoryEventBus:
        return MemoryEventBus(
            redeliver_after=REDELIVER_AFTER, batch_size=BATCH_SIZE, kept=KEPT, limit=6 * KEPT
        )
