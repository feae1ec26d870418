"""How many trades a second the simulated venue takes, and how late its blocks go out.

Run `uv run python benchmarks/simulator.py`. The venue is one process on one core of its own (on Linux): 10,000
accounts in the present at real speed, without limits. A second process on the other cores reads it over real
sockets: trades, bbo, one-minute candles, books and contexts of every coin, what is sent about all
markets, and the fills, states, fundings and orders of ten accounts, half of them makers. A block is
late by the time from the moment it is due to the moment its last frame is handed to the kernel; the
venue keeps that count itself (`GET /simulator/pace`). A reader on the same machine also says how old
trades are when it has parsed them.

Three loads take turns: nobody listens; all markets; all markets and the ten accounts. Figures are the
medians of their rounds, the worst block is that of all rounds.

With `--hour` the venue begins half a minute before a full hour and only the last load is measured, once, over the block
that charges everybody's funding, the one that notes how everybody stands, and the writing of the leaderboard. Its clock
is not the reader's then, so no ages are told.
"""

import argparse
import asyncio
import json
import math
import multiprocessing
import os
import re
import statistics
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from multiprocessing.connection import Connection
from typing import Any, cast

import aiohttp
import orjson
import uvloop

MARKET = ("trades", "bbo", "l2Book", "activeAssetCtx")
WHOLE_MARKET = ("allMids", "fastAssetCtxs", "allDexsAssetCtxs")
ACCOUNT = ("userFills", "clearinghouseState", "userFundings", "orderUpdates")
SOCKETS = 10
BEFORE_THE_HOUR = "2026-11-01T00:59:30Z"
WARM_UP_S = 5.0
MOST_SECONDS = 600.0

Subscription = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Load:
    """Who listens to what."""

    title: str
    subscriptions: tuple[Subscription, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one round; lateness in milliseconds, ``share`` of the venue's core, cost of a trade in us."""

    trades_per_second: float
    late_p50: float
    late_p99: float
    late_max: float
    share: float
    us_per_trade: float
    megabytes_per_second: float = 0.0
    read_p50: float = 0.0
    read_p99: float = 0.0


# ── The reader ───────────────────────────────────────────────────────────────────────────────


def read(sender: Connection, url: str, load: Load, seconds: float) -> None:
    """Subscribe, say so, read for `seconds`; send back the bytes and the ages of trades in ms."""
    uvloop.run(_read(sender, url, load, seconds))


async def _read(sender: Connection, url: str, load: Load, seconds: float) -> None:
    ages: list[float] = []
    received = 0

    async def listen(nth: int, ready: asyncio.Event) -> None:
        nonlocal received
        async with session.ws_connect(f"{url}/ws", max_msg_size=0) as socket:
            for subscription in load.subscriptions[nth::SOCKETS]:
                await socket.send_json({"method": "subscribe", "subscription": subscription})
            ready.set()
            async for message in socket:
                received += len(message.data)
                if message.data.startswith('{"channel":"trades"'):
                    newest = orjson.loads(message.data)["data"][-1]["time"]
                    ages.append(time.time() * 1000 - newest)

    async with aiohttp.ClientSession() as session:
        readies = [asyncio.Event() for _ in range(SOCKETS)]
        tasks = [asyncio.create_task(listen(*pair)) for pair in enumerate(readies)]
        await asyncio.gather(*(ready.wait() for ready in readies))
        await asyncio.sleep(WARM_UP_S)
        received, already = 0, len(ages)
        sender.send(None)
        await asyncio.sleep(seconds)
        sender.send((received, ages[already:]))
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


# ── The venue ────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def venue(given: argparse.Namespace, core: int | None) -> AsyncIterator[str]:
    """Start a venue on one core and yield its URL."""
    options = {
        "traders": given.traders,
        "coins": given.coins,
        "orders": given.orders,
        "history": 10,
        "port": 0,
    } | ({"start": BEFORE_THE_HOUR} if given.hour else {})
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hyperliquid_simulator", "serve", "--no-limits"),
        *(text for name, value in options.items() for text in (f"--{name}", str(value))),
        stdout=asyncio.subprocess.PIPE,
    )
    if core is not None:
        os.sched_setaffinity(process.pid, {core})
    try:
        line = (await cast("asyncio.StreamReader", process.stdout).readline()).decode()
        found = re.search(r"http://\S+", line)
        if found is None:
            raise SystemExit(f"the venue did not start: {line!r}")
        yield found[0]
    finally:
        process.terminate()
        await process.wait()


async def loads(session: aiohttp.ClientSession, users: int) -> list[Load]:
    """Return the three loads for a venue."""
    async with session.post("/info", json={"type": "meta"}) as response:
        universe = (await response.json())["universe"]
        coins = [coin["name"] for coin in universe if not coin.get("isDelisted")]
    async with session.get("/simulator/truth") as response:
        styles = (await response.json())["styles"]
    makers = [address for address, style in styles.items() if style == "maker"]
    others = [address for address, style in styles.items() if style != "maker"]
    chosen = [*makers[: users // 2], *others[: users - users // 2]]
    markets = [
        *({"type": kind, "coin": coin} for kind in MARKET for coin in coins),
        *({"type": "candle", "coin": coin, "interval": "1m"} for coin in coins),
        *({"type": kind} for kind in WHOLE_MARKET),
    ]
    accounts = [{"type": kind, "user": user} for user in chosen for kind in ACCOUNT]
    return [
        Load("nobody listens", ()),
        Load("all markets", tuple(markets)),
        Load(f"all markets, {users} accounts", _spread(markets, accounts)),
    ]


def _spread(
    markets: Sequence[Subscription], accounts: Sequence[Subscription]
) -> tuple[Subscription, ...]:
    """Return all of them such that no socket has the anonymous orders of two accounts."""
    padding = -len(markets) % SOCKETS
    by_kind = [a for kind in ACCOUNT for a in accounts if a["type"] == kind]
    return (*markets, *({"type": "allMids"} for _ in range(padding)), *by_kind)


async def measure(given: argparse.Namespace, core: int | None) -> dict[str, Figures]:
    """Return the figures of every load."""
    async with venue(given, core) as url, aiohttp.ClientSession(url) as session:
        kinds = await loads(session, given.users)
        if given.hour:
            alone = await _round(session, url, kinds[-1], min(given.seconds, MOST_SECONDS))
            return {"over an hour": replace(alone, read_p50=math.nan, read_p99=math.nan)}
        seconds = min(given.seconds, MOST_SECONDS) / (given.rounds * len(kinds))
        rounds: dict[str, list[Figures]] = {load.title: [] for load in kinds}
        for _ in range(given.rounds):
            for load in kinds:
                rounds[load.title].append(await _round(session, url, load, seconds))
    return {title: _typical(figures) for title, figures in rounds.items()}


async def _round(session: aiohttp.ClientSession, url: str, load: Load, seconds: float) -> Figures:
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=read, args=(sender, url, load, seconds))
    process.start()
    await asyncio.to_thread(receiver.recv)
    await _pace(session)
    begun = time.perf_counter()
    received, ages = await asyncio.to_thread(receiver.recv)
    pace, elapsed = await _pace(session), time.perf_counter() - begun
    await asyncio.to_thread(process.join)
    late, cuts = pace["lateMs"], statistics.quantiles(ages or [0.0, 0.0], n=100)
    return Figures(
        trades_per_second=pace["trades"] / elapsed,
        late_p50=late["p50"],
        late_p99=late["p99"],
        late_max=late["max"],
        share=pace["cpuSeconds"] / elapsed,
        us_per_trade=pace["cpuSeconds"] / max(pace["trades"], 1) * 1e6,
        megabytes_per_second=received / elapsed / 1e6,
        read_p50=cuts[49],
        read_p99=cuts[98],
    )


async def _pace(session: aiohttp.ClientSession) -> dict[str, Any]:
    async with session.get("/simulator/pace") as response:
        found: dict[str, Any] = await response.json()
    return found


def _typical(rounds: Sequence[Figures]) -> Figures:
    columns = zip(*(asdict(figures).values() for figures in rounds), strict=True)
    typical = asdict(Figures(*(statistics.median(column) for column in columns)))
    return Figures(**typical | {"late_max": max(figures.late_max for figures in rounds)})


@contextmanager
def own_cores() -> Iterator[int | None]:
    """Keep this process and its children off one core and yield that; None where that is impossible."""
    if not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) == 1:
        yield None
        return
    every = os.sched_getaffinity(0)
    core = max(every)
    os.sched_setaffinity(0, every - {core})
    try:
        yield core
    finally:
        os.sched_setaffinity(0, every)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="How fast the simulated venue is.")
    parser.add_argument("--traders", type=int, default=10_000)
    parser.add_argument("--coins", type=int, default=30)
    parser.add_argument(
        "--orders", type=float, default=5_900.0, help="a second; about 1.75 trades each"
    )
    parser.add_argument("--users", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=90.0, help="of load in all, at most 600")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--hour", action="store_true", help="measure over a full hour")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    with own_cores() as core:
        results = uvloop.run(measure(given, core))
    if given.json:
        print(json.dumps({title: asdict(figures) for title, figures in results.items()}))
        return
    _print(results)


def _print(results: dict[str, Figures]) -> None:
    bare = next(iter(results.values())).us_per_trade
    print(
        f"{'':26}{'trades/s':>10}{'late p50':>10}{'p99':>8}{'max ms':>8}{'core':>7}"
        f"{'us/trade':>10}{'ratio':>7}{'MB/s':>7}{'read p50':>10}{'p99 ms':>8}"
    )
    for title, each in results.items():
        print(
            f"{title:26}{each.trades_per_second:10,.0f}{each.late_p50:10.1f}{each.late_p99:8.1f}"
            f"{each.late_max:8.1f}{each.share:7.0%}{each.us_per_trade:10.1f}"
            f"{each.us_per_trade / bare:7.2f}{each.megabytes_per_second:7.2f}"
            f"{each.read_p50:10.1f}{each.read_p99:8.1f}"
        )


if __name__ == "__main__":
    main()
