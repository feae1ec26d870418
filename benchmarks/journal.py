"""What keeping events costs: throughput, CPU and room, by batch size, with and without fsync.

Run `uv run python benchmarks/journal.py`. The events are the three that make up nearly all of the live
traffic, with prices, sizes and times as different from each other as live ones are. Rounds
are interleaved; each figure is the median of them. The first part of each run, which ends when the
journal has learned its dictionary, is not counted.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from shared_events import encode, event
from shared_events.journal import JournalWriter, read, segments
from shared_events.payloads import MarketContext, Position, PositionChange, TradeFlow, TradeRef
from shared_events.payloads.hot import TraderPositions

BATCHES = (1, 50, 500)
FSYNC_LIMIT_SECONDS = 3.0
_RNG = random.Random(7)
_COINS = [(f"C{n}", 10 ** _RNG.uniform(-2, 5)) for n in range(150)]
_TRADERS = [f"0x{_RNG.getrandbits(160):040x}" for _ in range(500)]


@dataclass(frozen=True)
class Cost:
    """Of one pass over the events."""

    wall: float
    cpu: float
    events: int
    bytes: int = 0


def number(value: float, digits: int) -> Decimal:
    return Decimal(f"{value:.{digits}f}")


def a_change(coin: str, price: float, at: datetime, sequence: int) -> TraderPositions:
    before = number(_RNG.uniform(-50, 50), 3)
    after = before + number(_RNG.uniform(-3, 3), 3)
    trade = TradeRef(time=at, tid=_RNG.getrandbits(50))
    position = Position(
        coin=coin,
        size=after,
        quality="derived",
        entry=number(price * 0.99, 4),
        mark=number(price, 4),
        anchored_at=at - timedelta(seconds=_RNG.randrange(4000)),
    )
    change = PositionChange(
        coin=coin,
        kind="increase",
        size_before=before,
        size_after=after,
        cause="trade",
        price=number(price, 4),
        first=trade,
        last=trade,
        trades=1,
        taker_share=number(_RNG.random(), 2),
    )
    return TraderPositions(
        address=_RNG.choice(_TRADERS),
        sequence=sequence,
        as_of=at,
        full=False,
        positions=(position,),
        changes=(change,),
    )


def a_second(coin: str, price: float, at: datetime) -> TradeFlow:
    return TradeFlow(
        coin=coin,
        second=at.replace(microsecond=0),
        buy_volume=number(_RNG.uniform(0, 50), 4),
        sell_volume=number(_RNG.uniform(0, 50), 4),
        trades=_RNG.randrange(60),
        vwap=number(price, 4),
        tracked_share=number(_RNG.random(), 3),
    )


def a_context(coin: str, price: float, at: datetime) -> MarketContext:
    return MarketContext(
        coin=coin,
        at=at,
        mark=number(price, 4),
        oracle=number(price * 1.0002, 4),
        mid=number(price * 0.9999, 4),
        premium=number(_RNG.gauss(0, 1e-4), 9),
        funding=number(0.0000125, 7),
        open_interest=number(_RNG.uniform(1e3, 1e6), 3),
        day_volume=number(_RNG.uniform(1e6, 1e9), 6),
        previous_day_price=number(price * 0.97, 4),
    )


def some_events(count: int) -> list[bytes]:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    made = []
    for sequence in range(count):
        at += timedelta(milliseconds=_RNG.randrange(20))
        coin, price = _RNG.choice(_COINS)
        draw = _RNG.random()
        data = (
            a_change(coin, price, at, sequence)
            if draw < 0.4
            else a_second(coin, price, at)
            if draw < 0.8
            else a_context(coin, price, at)
        )
        made.append(encode(event(data, source="hyperliquid", time=at, recorded_at=at)))
    return made


def measured(step: Callable[[], tuple[int, int]]) -> Cost:
    cpu, wall = time.process_time(), time.perf_counter()
    events, size = step()
    return Cost(time.perf_counter() - wall, time.process_time() - cpu, events, size)


def appending(folder: Path, events: Sequence[bytes], batch: int, *, fsync: bool) -> Cost:
    with JournalWriter(folder, segment_bytes=1 << 20) as journal:
        for begin in range(0, 10_000, 500):
            journal.append(events[begin : begin + 500])
    with JournalWriter(folder, fsync=fsync) as journal:
        before = sum(segment.size for segment in segments(folder))

        def step() -> tuple[int, int]:
            ends_at = time.perf_counter() + FSYNC_LIMIT_SECONDS
            done = 0
            while done < len(events) and not (fsync and time.perf_counter() > ends_at):
                journal.append(events[done : done + batch])
                done += batch
            return done, sum(segment.size for segment in segments(folder)) - before

        return measured(step)


def reading(folder: Path) -> Cost:
    return measured(lambda: (sum(1 for _ in read(folder)), 0))


def row(name: str, costs: Sequence[Cost], raw: float) -> str:
    rate = statistics.median(c.events / c.wall for c in costs)
    cpu = statistics.median(c.cpu / c.events for c in costs) * 1e6
    size = statistics.median(c.bytes / c.events for c in costs)
    room = f"{size:7.0f} {size / raw:6.1%}" if size else ""
    return f"{name:<24}{rate:>12,.0f}/s {cpu:8.2f} us {room}"


def main() -> None:
    """Measure every combination and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    events = some_events(max(options.events, 10_000))
    raw = sum(map(len, events)) / len(events)
    costs: dict[str, list[Cost]] = {}
    for _, batch, fsync in product(range(options.rounds), BATCHES, (False, True)):
        with TemporaryDirectory(dir=".") as folder:
            name = f"batch {batch:>3}" + (" fsync" if fsync else "")
            cost = appending(Path(folder), events, batch, fsync=fsync)
            costs.setdefault(f"append {name}", []).append(cost)
            if not fsync:
                costs.setdefault(f"read   {name}", []).append(reading(Path(folder)))
    print(f"{len(events)} events of {raw:.0f} bytes as JSON")
    print(f"{'':<24}{'events':>12}   {'CPU/event':>10} {'bytes':>8} {'of raw':>6}")
    for name in sorted(costs):
        print(row(name, costs[name], raw))


if __name__ == "__main__":
    main()
