"""How long after planted traders flip the API says so: the whole system as real processes.

Run `PYTHONPATH=scripts uv run python benchmarks/latency.py`. Simulator, Redis, scraper and signal system run
on this machine over loopback. Each round orders the planted traders of one coin to turn around, and
polls `GET /api/v1/signals` until that coin's action has changed.

"from the order" counts from there, with the wait for the venue's next block (72 ms apart). "from the
trade" counts from the moment the first trade of a planted trader reached another client of the same
venue: the ledger, the 20 ms in which changes are gathered, Redis, the journal, the decision, and the
poll itself (about 2 ms). Both include that an action may turn only with the last of several trades.

Two settings: as the demo trades, and under a load of about 500 `trader_positions` a second.
"""

import argparse
import asyncio
import json
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from shared_events.testing.servers import RedisServer, bundled_redis, redis_on_path
from workspace.testing.stack import Stack, open_stack

LOAD_TRADES_A_SECOND = 480
LOAD_EVERY_SECONDS = 0.05
PATIENCE_SECONDS = 5.0
COINS = ("BTC", "ETH", "SOL")

console = Console(stderr=True)


class Onlooker:
    """Another client of the venue: notes when the trades of planted traders arrive."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._planted: frozenset[str] = frozenset()
        self.seen: dict[str, float] = {}

    async def look(self) -> None:
        """Note, for every coin that is not noted yet, when it is traded; until cancelled."""
        truth = await self._stack.json(f"{self._stack.venue}/simulator/truth")
        self._planted = frozenset(truth["planted"])
        async with self._stack.http.ws_connect(f"{self._stack.venue}/ws") as socket:
            for coin in COINS:
                subscription = {"type": "trades", "coin": coin}
                await socket.send_json({"method": "subscribe", "subscription": subscription})
            async for message in socket:
                arrived = time.perf_counter()
                if message.data.startswith('{"channel":"trades"'):
                    self._note(json.loads(message.data)["data"], arrived)

    def _note(self, trades: list[dict[str, Any]], arrived: float) -> None:
        for trade in trades:
            if not self._planted.isdisjoint(trade["users"]):
                self.seen.setdefault(trade["coin"], arrived)


async def load(stack: Stack) -> None:
    """Add trades, evenly, until cancelled."""
    while True:
        await stack.admin("burst", trades=int(LOAD_TRADES_A_SECOND * LOAD_EVERY_SECONDS))
        await asyncio.sleep(LOAD_EVERY_SECONDS)


async def flipped(stack: Stack, onlooker: Onlooker, coin: str) -> tuple[float, float] | None:
    """Turn the planted traders of `coin`; return the seconds until its action changed.

    Counted from the order, and from the first trade that it led to.
    """
    before = (await stack.actions())[coin]
    truth = await stack.json(f"{stack.venue}/simulator/truth")
    side = "short" if truth["directions"][coin] == "long" else "long"
    started = time.perf_counter()
    onlooker.seen.pop(coin, None)
    await stack.admin("flip", coin=coin, side=side)
    while time.perf_counter() - started < PATIENCE_SECONDS:
        if (await stack.actions())[coin] != before:
            now = time.perf_counter()
            return now - started, now - onlooker.seen.get(coin, now)
        await asyncio.sleep(0.002)
    return None


async def applied(stack: Stack) -> int:
    """Return how many events the signal system has applied."""
    return int((await stack.json(f"{stack.signal_api}/status"))["events_applied"])


async def rounds(stack: Stack, onlooker: Onlooker, number: int, label: str) -> list[dict[str, Any]]:
    """Flip `number` times and summarise."""
    times: list[tuple[float, float]] = []
    events, began = await applied(stack), time.perf_counter()
    for n in track(range(number), description=label, console=console):
        seconds = await flipped(stack, onlooker, COINS[n % len(COINS)])
        if seconds is not None:
            times.append(seconds)
        await asyncio.sleep(0.3)
    rate = (await applied(stack) - events) / (time.perf_counter() - began)
    return [
        {
            "setting": label,
            "events/s": rate,
            "counted": counted,
            "flips": number,
            "no answer": number - len(times),
            **percentiles([each * 1000 for each in column]),
        }
        for counted, column in zip(
            ("from the order", "from the trade"), zip(*times, strict=True), strict=True
        )
    ]


def percentiles(milliseconds: list[float]) -> dict[str, float]:
    """Return the middle and the tail."""
    cut = statistics.quantiles(milliseconds, n=100, method="inclusive")
    return {"p50 ms": cut[49], "p90 ms": cut[89], "p99 ms": cut[98], "max ms": max(milliseconds)}


async def measure(number: int) -> list[dict[str, Any]]:
    """Run both settings, one after the other, on one stack."""
    binary = redis_on_path() or bundled_redis()
    if binary is None:
        raise SystemExit(
            "no redis-server: run `uv sync` (it brings one) or apt install redis-server"
        )
    # No flips but ours: one at the same moment would make ours look slow.
    simulator = ("--traders", "300", "--coins", "12", "--flip-seconds", "86400")
    with RedisServer(binary) as redis, TemporaryDirectory(prefix="latency-") as folder:
        async with open_stack(
            Path(folder), redis, simulator=simulator, MARKET_SCRAPER_MAX_TRADERS="250"
        ) as stack:
            console.print("starting simulator, Redis, scraper and signal system ...")
            await stack.start_all()
            onlooker = Onlooker(stack)
            looking = asyncio.create_task(onlooker.look())
            rows = await rounds(stack, onlooker, number, "as in the demo")
            loading = asyncio.create_task(load(stack))
            await asyncio.sleep(2)
            rows += await rounds(stack, onlooker, number, "under load")
            loading.cancel()
            looking.cancel()
            return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--flips", type=int, default=60, help="rounds of each setting (default 60)")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    rows = asyncio.run(measure(options.flips))
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(v if isinstance(v, str) else f"{v:,.0f}" for v in row.values()))
    Console(width=120).print(table)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
