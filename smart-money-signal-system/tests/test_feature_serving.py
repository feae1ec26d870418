"""What the service does with features, from the bus to the audit, over a real Redis."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from shared_events.bus.open import open_bus
from shared_events.bus.port import EventBus
from shared_events.errors import TransientError
from shared_events.runtime.clock import SystemClock
from shared_events.testing.factories import NOON
from signal_system.app import Service, running
from signal_system.config import Settings
from signal_system.feature_serving import FeatureServing
from signal_system.ml.features.feed import Told, told
from signal_system.ml.features.registry import SERVED, smart_money
from signal_system.ml.features.view import view
from signal_system.storage.feature_redis import open_online
from signal_system.storage.served_features import Served, ServedFeatures
from signal_system.testing.events import Event, book, candle, flow, member, price, status
from signal_system.training.feature_audit import audit

COINS = ("BTC", "ETH")
HISTORY, LIVE = 1_300, 12
CLASSIFIER, SMART_MONEY = SERVED


def market(seed: int = 1) -> list[Event]:
    """Return a history that is loaded at once, then hours of everything that features are made of."""
    random = Random(seed)
    events = [status(), *(member(n, 60) for n in (1, 2, 3))]
    events += [
        candle(coin, hour, random.randint(90, 110), second=1)
        for coin in COINS
        for hour in range(-HISTORY, 0)
    ]
    for hour in range(LIVE):
        for coin in COINS:
            second = 3600 * hour + random.randint(2, 3000)
            sizes = {coin: random.randint(-9, 9)}
            events.append(book(random.randint(1, 3), 2 + len(events), sizes, second, full=hour < 3))
            events.append(flow(coin, second, random.random(), random.random()))
            events.append(price(coin, random.randint(90, 110), second))
        for coin in COINS:
            events.append(candle(coin, hour, random.randint(90, 110)))
    return events


@pytest.fixture
def settings(tmp_path: Path, redis_url: str) -> Settings:
    return Settings.read(data_dir=tmp_path, bus_url=redis_url, api_port=0)


async def eventually(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.02)


async def taken(service: Service, bus: EventBus, events: list[Event]) -> None:
    """Publish `events` and wait until they are applied and their rows served."""
    goal = service.fold.state.applied + len(events)
    await bus.publish(events)
    await eventually(lambda: service.fold.state.applied >= goal)
    await eventually(lambda: service.features.waiting == 0)


@pytest.mark.redis
async def test_what_a_service_serves_over_a_stop_is_what_its_journal_leads_to(
    settings: Settings,
) -> None:
    events = market()
    cut = len(events) - 5 * LIVE
    async with open_bus(settings.bus_url, consumer="test") as bus:
        for part in (events[:cut], events[cut:]):
            async with running(settings, serve=False) as service:
                await service.restored.wait()
                await taken(service, bus, part)

    served = list(ServedFeatures(settings.served).read())
    found = audit(settings.journal, served, SERVED)
    assert {hash_: each.share for hash_, each in found.items()} == {
        CLASSIFIER.hash: 1.0,
        SMART_MONEY.hash: 1.0,
    }
    assert all(each.missing == 0 for each in found.values())
    assert {each.event_ms for each in served if each.spec_hash == CLASSIFIER.hash} >= {
        int((NOON + timedelta(hours=hour)).timestamp()) * 1000 for hour in range(1, LIVE + 1)
    }


@pytest.mark.redis
async def test_the_newest_rows_are_online_for_whoever_predicts_elsewhere(
    settings: Settings,
) -> None:
    events = market(2)
    async with (
        open_bus(settings.bus_url, consumer="test") as bus,
        running(settings, serve=False) as service,
    ):
        await service.restored.wait()
        await taken(service, bus, events)

    async with open_online(settings.bus_url) as online:
        assert online is not None
        at = NOON + timedelta(hours=LIVE, seconds=1)
        for spec in SERVED:
            rows = await online.get_online(view(spec), [*COINS, "SOL"], at)
            last = {coin: row for each, coin, row in told([spec], events) if each is spec}
            assert rows["SOL"] is None
            for coin in COINS:
                found = rows[coin]
                assert found is not None
                assert found.values.tobytes() == last[coin].values.tobytes()


async def test_without_redis_nothing_is_online() -> None:
    async with open_online("memory://") as online:
        assert online is None


def rows() -> list[Told]:
    return list(told([smart_money("1h")], market(3)))


async def test_a_history_that_is_loaded_leaves_no_trace(tmp_path: Path) -> None:
    serving = FeatureServing(ServedFeatures(tmp_path / "served"), None)

    serving.add(rows())

    assert serving.waiting == len(COINS) * (LIVE + 2)


async def test_rows_wait_for_a_disk_that_does_not_take_them(tmp_path: Path) -> None:
    class Slow(SystemClock):
        async def sleep(self, seconds: float) -> None:
            (tmp_path / "served").unlink(missing_ok=True)
            await asyncio.sleep(0)

    (tmp_path / "served").write_text("in the way")
    served = ServedFeatures(tmp_path / "served")
    serving = FeatureServing(served, None)
    serving.add(rows())
    with pytest.raises(TransientError):
        served.write(rows())

    task = asyncio.create_task(serving.serve(Slow()))
    await eventually(lambda: serving.waiting == 0)
    task.cancel()

    found: list[Served] = list(served.read())
    assert len(found) == len(COINS) * (LIVE + 2)
