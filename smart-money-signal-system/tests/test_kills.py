"""A real process over a real Redis, killed while events come in."""

import asyncio
import os
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from signal import SIGKILL, SIGTERM

import pytest

from shared_events.bus.open import open_bus
from shared_events.codec import encode
from shared_events.journal import Tick, decode_record, read
from shared_events.runtime.clock import SystemClock
from shared_events.testing.factories import NOON
from shared_events.testing.servers import RedisServer
from signal_system.config import Settings
from signal_system.evaluation.replay import replay
from signal_system.fold import Fold, FoldConfig
from signal_system.notifiers.choosing import Choice
from signal_system.notifiers.receivers import Receiver
from signal_system.storage.port import BEFORE_ALL
from signal_system.storage.sqlite import SqliteStore
from signal_system.testing.events import Event, book, member, price, profile, status
from signal_system.testing.hooks import SECRET, Inbox, receiving

pytestmark = [pytest.mark.redis, pytest.mark.timeout(180)]

COINS = ("BTC", "ETH", "SOL")
TRADERS = 30


def now() -> float:
    return (SystemClock().now() - NOON).total_seconds()


def events(random: Random, count: int) -> list[Event]:
    """Return a roster with families and books, then `count` changes: flips among them."""
    second = now()
    traders = range(1, TRADERS + 1)
    return [
        status(second),
        *(member(n, random.randint(40, 100), second) for n in traders),
        *(profile(n, second, master=n - 1) for n in traders if n % 10 == 0),
        *(price(coin, random.randint(1, 100_000), second) for coin in COINS),
        *(book(n, 1, {coin: random.randint(-9, 9) for coin in COINS}, second) for n in traders),
        *(
            book(
                random.choice(traders),
                n + 2,
                {random.choice(COINS): random.randint(-9, 9)},
                second,
                full=False,
            )
            for n in range(count)
        ),
    ]


class Process:
    """``signal-system run`` over one folder, started as often as need be."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        where = ("--bus", self._settings.bus_url, "--data", str(self._settings.data_dir))
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "signal_system", "run", *where, "--port", "0"),
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "SIGNAL_SYSTEM_CHECKPOINT_SECONDS": "0.5"},
        )

    async def restored(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        while b'"restored"' not in await self._process.stdout.readline():
            pass

    async def end(self, how: int) -> int:
        assert self._process is not None
        self._process.send_signal(how)
        return await self._process.wait()


@asynccontextmanager
async def publishing(url: str, told: list[Event]) -> AsyncIterator[asyncio.Task[None]]:
    """Publish `told` in small batches for as long as it takes."""
    async with open_bus(url, consumer="test") as bus:

        async def publish() -> None:
            for start in range(0, len(told), 20):
                await bus.publish(told[start : start + 20])
                await asyncio.sleep(0.005)

        task = asyncio.create_task(publish())
        yield task
        await task


def journalled(settings: Settings) -> list[str]:
    if not settings.journal.is_dir():
        return []
    records = [decode_record(raw) for _, raw in read(settings.journal)]
    return [record.id for record in records if not isinstance(record, Tick)]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.05)


@pytest.fixture
def settings(tmp_path: Path, redis_binary: Path) -> Iterator[Settings]:
    with RedisServer(redis_binary) as server:
        yield Settings.read(data_dir=tmp_path, bus_url=server.url)


async def survive(settings: Settings, told: list[Event], random: Random, kills: int) -> None:
    """Run to the end of `told`, killed so many times at random records on the way."""
    process, ids = Process(settings), {event.id for event in told}
    marks = sorted(random.sample(range(len(told)), kills))
    async with publishing(settings.bus_url, told):
        for mark in marks:
            await process.start()
            await until(lambda mark=mark: len(journalled(settings)) > mark)  # type: ignore[misc]
            await process.end(SIGKILL)
        await process.start()
        await process.restored()
        await until(lambda: ids <= set(journalled(settings)))
    assert await process.end(SIGTERM) == 0


async def published(url: str) -> dict[str, set[bytes]]:
    """Return the bytes of every signal on the bus, by id."""
    by_id: defaultdict[str, set[bytes]] = defaultdict(set)
    async with open_bus(url, consumer="check") as bus, bus.subscribe("check", ["signals"]) as place:
        while batch := await place.batch():
            for delivery in batch:
                by_id[delivery.event.id].add(delivery.raw)
            await place.ack(batch)
    return by_id


async def test_killed_at_random_moments_it_ends_where_an_uninterrupted_run_ends(
    settings: Settings,
) -> None:
    random = Random(1)
    told = events(random, 3_000)

    await survive(settings, told, random, kills=3)

    ids = journalled(settings)
    assert sorted(ids) == sorted({event.id for event in told}), "each event exactly once"
    uninterrupted = Fold(FoldConfig())
    for position, event in enumerate(told):
        uninterrupted.apply(position, event)
    summary = replay(settings.journal, FoldConfig())
    assert summary.state_hash == uninterrupted.state.digest()
    assert {"BUY", "SELL"} & set(summary.actions)

    store = SqliteStore.open(settings.database)
    stored = [raw for _, raw in store.after(BEFORE_ALL, 1_000_000)]
    store.close()
    again = Fold(FoldConfig())
    issued = [
        encode(event)
        for position, raw in read(settings.journal)
        for event in again.apply(position, decode_record(raw))
    ]
    assert stored == issued, "what was stored is what the journal leads to"

    by_id = await published(settings.bus_url)
    assert all(len(contents) == 1 for contents in by_id.values()), "one id, one content"
    assert {raw for contents in by_id.values() for raw in contents} <= set(issued)


async def test_redelivered_and_reordered_events_change_nothing(settings: Settings) -> None:
    random = Random(3)
    told = events(random, 400)
    books = [event for event in told if event.type == "trader_positions"]
    late = random.sample(books, 200)

    await survive(settings, [*told, *late], random, kills=1)

    assert sorted(journalled(settings)) == sorted({event.id for event in told})


@asynccontextmanager
async def unsteady(inbox: Inbox, port: int) -> AsyncIterator[None]:
    """Take webhooks on `port`, gone and back all the time; at last nobody listens."""

    async def live() -> None:
        while True:
            async with receiving(inbox, port):
                await asyncio.sleep(0.3)
            await asyncio.sleep(0.1)

    task = asyncio.create_task(live())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


def chosen(settings: Settings) -> list[str]:
    """Return the ids of what a webhook for everything is told of all that was issued."""
    store = SqliteStore.open(settings.database)
    choice = Choice(Receiver(), lambda _: None)
    notices = [choice.of(raw) for _, raw in store.after(BEFORE_ALL, 1_000_000)]
    store.close()
    return [notice.id for notice in notices if notice is not None]


async def test_killed_like_its_receiver_it_tells_a_webhook_everything_once_and_in_order(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random, inbox = Random(5), Inbox()
    async with receiving(inbox) as port:
        path = tmp_path / "receivers.yaml"
        path.write_text(
            f"webhooks: {{bot: {{url: 'http://127.0.0.1:{port}/hook', secret: {SECRET},"
            " allow_http: true, allow_private: true}}"
        )
        path.chmod(0o600)
    monkeypatch.setenv("SIGNAL_SYSTEM_RECEIVERS_FILE", str(path))

    async with unsteady(inbox, port):
        await survive(settings, events(random, 3_000), random, kills=3)
    expected, process = chosen(settings), Process(settings)
    async with receiving(inbox, port):
        await process.start()
        await until(lambda: len(inbox.kept) >= len(expected))
        await process.end(SIGKILL)

    assert len(expected) > 10
    assert list(inbox.kept)[: len(expected)] == expected
    assert inbox.forged == 0
