import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from market_scraper.connectors.hyperliquid.budget import WeightBudget
from market_scraper.connectors.hyperliquid.collectors.leaderboard import LeaderboardCollector
from market_scraper.connectors.hyperliquid.ranking import CHUNK_ROWS, chunks
from market_scraper.connectors.hyperliquid.rest import InfoClient
from market_scraper.connectors.hyperliquid.tape import TradeTape
from market_scraper.connectors.hyperliquid.throttle import Throttle
from market_scraper.connectors.hyperliquid.venue_time import VenueTime
from market_scraper.outlet import Outlet
from market_scraper.positions.roster import Member
from market_scraper.positions.scoring import Result, Standing
from market_scraper.storage.leaderboard_history import LeaderboardHistory
from market_scraper.storage.memory import MemoryRepository
from shared_events.bus.buffered import buffered
from shared_events.payloads import TrackedTrader
from shared_events.runtime.clock import ManualClock
from shared_events.testing.factories import NOON, an_address

ALICE, BOB = an_address(1), an_address(2)


def a_row(address: str, pnl: int) -> dict[str, Any]:
    made = {"pnl": f"{pnl}.0", "roi": f"{pnl / 100_000}", "vlm": "5000000.0"}
    return {
        "ethAddress": address,
        "accountValue": "100000.0",
        "windowPerformances": [["week", made], ["allTime", made]],
        "displayName": None,
    }


@dataclass
class Venue:
    """Has a leaderboard, or is away."""

    rows: list[dict[str, Any]] | None = None

    async def leaderboard(self, request: web.Request) -> web.Response:
        if self.rows is None:
            return web.Response(status=502)
        return web.json_response({"leaderboardRows": self.rows})


class Patient(ManualClock):
    """Sleeps as long as the test lets it."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0.001)


@dataclass
class Scene:
    """A collector that is not started yet, and what it tells."""

    venue: Venue
    clock: Patient
    repository: MemoryRepository
    facts: list[Any] = field(default_factory=list)
    rosters: list[list[str]] = field(default_factory=list)
    start: Callable[[], None] = lambda: None

    async def publish(self, events: Any) -> None:
        self.facts += [event.data for event in events]

    async def ping(self) -> None:
        """Always there."""

    def tracked(self) -> list[tuple[str, bool, Decimal | None]]:
        told = [fact for fact in self.facts if isinstance(fact, TrackedTrader)]
        return [(fact.address, fact.tracked, fact.score) for fact in told]


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    found = Scene(Venue(), Patient(NOON), MemoryRepository())
    app = web.Application()
    app.add_routes([web.get("/leaderboard", found.venue.leaderboard)])
    async with (
        TestServer(app) as server,
        aiohttp.ClientSession() as http,
        buffered(found, clock=found.clock) as queue,
        asyncio.TaskGroup() as tasks,
    ):
        url = str(server.make_url("/")).rstrip("/")
        collector = LeaderboardCollector(
            InfoClient(http, url, f"{url}/leaderboard", Throttle(WeightBudget(840), found.clock)),
            Outlet(queue, found.clock),
            found.repository,
            VenueTime(TradeTape(), found.clock),
            found.clock,
            lambda members: found.rosters.append([member.address for member in members]),
            history=LeaderboardHistory(found.repository),
            most=10,
            least_account_value=Decimal(1_000),
        )
        started: list[asyncio.Task[None]] = []
        found.start = lambda: started.append(tasks.create_task(collector.collect()))
        yield found
        for task in started:
            task.cancel()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.005)


async def test_the_best_are_tracked_and_introduced_as_a_whole(scene: Scene) -> None:
    scene.venue.rows = [a_row(BOB, 1_000), a_row(ALICE, 50_000)]

    scene.start()
    await until(lambda: len(scene.tracked()) == 2)

    assert scene.rosters == [[ALICE, BOB]]
    assert [address for address, _, _ in scene.tracked()] == [ALICE, BOB]


async def test_a_new_generation_tells_changed_scores_and_who_left(scene: Scene) -> None:
    scene.venue.rows = [a_row(ALICE, 50_000), a_row(BOB, 1_000)]
    scene.start()
    await until(lambda: len(scene.tracked()) == 2)
    scene.facts.clear()

    scene.venue.rows = [a_row(ALICE, -20_000)]
    scene.clock.advance(3_600)
    await until(lambda: len(scene.tracked()) == 2)

    (left, stays_out, _), (changed, stays, score) = scene.tracked()
    assert (left, stays_out) == (BOB, False)
    assert (changed, stays) == (ALICE, True)
    assert score is not None
    assert score < 50


async def test_the_whole_roster_is_told_again_for_those_who_came_late(scene: Scene) -> None:
    scene.venue.rows = [a_row(ALICE, 50_000), a_row(BOB, 1_000)]
    scene.start()
    await until(lambda: len(scene.tracked()) == 2)
    before = scene.tracked()
    scene.facts.clear()

    scene.clock.advance(900)
    await until(lambda: len(scene.tracked()) == 2)

    assert scene.tracked() == before
    told = [fact for fact in scene.facts if isinstance(fact, TrackedTrader)]
    assert [fact.snapshot and fact.snapshot.total for fact in told] == [2, 2]


async def test_without_a_leaderboard_those_of_the_last_run_are_tracked(scene: Scene) -> None:
    before = [
        Member(ALICE, Decimal("77.5"), "leaderboard"),
        Member(BOB, Decimal(60), "leaderboard"),
    ]
    await scene.repository.replace_roster(before)
    await scene.repository.override(BOB, tracked=False)

    scene.start()
    await until(lambda: len(scene.tracked()) == 1)

    assert scene.tracked() == [(ALICE, True, Decimal("77.5"))]
    assert scene.rosters[-1] == [ALICE]


async def test_a_leaderboard_that_comes_back_is_read(scene: Scene) -> None:
    scene.start()
    await asyncio.sleep(0.05)
    scene.venue.rows = [a_row(ALICE, 1_000)]
    scene.clock.advance(60)

    await until(lambda: scene.rosters == [[ALICE]])


def test_a_ranking_is_told_in_pieces_best_first() -> None:
    standings = [
        Standing(
            an_address(number),
            Decimal(1),
            {"week": Result(Decimal(number), Decimal(0), Decimal(1))},
        )
        for number in range(1_203)
    ]

    told = list(chunks("week", "g", NOON, standings, most=1_100))

    assert [len(chunk.rows) for chunk in told] == [CHUNK_ROWS, CHUNK_ROWS, 100]
    assert [chunk.part.index for chunk in told] == [0, 1, 2]
    rows = [row for chunk in told for row in chunk.rows]
    assert [row.rank for row in rows] == list(range(1_100))
    assert [int(row.performance.pnl) for row in rows] == list(range(1_202, 102, -1))
