import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec import json

from shared_events.bus.memory import MemoryEventBus
from shared_events.bus.port import LostGroup
from shared_events.envelope import event
from shared_events.errors import ConfigError
from shared_events.journal import JournalWriter, encode_tick, oldest
from shared_events.payloads import MarketContext, SourceStatus, TrackedTrader
from shared_events.runtime.clock import SystemClock
from shared_events.testing.factories import a_position, an_address, trader_positions
from signal_system.app import Service, running
from signal_system.config import Settings
from signal_system.event_subscriber import GROUP
from signal_system.signal_generation.chain import is_intact

COINS = ("BTC", "ETH")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.read(data_dir=tmp_path, api_port=0)


@asynccontextmanager
async def started(
    settings: Settings, bus: MemoryEventBus, *, serve: bool = False
) -> AsyncIterator[Service]:
    async with running(settings, bus=bus, serve=serve) as service:
        await service.restored.wait()
        yield service


async def eventually(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def now() -> datetime:
    return SystemClock().now()


def told(data: Any) -> Any:
    return event(data, source="test", time=now(), recorded_at=now())


def world(side: int = 1, sequence: int = 1) -> list[Any]:
    """Return four traders who all hold the same side of every coin."""
    addresses = [an_address(n) for n in range(1, 5)]
    return [
        told(SourceStatus(name="venue", at=now(), status="LIVE", tracked=4)),
        *(told(TrackedTrader(address=a, tracked=True, reason="t", at=now())) for a in addresses),
        *(told(MarketContext(coin=coin, at=now(), mark=Decimal(100))) for coin in COINS),
        *(
            told(
                trader_positions(
                    address=a,
                    sequence=sequence,
                    as_of=now(),
                    positions=tuple(a_position(coin=coin, size=side) for coin in COINS),
                )
            )
            for a in addresses
        ),
    ]


def actions(service: Service) -> dict[str, str]:
    return {row["coin"]: row["action"] for row in json.decode(service.read_model.rows())["signals"]}


async def test_events_on_the_bus_become_signals_in_the_list_and_a_flip_changes_them(
    settings: Settings,
) -> None:
    bus = MemoryEventBus()
    async with started(settings, bus) as service:
        await bus.publish(world())
        await eventually(lambda: actions(service) == dict.fromkeys(COINS, "BUY"))

        await bus.publish(world(-1, 2))

        await eventually(lambda: actions(service) == dict.fromkeys(COINS, "SELL"))
        assert service.read_model.status().progress.phase == "live"


async def test_signals_travel_back_to_the_bus(settings: Settings) -> None:
    bus = MemoryEventBus()
    async with (
        started(settings, bus) as service,
        bus.subscribe("bot", ("signals",)) as subscription,
    ):
        await bus.publish(world())

        heard: list[Any] = []
        while not any(signal.action == "BUY" for signal in heard):
            heard += [delivery.event.data for delivery in await subscription.batch()]

        assert {signal.coin for signal in heard} <= set(COINS)
        assert service.read_model.status().chain_hash


async def test_a_stop_and_a_start_go_on_where_they_were(settings: Settings) -> None:
    bus = MemoryEventBus()
    async with started(settings, bus) as service:
        await bus.publish(world())
        await eventually(lambda: len(actions(service)) == 2)
        before = service.read_model.status()

    async with started(settings, bus) as service:
        after = service.read_model.status()

    assert after.state_hash == before.state_hash
    assert after.journal_position >= before.journal_position
    assert after.events_applied == before.events_applied


async def test_the_api_answers_from_the_same_state(settings: Settings) -> None:
    bus = MemoryEventBus()
    async with started(settings, bus, serve=True) as service:
        await bus.publish(world())
        await eventually(lambda: len(actions(service)) == 2)

        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{service.port}") as api:
            listed = (await api.get("/api/v1/signals")).json()
            whole = (await api.get("/api/v1/signals/BTC")).json()
            past = (await api.get("/api/v1/signals/BTC/history")).json()
            ready = await api.get("/health/ready")
            metrics = (await api.get("/metrics")).text

        assert [row["coin"] for row in listed["signals"]] == ["BTC", "ETH"]
        assert (whole["action"], whole["horizon_seconds"], whole["hash"]) == ("BUY", 14_400, "")
        assert past["signals"][0]["hash"]
        assert ready.status_code == 200
        assert "signal_system_events_applied_total 11.0" in metrics


async def test_every_issued_document_is_served_with_the_bytes_its_hash_is_of(
    settings: Settings,
) -> None:
    bus = MemoryEventBus()
    async with started(settings, bus) as service:
        await bus.publish(world())
        await eventually(lambda: len(actions(service)) == 2)

        documents = service.read_model.history("BTC", 3_600, limit=10, before=None)

    assert documents
    assert all(map(is_intact, documents))
    assert not is_intact(documents[0].replace(b'"calibrated":false', b'"calibrated":true'))


async def test_a_coin_never_heard_of_has_no_document(settings: Settings) -> None:
    async with started(settings, MemoryEventBus()) as service:
        assert service.read_model.document("NOPE", 14_400) is None
        assert service.read_model.document("BTC", 7) is None
        assert json.decode(service.read_model.rows())["signals"] == []


async def test_the_list_is_the_same_bytes_until_something_changes(settings: Settings) -> None:
    bus = MemoryEventBus()
    async with started(settings, bus) as service:
        await bus.publish(world())
        await eventually(lambda: len(actions(service)) == 2)

        assert service.read_model.rows() is service.read_model.rows()


async def test_an_event_from_the_future_goes_to_the_dead_letters_and_stops_nothing(
    settings: Settings,
) -> None:
    bus = MemoryEventBus()
    later = now() + timedelta(hours=1)
    early = event(
        TrackedTrader(address=an_address(9), tracked=True, reason="t", at=later),
        source="test",
        time=later,
        recorded_at=later,
    )
    async with started(settings, bus) as service:
        await bus.publish([early, *world()])

        await eventually(lambda: len(actions(service)) == 2)

        [letter] = await bus.dead_letters("tracked_traders")
        assert "has not come yet" in letter.reason


async def test_what_a_snapshot_stands_for_leaves_the_journal_when_it_is_old(
    settings: Settings,
) -> None:
    long_ago = now() - timedelta(days=settings.journal_days + 1)
    with JournalWriter(settings.journal, segment_bytes=1) as journal:
        for minute in range(3):
            journal.append([encode_tick(long_ago + timedelta(minutes=minute))])
    bus = MemoryEventBus()
    async with started(settings, bus) as service:
        await bus.publish(world())
        await eventually(lambda: len(actions(service)) == 2)
        await service.forget_the_old()
        assert oldest(settings.journal) == 0, "nothing was kept of it yet"

        await service.keep()
        await service.forget_the_old()

        assert oldest(settings.journal) == 2
    async with started(settings, bus) as service:
        assert len(actions(service)) == 2


async def test_two_services_cannot_share_a_journal(settings: Settings) -> None:
    async with started(settings, MemoryEventBus()):
        with pytest.raises(ConfigError, match="another writer"):
            async with running(settings, bus=MemoryEventBus(), serve=False):
                pass


async def test_a_port_that_is_taken_is_a_matter_of_configuration(
    settings: Settings, tmp_path: Path
) -> None:
    async with started(settings, MemoryEventBus(), serve=True) as service:
        other = Settings.read(data_dir=tmp_path / "other", api_port=service.port)

        with pytest.raises(ConfigError, match="API_PORT"):
            async with running(other, bus=MemoryEventBus()):
                pass


async def test_it_says_so_when_the_bus_dropped_what_it_had_not_read(settings: Settings) -> None:
    class Dropping(MemoryEventBus):
        async def lost_groups(self) -> list[LostGroup]:
            return [LostGroup(GROUP, "candles", now()), LostGroup("another", "signals", now())]

    async with started(settings, Dropping()) as service:
        checks = await service.read_model.checks()

    assert checks["bus"] is None
    assert "dropped unread candles;" in (checks["events"] or "")
