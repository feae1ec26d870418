from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from shared_events.bus.memory import MemoryEventBus
from shared_events.runtime.clock import ManualClock
from signal_system.api.testing.factories import a_signal
from signal_system.api.testing.memory import MemoryReadModel
from signal_system.api.testing.server import OwnSettings
from signal_system.api.web import build
from signal_system.drift_watch import DriftWatch
from signal_system.fold import Fold, FoldConfig
from signal_system.ml.model_registry import ModelRegistry
from signal_system.model_desk import LiveModelDesk
from signal_system.predicting import Predictor


@pytest.fixture
def read_model() -> MemoryReadModel:
    return MemoryReadModel(a_signal(), a_signal(coin="ETH", action="SELL", score=-1.2))


@pytest.fixture
def bus() -> MemoryEventBus:
    return MemoryEventBus()


@pytest.fixture
def registry(tmp_path: Path) -> ModelRegistry:
    return ModelRegistry(tmp_path / "models")


@pytest.fixture
def fold() -> Fold:
    return Fold(FoldConfig())


@pytest.fixture
def predictor() -> Predictor:
    return Predictor("test")


@pytest.fixture
def watch(fold: Fold, clock: ManualClock) -> DriftWatch:
    return DriftWatch(fold, clock)


@pytest.fixture
def desk(
    registry: ModelRegistry, fold: Fold, predictor: Predictor, watch: DriftWatch
) -> LiveModelDesk:
    degraded = fold.state.directions
    return LiveModelDesk(registry, fold, predictor, watch, lambda: degraded.degraded)


@pytest.fixture
def app(read_model: MemoryReadModel, desk: LiveModelDesk, bus: MemoryEventBus) -> FastAPI:
    return build(read_model, bus, OwnSettings(), desk)


@pytest.fixture
async def api(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:4341") as client:
        yield client
