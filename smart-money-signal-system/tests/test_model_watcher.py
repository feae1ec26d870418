import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared_events.bus.memory import MemoryEventBus
from shared_events.journal import Tick, decode_record, read
from shared_events.payloads import ModelChange, Regime
from shared_events.testing.factories import NOON
from signal_system.app import Service, running
from signal_system.config import Settings
from signal_system.evaluation.replay import replay
from signal_system.ml.model_registry import ModelRegistry
from signal_system.testing.events import Event, book, candle, member, price, status
from signal_system.testing.regimes import HOUR_MS, a_champion, cycles

NAME = "regime-BTC"
HOURS = 700
COINS = ("BTC", "ETH")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.read(data_dir=tmp_path, api_port=0, rules={"min_voters": 1})


@asynccontextmanager
async def started(settings: Settings, bus: MemoryEventBus) -> AsyncIterator[Service]:
    async with running(settings, bus=bus, serve=False) as service:
        await service.restored.wait()
        yield service


async def eventually(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def history() -> list[Event]:
    closes = cycles(HOURS, start=NOON - timedelta(hours=HOURS))
    first = closes[0][0]
    return [
        candle("BTC", (opened - first) / HOUR_MS - HOURS, round(close, 4), second=0)
        for opened, close in closes
    ]


def crowd() -> list[Event]:
    voters = (1, 2, 3)
    return [
        status(),
        *(member(n) for n in voters),
        *(price(coin, 100) for coin in COINS),
        *(book(n, 1, dict.fromkeys(COINS, 1)) for n in voters),
    ]


def journalled(settings: Settings) -> list[Any]:
    records = [decode_record(raw) for _, raw in read(settings.journal)]
    return [record for record in records if not isinstance(record, Tick)]


def changes(settings: Settings) -> list[str | None]:
    told = [record.data for record in journalled(settings)]
    return [data.version for data in told if isinstance(data, ModelChange)]


async def test_a_champion_is_in_service_from_the_start(settings: Settings) -> None:
    version = a_champion(settings.registry)
    bus = MemoryEventBus()

    async with started(settings, bus) as service:
        await bus.publish(history())
        await eventually(lambda: service.fold.state.applied > HOURS)
        regime = service.read_model.regimes()[0]
        known = service.read_model.status()

    assert (regime.model_version, regime.state) == (version, "bear")
    assert known.models == {NAME: version}
    assert known.degraded == {}


async def test_events_flow_on_while_champions_change_and_none_is_lost(settings: Settings) -> None:
    """Promote, promote another, roll back: each between two events, each said by what follows."""
    bus, registry = MemoryEventBus(), ModelRegistry(settings.registry)
    old = a_champion(settings.registry)
    books = [book(1 + n % 3, 2 + n, {COINS[n % 2]: (-1) ** (n // 7)}) for n in range(300)]
    told = [*crowd(), *history(), *books]

    async with started(settings, bus) as service:

        async def publish() -> None:
            for start in range(0, len(told), 10):
                await bus.publish(told[start : start + 10])
                await asyncio.sleep(0)

        publishing = asyncio.create_task(publish())
        await asyncio.sleep(0.05)
        new = a_champion(settings.registry, penalty=6.0)
        await service._watcher.look()  # noqa: SLF001 -- it looks by itself every few seconds
        await asyncio.sleep(0.05)
        registry.rollback(NAME)
        await service._watcher.look()  # noqa: SLF001
        await publishing
        await eventually(lambda: len(journalled(settings)) >= len(told) + 3)
        await bus.publish([book(1, 999, {"BTC": -5})])
        await eventually(lambda: len(journalled(settings)) >= len(told) + 4)
        document = service.read_model.document("BTC", 3_600)

    assert changes(settings) == [old, new, old]
    ids = {record.id for record in journalled(settings)}
    assert {event.id for event in told} <= ids
    assert document is not None
    assert f'"regime":"{old}"' in document.decode()
    config = settings.fold_config()
    assert replay(settings.journal, config) == replay(settings.journal, config)


async def test_a_restart_goes_on_with_the_same_model_and_journals_no_change(
    settings: Settings,
) -> None:
    version = a_champion(settings.registry)
    async with started(settings, MemoryEventBus()):
        pass

    async with started(settings, MemoryEventBus()) as service:
        assert service.fold.state.regimes.versions == {NAME: version}

    assert changes(settings) == [version]


async def test_a_champion_that_was_tampered_with_is_refused_and_the_old_one_stays(
    settings: Settings,
) -> None:
    old = a_champion(settings.registry)

    async with started(settings, MemoryEventBus()) as service:
        new = a_champion(settings.registry, penalty=6.0)
        model = settings.registry / NAME / new / "model.json"
        model.chmod(0o644)
        model.write_bytes(model.read_bytes().replace(b"6.0", b"7.0"))
        await service._watcher.look()  # noqa: SLF001
        known = service.read_model.status()

    assert known.models == {NAME: old}
    assert "not what it was" in known.degraded[NAME]
    assert changes(settings) == [old]


async def test_an_expired_champion_is_not_taken_into_service_and_it_is_said(
    settings: Settings,
) -> None:
    a_champion(settings.registry, lasts=timedelta(hours=1))

    async with started(settings, MemoryEventBus()) as service:
        known = service.read_model.status()

    assert known.models == {}
    assert "train on newer data" in known.degraded[NAME]


async def test_a_recording_meets_the_model_at_its_own_time(settings: Settings) -> None:
    bus = MemoryEventBus()
    recording = status(recording=True, cadence_seconds=60.0)

    async with started(settings, bus) as service:
        await bus.publish([recording])
        await eventually(lambda: service.fold.state.recording)
        a_champion(settings.registry)
        await service._watcher.look()  # noqa: SLF001

        assert service.fold.state.now == NOON

    assert [each.recorded_at for each in journalled(settings)] == [NOON, NOON]


async def test_what_a_model_says_is_published(settings: Settings) -> None:
    bus = MemoryEventBus()
    version = a_champion(settings.registry)

    async with started(settings, bus) as service, bus.subscribe("t", ("regimes",)) as place:
        await bus.publish(history())
        await eventually(lambda: service.fold.state.applied > HOURS)
        turns: list[Regime] = []
        while not turns or turns[-1].state != "bear":
            turns += [delivery.event.data for delivery in await place.batch()]

    assert {turn.model_version for turn in turns} == {version}
    assert sum(turns[-1].probabilities.values()) == pytest.approx(1)
