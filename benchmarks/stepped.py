"""A simulated venue in a process of its own whose time is moved by hand, and a clock that follows it."""

import asyncio
import heapq
import json
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any, cast

import aiohttp
import uvloop
from aiohttp import web

from hyperliquid_simulator.accounts.trades import Cause
from hyperliquid_simulator.app import build, serving
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.world.world import World

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_READY_SECONDS = 300
_ROOT = Path(__file__).parents[1]

Books = dict[str, dict[str, Decimal]]
"""Sizes by address and coin."""


@dataclass
class VenueClock:
    """Tells the venue's time and wakes sleepers when it has come."""

    at: datetime
    _sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=count)

    def now(self) -> datetime:
        """Return the venue's time."""
        return self.at

    async def sleep(self, seconds: float) -> None:
        """Wait until the venue's time has moved by `seconds`."""
        woken = asyncio.get_running_loop().create_future()
        due = self.at + timedelta(seconds=max(0.0, seconds))
        heapq.heappush(self._sleepers, (due, next(self._order), woken))
        await woken

    def move(self, to: datetime) -> None:
        """Let it be `to`, and wake whoever waited for it."""
        self.at = to
        while self._sleepers and self._sleepers[0][0] <= to:
            woken = heapq.heappop(self._sleepers)[2]
            if not woken.done():
                woken.set_result(None)


@dataclass
class SteppedVenue:
    """The venue's strings; `elapsed` counts its seconds."""

    url: str
    http: aiohttp.ClientSession
    clock: VenueClock = field(default_factory=lambda: VenueClock(_EPOCH))
    elapsed: float = 0.0

    async def step(self, seconds: float) -> None:
        """Let that much time pass; return when every block was sent."""
        answer = await self.do("step", seconds=seconds)
        self.elapsed += seconds
        self.clock.move(_EPOCH + timedelta(milliseconds=answer["time"]))

    async def do(self, what: str, **body: Any) -> Any:
        """Pull a string."""
        async with self.http.post(f"{self.url}/simulator/{what}", json=body) as response:
            response.raise_for_status()
            return await response.json()

    async def ask(self, what: str) -> Any:
        """Look behind the curtain."""
        async with self.http.get(f"{self.url}/simulator/{what}") as response:
            return await response.json()

    async def coins(self) -> list[str]:
        """Return the perpetuals of the venue's own exchange that trade."""
        async with self.http.post(f"{self.url}/info", json={"type": "meta"}) as response:
            universe = (await response.json())["universe"]
        return [coin["name"] for coin in universe if not coin.get("isDelisted")]

    async def hidden(self) -> dict[tuple[str, str], datetime]:
        """Return which positions changed without a public trade since this was last asked, and when."""
        async with self.http.get(f"{self.url}/hidden") as response:
            rows = await response.json()
        return {(who, coin): _EPOCH + timedelta(milliseconds=ms) for who, coin, ms in rows}

    async def books(self) -> Books:
        """Return what everybody holds, on every exchange; coins that are not held are missing."""
        truth = await self.ask("truth")
        books = {
            address: {coin: Decimal(size) for coin, size in book.items()}
            for address, book in truth["books"].items()
        }
        for dex in truth["builderBooks"].values():
            for address, book in dex.items():
                books[address] |= {coin: Decimal(size) for coin, size in book.items()}
        return books


@asynccontextmanager
async def stepped_venue(**options: Any) -> AsyncIterator[SteppedVenue]:
    """Start a venue with the `Config` `options` in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.stepped", json.dumps(options)),
        cwd=_ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    to_it = cast("asyncio.StreamWriter", process.stdin)
    from_it = cast("asyncio.StreamReader", process.stdout)
    try:
        async with asyncio.timeout(_READY_SECONDS):
            url = (await from_it.readline()).decode().strip()
            if not url:
                raise SystemExit("the venue did not start")
        async with aiohttp.ClientSession() as http:
            venue = SteppedVenue(url, http)
            await venue.step(0.1)
            yield venue
    finally:
        to_it.close()
        await process.wait()


def _note_hidden(world: World) -> list[tuple[str, str, int]]:
    """Return a list to which every change without a public trade is added: address, coin, time."""
    noted: list[tuple[str, str, int]] = []
    clearing, names = world.events.clearing, world.board.perps
    hand_over, settle = clearing.hand_over, clearing.settle

    def note(accounts: Iterable[int], coin: int) -> None:
        noted.extend((world.addresses[who], names[coin].name, clearing.time) for who in accounts)

    def handed_over(coin: int, lots: int, ticks: int, parties: tuple[int, int], why: Cause) -> None:
        note(parties, coin)
        hand_over(coin, lots, ticks, parties, why)

    def settled(coin: int, ticks: int) -> None:
        note((each.index for each in world.ledger.accounts if each.lots(coin)), coin)
        settle(coin, ticks)

    clearing.hand_over, clearing.settle = handed_over, settled  # type: ignore[method-assign]
    return noted


async def _serve(options: dict[str, Any]) -> None:
    """Serve until nobody holds the other end of our standard input."""
    venue = build(Config(stepped=True, **options))
    hidden = _note_hidden(venue.world)

    async def tell(_: web.Request) -> web.Response:
        told, hidden[:] = list(hidden), []
        return web.json_response(told)

    venue.app.router.add_get("/hidden", tell)
    async with serving(venue) as url:
        print(url, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(_serve(json.loads(sys.argv[1])))
