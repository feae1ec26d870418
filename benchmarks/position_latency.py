"""How long after a trade the changed position is on Redis, with many wallets tracked.

uv run python -m benchmarks.position_latency [--wallets 30000] [--rates 500 2000] [--seconds 30] [--json FILE]

Three processes beside a real Redis on this machine: the simulated venue in real time without limits, the scraper, and this one,
which reads both the venue's trades and the stream. A change counts from the moment the last of its trades
reached this reader to the moment its event did: decoding, the ledger, the 20 ms in which changes are gathered,
the envelope, Redis, and this reader's own wait. Every wallet's book is stated to the scraper at the start, past
its allowance, so that all of them are told of. The venue, the scraper, Redis and this reader share the cores there are; how late the
venue's own blocks were is told along.
"""

import argparse
import asyncio
import json
import logging
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import aiohttp
import structlog
import uvloop
from redis.asyncio import Redis
from rich.console import Console
from rich.table import Table

from market_scraper.config import Settings
from market_scraper.connectors.hyperliquid.parse import parse_state
from market_scraper.orchestration.lifecycle import running
from shared_events.codec import decode
from shared_events.runtime.service import settle
from shared_events.testing.servers import RedisServer, bundled_redis, redis_on_path

_ROOT = Path(__file__).parents[1]
_STREAM = "events:trader_positions"
_ASKED_AT_ONCE = 8
_WARM_UP_SECONDS = 5.0
_READY_SECONDS = 600.0

Ref = tuple[str, int, int]
"""A trade: coin, time, id."""


async def scrape(venue: str, redis: str, wallets: int) -> None:
    """Follow everybody at `venue`, say so, and go on until nobody holds our standard input."""
    settings = Settings.read(
        exchange_url=venue,
        bus_url=redis,
        storage_url="memory://",
        max_traders=wallets,
        least_account_value=0,
        api_port=0,
    )
    async with running(settings) as scraper, aiohttp.ClientSession() as http:
        await until(lambda: bool(scraper.positions.members) and scraper.feed.ready)
        waiting = list(scraper.positions.members)
        tracked = len(waiting)

        async def state_all() -> None:
            while waiting:
                address = waiting.pop()
                body = {"type": "clearinghouseState", "user": address}
                async with http.post(f"{venue}/info", json=body) as response:
                    scraper.positions.following.state(address, parse_state(await response.read()))

        await asyncio.gather(*(state_all() for _ in range(_ASKED_AT_ONCE)))
        settle()
        print(tracked, flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    while not holds():  # noqa: ASYNC110 -- nobody tells when
        await asyncio.sleep(0.1)


@asynccontextmanager
async def process(*command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a part until the context is left."""
    part = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *command),
        cwd=_ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield part
    finally:
        with suppress(ProcessLookupError):
            part.terminate()
        await part.wait()


async def first_line(part: asyncio.subprocess.Process) -> str:
    """Return what a part says when it is ready."""
    async with asyncio.timeout(_READY_SECONDS):
        line = (await cast("asyncio.StreamReader", part.stdout).readline()).decode()
    if not line:
        raise SystemExit("a part did not start")
    return line


class Reader:
    """Notes when trades and changes arrive."""

    def __init__(self) -> None:
        self.trades: dict[Ref, float] = {}
        self.seconds: list[float] = []
        self.changes = 0

    async def read_trades(self, http: aiohttp.ClientSession, venue: str) -> None:
        """Note every trade of every coin, until cancelled."""
        async with http.post(f"{venue}/info", json={"type": "meta"}) as response:
            universe = (await response.json())["universe"]
        async with http.ws_connect(f"{venue}/ws", max_msg_size=0) as socket:
            for coin in universe:
                wanted = {"type": "trades", "coin": coin["name"]}
                await socket.send_json({"method": "subscribe", "subscription": wanted})
            async for message in socket:
                arrived = time.perf_counter()
                if message.data.startswith('{"channel":"trades"'):
                    for trade in json.loads(message.data)["data"]:
                        self.trades.setdefault(
                            (trade["coin"], trade["time"], trade["tid"]), arrived
                        )

    async def read_changes(self, redis: Redis) -> None:
        """Note how long after its last trade every change arrives, until cancelled."""
        place: Any = "$"
        while True:
            answer: Any = await redis.xread({_STREAM: place}, count=500, block=1000)
            arrived = time.perf_counter()
            for _, entries in answer or ():
                for entry, fields in entries:
                    place = entry
                    self._note(next(iter(fields.values())), arrived)

    def _note(self, raw: bytes, arrived: float) -> None:
        for change in decode(raw).data.changes:
            if change.cause != "trade" or change.last is None:
                continue
            ms = round(change.last.time.timestamp() * 1000)
            seen = self.trades.get((change.coin, ms, change.last.tid))
            self.changes += 1
            if seen is not None:
                self.seconds.append(max(0.0, arrived - seen))


async def measure(given: argparse.Namespace, rate: float, redis: RedisServer) -> dict[str, Any]:
    """Return the figures at `rate` trades a second."""
    options = {
        "traders": given.wallets,
        "coins": 50,
        "orders": rate / 1.75,
        "history": 2,
        "port": 0,
    }
    words = (text for name, value in options.items() for text in (f"--{name}", str(value)))
    serve = ("hyperliquid_simulator", "serve", "--no-limits", "--flip-seconds", "0", *words)
    me = ("benchmarks.position_latency", "--scrape")
    async with process(*serve) as simulator, aiohttp.ClientSession() as http:
        venue = next(word for word in (await first_line(simulator)).split() if "http" in word)
        async with process(*me, venue, redis.url, "--wallets", str(given.wallets)) as scraper:
            tracked = int(await first_line(scraper))
            reader, client = Reader(), Redis.from_url(redis.url)
            tasks = [
                asyncio.create_task(reader.read_trades(http, venue)),
                asyncio.create_task(reader.read_changes(client)),
            ]
            await asyncio.sleep(_WARM_UP_SECONDS)
            reader.seconds.clear()
            async with http.get(f"{venue}/simulator/pace") as response:
                await response.read()
            begun, trades = time.perf_counter(), len(reader.trades)
            await asyncio.sleep(given.seconds)
            elapsed = time.perf_counter() - begun
            async with http.get(f"{venue}/simulator/pace") as response:
                pace = await response.json()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await client.aclose()
    cuts = statistics.quantiles(reader.seconds or [0.0, 0.0], n=100, method="inclusive")
    return {
        "tracked": tracked,
        "trades/s": (len(reader.trades) - trades) / elapsed,
        "changes/s": len(reader.seconds) / elapsed,
        "p50 ms": cuts[49] * 1e3,
        "p99 ms": cuts[98] * 1e3,
        "max ms": max(reader.seconds, default=0.0) * 1e3,
        "blocks late p99 ms": pace["lateMs"]["p99"],
        "cores": len(os.sched_getaffinity(0)),
    }


def main() -> None:
    """Measure every rate and print."""
    parser = argparse.ArgumentParser(description="From a trade to a changed position on Redis.")
    parser.add_argument("--wallets", type=int, default=30_000)
    parser.add_argument("--rates", type=float, nargs="+", default=[500.0, 2_000.0])
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--scrape", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.scrape:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
        venue, redis_url = given.scrape
        uvloop.run(scrape(venue, redis_url, given.wallets))
        return
    binary = redis_on_path() or bundled_redis()
    if binary is None:
        raise SystemExit("no redis-server: run `uv sync` or apt install redis-server")
    rows = []
    for rate in given.rates:
        with RedisServer(binary) as redis, TemporaryDirectory():
            rows.append(uvloop.run(measure(given, rate, redis)))
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(f"{value:,.1f}" for value in row.values()))
    Console(width=120).print(table)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
