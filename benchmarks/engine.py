"""What weighing costs: constant time an event, and everybody anew in steps, at up to 30,000 traders.

    uv run python benchmarks/engine.py

Every trader holds eight of two hundred coins; events are moves of one of them among prices. Times are
processor time, so that what else runs hardly matters. Takes about two minutes at 30,000.
"""

import argparse
import gc
from collections.abc import Iterator
from random import Random
from statistics import quantiles
from time import process_time

from msgspec import json
from rich.console import Console
from rich.table import Table

from signal_system.weighting_engine import TraderWeightingEngine, WeightingConfig
from signal_system.weighting_engine.rules import EvidenceRules

COINS = [f"C{number}" for number in range(200)]
HELD = 8
BARS = 4
COLUMNS = ("traders", "event us", "p99", "steps", "all steps ms", "longest ms", "snapshot ms", "MB")


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--traders", type=int, nargs="+", default=[500, 5_000, 30_000])
    options.add_argument("--events", type=int, default=20_000)
    given = options.parse_args()
    table = Table(*COLUMNS, box=None, pad_edge=False)
    for column in table.columns:
        column.justify = "right"
    for traders in given.traders:
        table.add_row(f"{traders:,}", *measured(traders, given.events))
    Console(width=110).print(table)


def measured(traders: int, events: int) -> list[str]:
    random = Random(1)
    rules = EvidenceRules(least_bars=3, least_episodes=0)
    engine = TraderWeightingEngine(WeightingConfig(scheme="combined-v1", evidence=rules))
    bar = float(engine.config.paper.bar_seconds)
    now = 1_000 * bar
    steps = settle(engine, now)
    for number in range(traders):
        engine.enrol(f"0x{number:040x}", tracked=True)
        for coin in random.sample(COINS, HELD):
            engine.follow(number, coin, random.uniform(-1, 1), 1_000.0, 1)
    for _ in range(BARS):
        hear_all(engine, random, now + 100)
        now += bar
        steps = settle(engine, now)
    gc.collect()
    gc.freeze()
    each = list(timed(engine, random, traders, events, now))
    began = process_time()
    size = len(json.encode(engine.snapshot()))
    snapshot = process_time() - began
    return [
        f"{1e6 * sum(each) / events:.1f}",
        f"{1e6 * quantiles(each, n=100)[98]:.1f}",
        f"{len(steps)}",
        f"{1e3 * sum(steps):.0f}",
        f"{1e3 * max(steps):.1f}",
        f"{1e3 * snapshot:.0f}",
        f"{size / 1e6:.1f}",
    ]


def settle(engine: TraderWeightingEngine, now: float) -> list[float]:
    """Let time pass; return how long every step of weighing anew took."""
    engine.pass_to(now)
    steps, work = list[float](), engine.weigh_anew()
    while True:
        began = process_time()
        is_over = next(work, StopIteration) is StopIteration
        steps.append(process_time() - began)
        if is_over:
            return steps


def hear_all(engine: TraderWeightingEngine, random: Random, at: float) -> None:
    engine.pass_to(at)
    for coin in COINS:
        engine.hear(coin, 100 * (1 + random.gauss(0, 0.02)), at)


def timed(
    engine: TraderWeightingEngine, random: Random, traders: int, events: int, now: float
) -> Iterator[float]:
    """Yield what each event costs: nine moves, then a price, and so on."""
    for number in range(events):
        at, coin = now + 0.01 * number, random.choice(COINS)
        trader, size = random.randrange(traders), random.uniform(-1, 1)
        began = process_time()
        engine.pass_to(at)
        if number % 10:
            engine.follow(trader, coin, size, 1_000.0, 1)
        else:
            engine.hear(coin, 100.0, at)
        yield process_time() - began


if __name__ == "__main__":
    main()
