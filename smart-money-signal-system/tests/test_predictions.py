"""Classifiers in the running service: hot reload, rollback, kills, batches, over a real Redis."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from signal import SIGKILL, SIGTERM
from typing import Any

import pytest

from shared_events.bus.memory import MemoryEventBus
from shared_events.bus.open import open_bus
from shared_events.bus.port import EventBus
from shared_events.codec import encode
from shared_events.journal import Tick, decode_record, read
from shared_events.payloads import ModelChange, Prediction
from shared_events.testing.factories import NOON
from shared_events.testing.servers import RedisServer
from signal_system.app import Service, running
from signal_system.config import Settings
from signal_system.evaluation.replay import replay
from signal_system.ml.model_registry import ModelRegistry
from signal_system.testing.candles import wandering
from signal_system.testing.directions import CUTOFF, a_direction_candidate, a_direction_champion
from signal_system.testing.events import Event, book, member, price, status

NAME = "direction-4h-BTC"
HISTORY, LIVE = 1_300, 24
MARKET = wandering(HISTORY, LIVE)
PAST, PRESENT = MARKET[:HISTORY], MARKET[HISTORY:]
_SELDOM = 0.25  # reading a journal takes the time of the process that writes it
RECORDING = status(recording=True, cadence_seconds=3_600.0)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.read(data_dir=tmp_path, api_port=0, rules={"min_voters": 1})


@asynccontextmanager
async def started(settings: Settings, bus: EventBus | None = None) -> AsyncIterator[Service]:
    async with running(settings, bus=bus, serve=False) as service:
        await service.restored.wait()
        yield service


async def eventually(condition: Callable[[], Any], every: float = 0.02) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(every)


async def look(service: Service) -> None:
    await service._watcher.look()  # noqa: SLF001 -- it looks by itself every few seconds


def crowd() -> list[Event]:
    return [
        *(member(n) for n in (1, 2, 3)),
        price("BTC", 100),
        *(book(n, 1, {"BTC": 1}) for n in (1, 2, 3)),
    ]


def journalled(settings: Settings) -> list[Any]:
    if not settings.journal.is_dir():
        return []
    records = [decode_record(raw) for _, raw in read(settings.journal)]
    return [record for record in records if not isinstance(record, Tick)]


def known(settings: Settings) -> set[str]:
    return {event.id for event in journalled(settings)}


def predictions(settings: Settings) -> list[Any]:
    return [event for event in journalled(settings) if isinstance(event.data, Prediction)]


async def test_champion_and_challenger_serve_from_the_start_and_say_so(settings: Settings) -> None:
    champion = a_direction_champion(settings.registry)
    challenger = ModelRegistry(settings.registry).add(a_direction_candidate(rounds=6))
    bus = MemoryEventBus()

    async with started(settings, bus) as service, bus.subscribe("t", ("predictions",)) as place:
        await bus.publish([RECORDING, *PAST, *PRESENT[:3]])
        heard: list[Any] = []
        while len(heard) < 8:
            heard += [delivery.event.data for delivery in await place.batch()]
        known = service.read_model.status()

    assert known.models == {NAME: champion}
    assert known.challengers == {NAME: challenger}
    said = {(each.role, each.model_version, each.bar_closed_at) for each in heard}
    assert said == {
        (*who, NOON + timedelta(hours=hour))
        for who in (("champion", champion), ("challenger", challenger))
        for hour in range(4)
    }


async def test_a_promotion_answers_at_once_and_the_challenger_leaves_the_shadow(
    settings: Settings,
) -> None:
    a_direction_champion(settings.registry)
    bus = MemoryEventBus()

    async with started(settings, bus) as service:
        await bus.publish([RECORDING, *PAST, *PRESENT[:3]])
        await eventually(lambda: len(predictions(settings)) == 4)
        new = a_direction_champion(settings.registry, rounds=6)
        await look(service)

        (*_, last) = predictions(settings)

    assert (last.data.model_version, last.data.role) == (new, "champion")
    assert last.data.bar_closed_at == NOON + timedelta(hours=3)
    assert service.fold.state.directions.challengers == {}


async def test_trees_that_were_changed_on_disk_are_refused_after_a_start_and_the_rules_go_on(
    settings: Settings,
) -> None:
    version = a_direction_champion(settings.registry)
    async with started(settings, MemoryEventBus()) as service:
        assert service.read_model.status().models == {NAME: version}
    trees = settings.registry / NAME / version / "model.ubj"
    trees.chmod(0o644)
    trees.write_bytes(trees.read_bytes()[:-20])

    bus = MemoryEventBus()
    async with started(settings, bus) as service:
        await bus.publish([RECORDING, *crowd(), *PAST, *PRESENT[:2]])
        await eventually(lambda: service.fold.state.applied >= len(PAST) + 2)
        known = service.read_model.status()
        document = service.read_model.document("BTC", 14_400)

    assert known.models == {}
    assert "not what it was" in known.degraded[NAME]
    assert document is not None
    assert b'"classifier":"rules alone: ' in document
    changes = [each.data for each in journalled(settings) if isinstance(each.data, ModelChange)]
    assert [each.version for each in changes] == [version, None]


async def test_an_expired_classifier_is_not_taken_into_service(settings: Settings) -> None:
    a_direction_champion(settings.registry, expires_at=CUTOFF + timedelta(hours=1))

    async with started(settings, MemoryEventBus()) as service:
        known = service.read_model.status()

    assert known.models == {}
    assert "train on newer data" in known.degraded[NAME]


@pytest.mark.redis
async def test_a_rollback_in_one_command_while_events_flow(
    settings: Settings, redis_url: str
) -> None:
    """No event is lost, the next signal carries the old version, and a replay decides the same."""
    settings = settings.model_copy(update={"bus_url": redis_url})
    old = a_direction_champion(settings.registry)
    new = a_direction_champion(settings.registry, rounds=6)
    books = [
        book(1 + n % 3, 2 + n, {"BTC": 1 + n % 5}, 3600 * LIVE + n / 10) for n in range(1, 600)
    ]
    opening = [RECORDING, *crowd(), *PAST, *PRESENT]

    async with open_bus(redis_url, consumer="test") as bus, started(settings) as service:
        await bus.publish(opening)
        await eventually(lambda: len(predictions(settings)) == LIVE + 1)

        async def publish() -> None:
            for start in range(0, len(books), 5):
                await bus.publish(books[start : start + 5])
                await asyncio.sleep(0.002)

        publishing = asyncio.create_task(publish())
        await eventually(lambda: service.fold.state.applied > len(opening) + 50)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "signal_system", "models", "rollback", NAME),
            *("--registry", str(settings.registry)),
        )
        assert await process.wait() == 0
        await look(service)
        await publishing
        await eventually(lambda: {e.id for e in books} <= known(settings), _SELDOM)
        document = service.read_model.document("BTC", 14_400)

    told = journalled(settings)
    assert {event.id for event in (*opening, *books)} <= {event.id for event in told}
    changes = [each.data.version for each in told if isinstance(each.data, ModelChange)]
    assert changes == [new, old]
    place = next(n for n, each in enumerate(told) if each.data.__class__ is ModelChange and n > 10)
    assert (told[place + 1].type, told[place + 1].data.model_version) == ("predictions", old)
    assert document is not None
    assert f'"classifier":"{old}"' in document.decode()
    config = settings.fold_config()
    assert replay(settings.journal, config) == replay(settings.journal, config)


class Process:
    """``signal-system run`` over one folder, started as often as need be."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        where = ("--bus", self._settings.bus_url, "--data", str(self._settings.data_dir))
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "signal_system", "run", *where, "--port", "0"),
            stdout=asyncio.subprocess.DEVNULL,
            env={
                **os.environ,
                "SIGNAL_SYSTEM_CHECKPOINT_SECONDS": "0.2",
                "SIGNAL_SYSTEM_MODELS": str(self._settings.registry),
            },
        )

    async def end(self, how: int) -> int:
        assert self._process is not None
        self._process.send_signal(how)
        return await self._process.wait()


async def consumed(settings: Settings, random: Random, kills: int) -> list[bytes]:
    """Return the bytes of every prediction made of the market, killed so often on the way."""
    events, process = [RECORDING, *MARKET], Process(settings)
    ids = {event.id for event in events}
    marks = sorted(random.sample(range(HISTORY, len(events) - 1), kills))
    async with open_bus(settings.bus_url, consumer="test") as bus:
        start = 0
        for mark in (*marks, len(events)):
            await process.start()
            while start < mark:
                size = random.randint(1, 200 if start < HISTORY else 5)
                await bus.publish(events[start : min(start + size, mark)])
                start += size
            start = mark
            done = {event.id for event in events[:mark]}
            await eventually(lambda done=done: done <= known(settings), _SELDOM)  # type: ignore[misc]
            if mark < len(events):
                await process.end(SIGKILL)
        await eventually(lambda: len(predictions(settings)) > LIVE, _SELDOM)
    assert await process.end(SIGTERM) == 0
    assert ids <= {event.id for event in journalled(settings)}
    return [encode(event) for event in predictions(settings)]


@pytest.mark.redis
@pytest.mark.timeout(180)
async def test_a_stream_consumed_twice_in_other_batches_and_with_kills_is_predicted_alike(
    tmp_path: Path, redis_binary: Path
) -> None:
    a_direction_champion(tmp_path / "models")
    told = []
    for kills in (0, 2):
        with RedisServer(redis_binary) as server:
            where = {"data_dir": tmp_path / f"{kills}", "models": tmp_path / "models"}
            settings = Settings.read(bus_url=server.url, api_port=0, **where)
            told.append(await consumed(settings, Random(kills), kills))
    first, second = told

    assert len(first) == LIVE + 1
    assert first == second
