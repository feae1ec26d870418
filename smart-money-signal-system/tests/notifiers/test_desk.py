"""A whole service over a bus in memory, and a receiver that comes and goes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from shared_events.bus.memory import MemoryEventBus
from shared_events.errors import ConfigError
from shared_events.runtime.clock import SystemClock
from shared_events.testing.factories import NOON
from signal_system.app import Service, running
from signal_system.config import Settings
from signal_system.testing.events import Event, book, member, price, status
from signal_system.testing.hooks import SECRET, Inbox, receiving


def settings_of(folder: Path, port: int) -> Settings:
    path = folder / "receivers.yaml"
    path.write_text(
        f"webhooks: {{bot: {{url: 'http://127.0.0.1:{port}/hook', secret: {SECRET},"
        " allow_http: true, allow_private: true}}"
    )
    path.chmod(0o600)
    return Settings.read(data_dir=folder / "data", api_port=0, receivers_file=path)


def world(side: int, sequence: int) -> list[Event]:
    """Return four traders who all hold that side of BTC."""
    second = (SystemClock().now() - NOON).total_seconds()
    return [
        status(second),
        *(member(n, 50, second) for n in range(1, 5)),
        price("BTC", 100, second),
        *(book(n, sequence, {"BTC": side * 10}, second) for n in range(1, 5)),
    ]


@asynccontextmanager
async def started(settings: Settings, bus: MemoryEventBus) -> AsyncIterator[Service]:
    async with running(settings, bus=bus, serve=False) as service:
        await service.restored.wait()
        yield service


async def eventually(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def turns(inbox: Inbox) -> list[tuple[str | None, str]]:
    told = [each for each in inbox.kept.values() if each["type"] == "signal_turn"]
    return [(each["previous_action"], each["data"]["action"]) for each in told]


async def test_turns_reach_a_webhook_once_each_across_restarts_of_both_sides(
    tmp_path: Path,
) -> None:
    inbox, bus = Inbox(), MemoryEventBus()
    async with receiving(inbox) as port:
        settings = settings_of(tmp_path, port)
        async with started(settings, bus):
            await bus.publish(world(1, 1))
            await eventually(lambda: turns(inbox)[-1:] and turns(inbox)[-1][1] == "BUY")
    async with started(settings, bus) as service:  # the receiver is away
        await bus.publish(world(-1, 2))
        await eventually(lambda: b'"SELL"' in service.read_model.rows())

    async with receiving(inbox, port), started(settings, bus):
        await eventually(lambda: turns(inbox)[-1][1] == "SELL")

    assert len(turns(inbox)) == len(inbox.keys), "nothing was told twice"
    befores, actions = zip(*turns(inbox), strict=True)
    assert list(befores[1:]) == list(actions[:-1]), "each turn goes on where the last one ended"


@pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")
@pytest.mark.parametrize(
    ("text", "advice"),
    [("chats: {a: {url: 'nosuchservice://x'}}", r"chats\.a\.url"), ("- x", "RECEIVERS_FILE")],
)
def test_a_wrong_file_stops_the_start(tmp_path: Path, text: str, advice: str) -> None:
    settings = settings_of(tmp_path, 1)
    (tmp_path / "receivers.yaml").write_text(text)

    async def start() -> None:
        async with running(settings, bus=MemoryEventBus(), serve=False):
            pass

    with pytest.raises(ConfigError, match=advice):
        asyncio.run(start())
