"""What the ledger costs on one core: trades a second, memory, pauses, and how they grow with wallets.

uv run python benchmarks/ledger.py [--wallets 1000 10000 30000] [--against OTHER_CHECKOUT] [--json FILE]

The path is the live one without its sockets: the bytes of a ``trades`` frame go through the session
(decoding, deduplication, gaps), the books of all tracked wallets, the drain of what changed, the
envelope and the encoder; what comes out is what Redis would be given. Both sides of every trade are
tracked: a taker, and one of 50 makers that trade 100 coins. A frame holds one sweep of 1 to 4 trades.

* Flat out, what changed is drained every 500 trades: at 40,000 trades a second that is 12 ms. "decoded"
  stops after the session, "applied" after the books.
* At 500 trades a second of the venue's time, for `--minutes` of it, as fast as the core goes: every step
  that would hold up the event loop is timed, garbage collection within it included: frames, drains every
  20 ms, what the scraper does once a second (coverage, whole books told again, sequences saved), and a gap in the coin that most
  wallets hold. Memory is what the process grew by: books, their recent trades, the trades seen.

Times are of the CPU, so that other processes disturb little. With `--against` every round measures
another checkout of this repository, too; ratios are of rounds side by side.
"""

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from market_scraper.connectors.hyperliquid.collectors.status import sight_of
from market_scraper.connectors.hyperliquid.following import Following
from market_scraper.connectors.hyperliquid.parse import parse_state
from market_scraper.connectors.hyperliquid.session import Session, TradesSeen
from market_scraper.connectors.hyperliquid.tape import TradeTape
from market_scraper.positions.roster import Member
from shared_events.codec import encode
from shared_events.envelope import event
from shared_events.runtime.service import settle

COINS = 100
MAKERS = 50
HELD = 4
"""Positions of a wallet that makes no market, as leaderboard wallets hold on average."""
DRAINED_EVERY = 500
PACE = 500
COALESCED_S = 0.02
START_MS = 1_790_000_000_000
BLOCK_MS = 72
NOW = datetime(2026, 9, 21, tzinfo=UTC)

_ROOT = Path(__file__).parents[1]

Figures = dict[str, float]
Result = dict[str, Any]


def main() -> None:
    """Measure in processes of their own, and print."""
    given = _arguments()
    if given.worker:
        print(json.dumps(_WORKERS[given.worker](given.wallets[0], given)))
        return
    trees = {"this": _ROOT} | ({"other": given.against.absolute()} if given.against else {})
    work = [(wallets, name) for wallets in given.wallets for name in _WORKERS]
    results: list[Result] = []
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("measuring", total=len(work) * len(trees) * given.rounds)
        for wallets, name in work:
            rounds: dict[str, list[Figures]] = {tree: [] for tree in trees}
            for _ in range(given.rounds):
                for tree, folder in trees.items():
                    rounds[tree].append(_in_a_process(folder, name, wallets, given))
                    progress.advance(task)
            results.append(_summary(wallets, rounds))
    _print(results)
    if given.json:
        given.json.write_text(json.dumps(results, indent=2))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What the ledger costs on one core.")
    parser.add_argument("--wallets", type=int, nargs="+", default=[1_000, 10_000, 30_000])
    parser.add_argument("--trades", type=int, default=200_000, help="of each round flat out")
    parser.add_argument("--minutes", type=float, default=6.0, help="of venue time at 500 trades/s")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--against", type=Path, help="another checkout to measure beside this one")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--worker", choices=_WORKERS, help=argparse.SUPPRESS)
    return parser.parse_args()


def _in_a_process(tree: Path, name: str, wallets: int, given: argparse.Namespace) -> Figures:
    sources = os.pathsep.join(str(folder) for folder in tree.glob("*/src"))
    options = ("--worker", name, "--wallets", wallets, "--trades", given.trades)
    command = [sys.executable, __file__, *map(str, options), "--minutes", str(given.minutes)]
    environment = os.environ | {"PYTHONPATH": sources}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    figures: Figures = json.loads(done.stdout)
    return figures


def _summary(wallets: int, rounds: dict[str, list[Figures]]) -> Result:
    """Return the medians of this checkout's rounds, of its longest steps the longest; and the ratios."""
    mine = rounds["this"]
    figures = {
        name: (max if name.startswith("longest") else statistics.median)(
            each[name] for each in mine
        )
        for name in mine[0]
    }
    ratios = {
        name: statistics.median(
            ours[name] / theirs[name] for ours, theirs in zip(mine, rounds["other"], strict=True)
        )
        for name in (mine[0] if "other" in rounds else ())
    }
    return {"wallets": wallets, "figures": figures, "ratios": ratios}


def _print(results: Sequence[Result]) -> None:
    table = Table("wallets", "figure", "", "to the other checkout", box=None)
    for result in results:
        for name, value in result["figures"].items():
            ratio = result["ratios"].get(name)
            table.add_row(
                f"{result['wallets']:,}",
                name,
                f"{value:,.0f}" if value >= 100 else f"{value:.2f}",
                f"x {ratio:.2f}" if ratio else "",
                end_section=name == list(result["figures"])[-1],
            )
    Console(width=100).print(table)


# ── The world ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class World:
    """Wallets, and the coins each of them trades."""

    makers: Sequence[str]
    takers: Sequence[str]

    @staticmethod
    def of(wallets: int) -> "World":
        """Return so many wallets."""
        everybody = [f"0x{n:040x}" for n in range(1, wallets + 1)]
        return World(everybody[:MAKERS], everybody[MAKERS:])

    def coins_of(self, address: str) -> Sequence[int]:
        """Return in which coins `address` holds something: makers in all, others in some popular ones."""
        if address in self.makers:
            return range(COINS)
        return sorted({_popular(Random(f"{address}/{n}")) for n in range(HELD + 1)})

    def frames(self, trades: int, per_second: float, seed: int = 7) -> Iterator[bytes]:
        """Yield the frames of so many trades, at so many a second of the venue's time."""
        random, made = Random(seed), 0
        while made < trades:
            sweep = min(1 + (random.random() < 0.4) + 2 * (random.random() < 0.1), trades - made)
            ms = START_MS + int(made / per_second * 1000) // BLOCK_MS * BLOCK_MS
            taker = random.choice(self.takers)
            coin = random.choice(self.coins_of(taker))
            yield _frame(
                random, coin, ms, made, [random.choice(self.makers) for _ in range(sweep)], taker
            )
            made += sweep


def _popular(random: Random) -> int:
    """Draw a coin; a few are traded most."""
    return min(int(random.paretovariate(0.6)) - 1, COINS - 1)


def _frame(
    random: Random, coin: int, ms: int, tid: int, makers: Sequence[str], taker: str
) -> bytes:
    buys = random.random() < 0.5
    price = _price(coin) + Decimal(random.randrange(-50, 50)) / 100
    rows = [
        {
            "coin": f"COIN{coin}",
            "side": "B" if buys else "A",
            "px": str(price),
            "sz": str(Decimal(random.randrange(1, 5_000)) / 1000),
            "time": ms,
            "hash": f"0x{random.getrandbits(256):064x}",
            "tid": (tid + nth) * 7_919_000_003 % (1 << 50),
            "users": [taker, maker] if buys else [maker, taker],
        }
        for nth, maker in enumerate(makers)
    ]
    return json.dumps({"channel": "trades", "data": rows}, separators=(",", ":")).encode()


def _price(coin: int) -> Decimal:
    return Decimal(1_000 + 613 * coin % 70_000)


def _state(world: World, address: str) -> bytes:
    """Return what the venue answers about `address` before the first trade."""
    random = Random(address)
    held = []
    for coin in world.coins_of(address):
        size = Decimal(random.randrange(-90_000, 90_000) or 1) / 1000
        value = abs(size) * _price(coin)
        position = {
            "coin": f"COIN{coin}",
            "szi": str(size),
            "leverage": {"type": "cross", "value": 20},
            "entryPx": str(_price(coin) + 3),
            "positionValue": str(value),
            "unrealizedPnl": str(size * -3),
            "returnOnEquity": "0.01",
            "liquidationPx": "61234.5678901234",
            "marginUsed": str(value / 20),
            "maxLeverage": 40,
            "cumFunding": {"allTime": "9.5", "sinceOpen": "1.234567", "sinceChange": "0.5"},
        }
        held.append({"type": "oneWay", "position": position})
    summary = {
        "accountValue": "125000.25",
        "totalNtlPos": "1",
        "totalRawUsd": "1",
        "totalMarginUsed": "1",
    }
    answer = {"marginSummary": summary, "assetPositions": held, "time": START_MS - 5_000}
    return json.dumps(answer).encode()


# ── The path ─────────────────────────────────────────────────────────────────────────────────


class Ledger:
    """A session and the books behind it, in which every wallet is anchored and told."""

    def __init__(self, world: World) -> None:
        self.session = Session(TradeTape())
        self.following = Following()
        for address in (*world.makers, *world.takers):
            self.following.add(Member(address, Decimal(60), "leaderboard"), 0)
            self.following.state(address, parse_state(_state(world, address)))
        self.following.books.drain()

    def take(self, frame: bytes) -> None:
        """Apply a frame."""
        for effect in self.session.received(frame, 0.0):
            if isinstance(effect, TradesSeen):
                self.following.trades(effect)

    def tell(self) -> int:
        """Encode what changed; return how many events that were."""
        facts = self.following.books.drain()
        for fact in facts:
            encode(event(fact, source="hyperliquid", time=fact.as_of, recorded_at=NOW))
        return len(facts)

    def once_a_second(self, saved: dict[str, int]) -> None:
        """Do what the collectors of positions and of the status do every second."""
        sight_of(
            self.following,
            sockets_open=4,
            sockets_needed=4,
            subscribed=True,
            budget_used=0.5,
            quiet_seconds=0.1,
        )
        sequences = self.following.books.sequences
        saved |= {a: s for a, s in sequences.items() if saved.get(a) != s}


def _flat_out(wallets: int, given: argparse.Namespace) -> Figures:
    """Return how many trades a second come through, and how many events come of one."""
    world = World.of(wallets)
    frames = list(world.frames(given.trades, per_second=40_000))
    ledger, deaf = Ledger(world), Session(TradeTape())
    settle()
    decoding = _seconds(lambda: [list(deaf.received(frame, 0.0)) for frame in frames])
    telling = events = 0.0
    untold, began = 0, time.process_time()
    for frame in frames:
        ledger.take(frame)
        untold += _trades_in(frame)
        if untold >= DRAINED_EVERY:
            before, untold = time.process_time(), 0
            events += ledger.tell()
            telling += time.process_time() - before
    whole = time.process_time() - began
    return {
        "decoded/s": given.trades / decoding,
        "applied/s": given.trades / (whole - telling),
        "trades/s": given.trades / whole,
        "events/s": events / whole,
    }


def _in_time(wallets: int, given: argparse.Namespace) -> Figures:
    """Return the longest steps, the memory and the share of the core at 500 trades a second."""
    world, bare = World.of(wallets), _resident()
    ledger = Ledger(world)
    anchored = _resident()
    settle()
    frames: list[float] = []
    drains: list[float] = []
    seconds: list[float] = []
    saved: dict[str, int] = {}
    untold = made = 0
    for frame in world.frames(int(PACE * given.minutes * 60), PACE):
        frames.append(_seconds(lambda frame=frame: ledger.take(frame)))  # type: ignore[misc]
        untold += _trades_in(frame)
        if untold >= PACE * COALESCED_S:
            made, untold = made + untold, 0
            drains.append(_seconds(ledger.tell))
            if made // PACE > len(seconds):
                seconds.append(_seconds(lambda: ledger.once_a_second(saved)))
    gap = _seconds(lambda: list(ledger.following.books.covered("COIN0", START_MS * 2)))
    return {
        "anchored MB": (anchored - bare) / 1e6,
        "whole MB": (_resident() - bare) / 1e6,
        "longest frame ms": max(frames) * 1e3,
        "longest drain ms": max(drains) * 1e3,
        "longest second ms": max(seconds) * 1e3,
        "longest gap ms": gap * 1e3,
        "share of the core": sum((*frames, *drains, *seconds)) / (given.minutes * 60),
    }


def _seconds(step: Callable[[], Any]) -> float:
    before = time.process_time()
    step()
    return time.process_time() - before


def _trades_in(frame: bytes) -> int:
    return frame.count(b'"tid"')


def _resident() -> int:
    gc.collect()
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


_WORKERS: dict[str, Callable[[int, argparse.Namespace], Figures]] = {
    "flat out": _flat_out,
    "in time": _in_time,
}

if __name__ == "__main__":
    main()
