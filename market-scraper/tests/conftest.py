"""What several tests need: a clock that stands, recordings, a small venue, a consumer, a MongoDB."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pymongo import MongoClient

from hyperliquid_simulator.app import running as venue_running
from hyperliquid_simulator.config import Config
from market_scraper.config import Settings
from market_scraper.testing.foreign import Foreign, foreign_running
from market_scraper.testing.mongodb import WireServer
from shared_events.codec import decode, encode
from shared_events.envelope import StandardEvent
from shared_events.runtime.clock import ManualClock
from shared_events.testing.factories import NOON

_BESIDE_THE_REPOSITORY = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Where the recordings lie; the test is skipped where they do not."""
    folder = Path(os.environ.get("SMART_MONEY_DATA", _BESIDE_THE_REPOSITORY))
    if not folder.is_dir():
        pytest.skip(f"no recordings at {folder}: set SMART_MONEY_DATA")
    return folder


PATIENCE_SECONDS = 20.0


@dataclass
class Venue:
    """The simulator and its strings."""

    url: str
    http: aiohttp.ClientSession

    async def do(self, what: str, **body: Any) -> Any:
        async with self.http.post(f"{self.url}/simulator/{what}", json=body) as response:
            assert response.status == 200
            return await response.json()

    async def books(self) -> dict[str, dict[str, Decimal]]:
        async with self.http.get(f"{self.url}/simulator/truth") as response:
            truth = await response.json()
        everywhere = [truth["books"], *truth["builderBooks"].values()]
        return {
            address: {
                c: Decimal(size) for books in everywhere for c, size in books[address].items()
            }
            for address in truth["books"]
        }


@dataclass
class Consumer:
    """A publisher that reads along: every event crosses the wire, every book is followed."""

    events: list[StandardEvent[Any]] = field(default_factory=list)
    books: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    sequences: dict[str, int] = field(default_factory=dict)

    async def publish(self, events: Sequence[StandardEvent[Any]]) -> None:
        for event in events:
            self._take(decode(encode(event)))

    async def ping(self) -> None:
        """Always there."""

    def of(self, event_type: str) -> list[Any]:
        return [event.data for event in self.events if event.type == event_type]

    def _take(self, event: StandardEvent[Any]) -> None:
        self.events.append(event)
        if event.type != "trader_positions":
            return
        told = event.data
        assert told.sequence > self.sequences.get(told.address, -1)
        self.sequences[told.address] = told.sequence
        book = {} if told.full else dict(self.books.get(told.address, {}))
        book |= {held.coin: held.size for held in told.positions}
        self.books[told.address] = {coin: size for coin, size in book.items() if size}


@pytest.fixture
async def venue() -> AsyncIterator[Venue]:
    config = Config(seed=7, traders=80, coins=4, history_days=3, orders_per_second=60, limits=False)
    async with venue_running(config) as url, aiohttp.ClientSession() as http:
        yield Venue(url, http)


@pytest.fixture
def a_venue() -> Callable[[str, aiohttp.ClientSession], Venue]:
    """Take the strings of a simulator that a test runs by itself."""
    return Venue


@pytest.fixture
def settings(venue: Venue) -> Settings:
    return Settings.read(
        exchange_url=venue.url,
        storage_url="memory://",
        bus_url="memory://unused",
        max_traders=40,
        least_account_value=0,
        candle_days=2,
        audit_seconds=20,
        weight_share=1,
        status_seconds=0.5,
        api_port=0,
    )


@pytest.fixture
def consumer() -> Consumer:
    return Consumer()


@pytest.fixture(scope="session")
def a_consumer() -> Callable[[], Consumer]:
    """Make consumers for fixtures that last longer than a test."""
    return Consumer


@pytest.fixture
def until() -> Callable[[Callable[[], bool | Awaitable[bool]]], Awaitable[None]]:
    """Wait until something holds; fail if it does not for long."""

    async def wait(holds: Callable[[], bool | Awaitable[bool]]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                answer = holds()
                if answer if isinstance(answer, bool) else await answer:
                    return
                await asyncio.sleep(0.05)

    return wait


_databases = count()


@pytest.fixture(scope="session")
def wire_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WireServer]:
    server = WireServer(tmp_path_factory.mktemp("nx"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_wire_server(tmp_path: Path) -> Iterator[WireServer]:
    """Provide a server that is not running yet, for a test that starts and stops it."""
    server = WireServer(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def wire_url(wire_server: WireServer) -> str:
    """Provide the URL of an empty database on the wire-protocol server."""
    return f"{wire_server.url}/test_{next(_databases)}"


@pytest.fixture
def real_url() -> Iterator[str]:
    """Provide the URL of an empty database on a real MongoDB; skip where none is named."""
    server = os.environ.get("MONGODB_URL")
    if not server:
        pytest.skip("no real MongoDB: set MONGODB_URL to one, without a database")
    name = f"market_scraper_test_{os.getpid()}_{next(_databases)}"
    yield f"{server.rstrip('/')}/{name}"
    with MongoClient[dict[str, object]](server) as client:
        client.drop_database(name)


@pytest.fixture
async def foreign() -> AsyncIterator[Foreign]:
    """Provide somebody else's web service."""
    async with foreign_running() as running:
        yield running
