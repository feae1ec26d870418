"""The scraper against a venue that enforces every limit and breaks at random, for an hour of the venue's time.

uv run python -m benchmarks.endurance [--minutes 60] [--traders 10000] [--coins 300] [--seed 7]
    [--speed 10] [--folder var/endurance] [--resume] [--json FILE]

The venue is a process of its own that is stepped, `--speed` venue seconds a second or as fast as this machine
can; the scraper runs in this process on the venue's clock, so that limits, timers and faults are all of one
time. It publishes to a consumer that believes what it reads. Once in 30 s trading pauses for a moment, and what the consumer
believes is held against the venue's own ledger. Faults of the kinds of docs/reference/faults.md come
at random (by the seed) after the first tenth; the last begins before the last fifth.

What must hold: the venue refused nothing for want of allowance; of the positions told without doubt
99.9 % are right in every sample in which the scraper says that trades come, those excepted that changed without a
public trade, or were entered during a gap that was found, until the venue was asked again; after the faults all
are right; memory is flat. The exit code says whether it did.

With `--resume` a run that was killed goes on: the venue's past is made anew by the seed, the scraper starts from its
store as after any crash. The figures so far are kept in the folder.
"""

import argparse
import asyncio
import json
import logging
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import aiohttp
import structlog
import uvloop
from benchmarks.belief import Belief, Excuses, judge
from benchmarks.stepped import Books, SteppedVenue, stepped_venue
from rich.console import Console
from rich.progress import Progress

from market_scraper.config import Settings
from market_scraper.connectors.hyperliquid.session import TradesSeen
from market_scraper.moments import moment
from market_scraper.orchestration.lifecycle import running
from market_scraper.orchestration.scraper import Scraper
from market_scraper.positions.coins import dex_of
from shared_events.runtime.service import settle

STEP_SECONDS = 0.1
SAMPLE_SECONDS = 30.0
MOST_QUIET_STEPS = 20
NOTICED_SECONDS = 5.0
"""After how long a silence should be noticed."""
CALM_AFTER = 0.8
"""After which part of the run no more faults begin."""
LEAST_MINUTES = 10
"""Of a run in which memory is looked at: before that everything is still warming up."""
LEAST_RIGHT = 0.999
MOST_GROWTH = 0.05
OWN_COINS = 50
BUILDER_COINS = 12

FAULTS: dict[str, tuple[float, float]] = {
    "refuse": (2, 15),
    "server_error": (2, 15),
    "bad_gateway": (2, 30),
    "slow_answers": (5, 20),
    "drop_sockets": (0.5, 10),
    "silent_sockets": (5, 40),
    "duplicate_frames": (5, 30),
    "reordered_frames": (5, 30),
    "short_gap": (0.5, 3),
    "long_gap": (0.5, 3),
    "lagging_state": (2, 10),
    "early_stamp": (2, 20),
    "crowded_blocks": (1, 2),
}
"""Between how many seconds each lasts."""

HIDDEN = ("backstop", "deleveraging")
_console = Console(stderr=True)


@dataclass
class Trouble:
    """Something that goes wrong at a moment of the run, to the nth trader or in the nth coin."""

    at: float
    kind: str
    lasts: float = 0.0
    nth: int = 0


@dataclass
class Record:
    """What was found so far; written down after every sample."""

    elapsed: float = 0.0
    samples: list[dict[str, Any]] = field(default_factory=list)
    peaks: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    closed: dict[str, int] = field(default_factory=dict)
    troubles: list[dict[str, Any]] = field(default_factory=list)
    anchored_order: list[str] = field(default_factory=list)
    starts: int = 0
    wall_seconds: float = 0.0


def troubles(seed: int, minutes: float) -> Iterator[Trouble]:
    """Yield what goes wrong, in order: about one trouble in 20 s."""
    random, seconds = Random(seed), minutes * 60
    at, end = seconds / 10, seconds * CALM_AFTER
    while (at := at + random.expovariate(1 / min(60, seconds / 20))) < end:
        if random.random() < 0.15:
            yield Trouble(at, random.choice(HIDDEN), nth=random.randrange(1 << 30))
        else:
            kind = random.choice(list(FAULTS))
            lasts = min(round(random.uniform(*FAULTS[kind]), 1), seconds / 20)
            yield Trouble(at, kind, lasts, random.randrange(1 << 30))


@dataclass
class Run:
    """One run: the venue moves, troubles come, samples are taken."""

    given: argparse.Namespace
    venue: SteppedVenue
    record: Record
    belief: Belief = field(default_factory=Belief)
    excuses: Excuses = field(default_factory=Excuses)
    plan: list[Trouble] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    coins: list[str] = field(default_factory=list)

    async def begin(self) -> None:
        """List the missing coins, and make up for the past of a run that is resumed."""
        self.addresses = sorted(await self.venue.books())
        for nth in range(self.given.coins - OWN_COINS - BUILDER_COINS):
            price = round(0.01 * 1.07 ** (nth % 170), 4)
            await self.venue.do(
                "list", coin=f"NEW{nth}", price=price, sizeDecimals=nth % 4, maxLeverage=10
            )
        self.coins = await self.venue.coins()
        self.plan = list(troubles(self.given.seed, self.given.minutes))
        while self.venue.elapsed < self.record.elapsed:
            await self._suffer(note=False)
            await self.venue.step(STEP_SECONDS)

    async def go_on(self, scraper: Scraper, progress: Progress) -> None:
        """Let time pass to the end."""
        scraper.feed.on_trades.append(self._note_gap)
        end = self.given.minutes * 60
        task = progress.add_task("simulated seconds", total=end, completed=int(self.venue.elapsed))
        every, settled = min(SAMPLE_SECONDS, end / 12), False
        sample_at = self.venue.elapsed + every
        while self.venue.elapsed < end:
            began = time.monotonic()
            await self._suffer(note=True)
            await self.venue.step(STEP_SECONDS)
            await asyncio.sleep(
                max(0.0, STEP_SECONDS / self.given.speed - time.monotonic() + began)
            )
            self._note_anchored()
            due = self.venue.elapsed >= sample_at and not await self._held_back()
            if due or self.venue.elapsed >= end:
                sample_at = self.venue.elapsed + every
                await self._sample(scraper)
                progress.update(task, completed=min(end, self.venue.elapsed))
                if not settled:
                    settle()
                    settled = True

    async def _suffer(self, *, note: bool) -> None:
        while self.plan and self.plan[0].at <= self.venue.elapsed:
            trouble = self.plan.pop(0)
            if trouble.kind in HIDDEN:
                await self._hide(trouble)
            else:
                gap = {"coin": self.coins[trouble.nth % len(self.coins)]}
                body = gap if trouble.kind.endswith("gap") else {}
                await self.venue.do("fault", kind=trouble.kind, **{"for": trouble.lasts}, **body)
            if note:
                self.record.troubles.append(asdict(trouble))

    async def _hide(self, trouble: Trouble) -> None:
        """Change a position without a trade, if the trader has one."""
        user = self.addresses[trouble.nth % len(self.addresses)]
        with suppress(aiohttp.ClientResponseError):
            await self.venue.do("hidden", user=user, kind=trouble.kind)

    def _note_gap(self, seen: TradesSeen) -> None:
        if seen.taken.gap and seen.taken.covered_from_ms is not None:
            self.excuses.missed[seen.coin] = moment(seen.taken.covered_from_ms)

    def _note_anchored(self) -> None:
        known = len(self.record.anchored_order)
        if len(self.belief.anchored) > known:
            self.record.anchored_order = list(self.belief.anchored)

    async def _sample(self, scraper: Scraper) -> None:
        await self.venue.do("pause")
        await self._quiet(scraper)
        truth = await self.venue.books()
        await self.venue.do("resume")
        coins = set(scraper.contexts.contexts)
        tracked = scraper.leaderboard.tracked_addresses()
        self.excuses.hidden |= await self.venue.hidden()
        self.excuses.asked = {
            account.address: moment(account.anchored_ms)
            for account in scraper.positions.books.accounts.values()
            if account.anchored_ms is not None
        }
        verdict = judge(self.belief, _in_known_books(truth, scraper), tracked, coins, self.excuses)
        sight, worth = scraper.sight(), _worth(scraper, truth, tracked)
        self.record.samples.append(
            {
                "at": round(self.venue.elapsed, 1),
                "tracked": sight.tracked,
                "anchored": sight.anchored,
                "doubtful": sight.doubtful,
                "condition": sight.condition,
                "subscribed": sight.subscribed and sight.sockets_open == sight.sockets_needed,
                "notional_anchored": worth,
                "positions": verdict.positions,
                "wrong": len(verdict.wrong),
                "entered_unseen": verdict.unseen,
                "share_right": verdict.share_right,
                "examples": [f"{a} {c}: {why}" for (a, c), why in list(verdict.wrong.items())[:5]],
                "events": self.belief.events,
                "megabytes": _resident_megabytes(),
            }
        )
        self.record.elapsed = self.venue.elapsed
        await self._count_limits()
        self._save()

    async def _held_back(self) -> bool:
        """Tell whether frames are held back in a way that nobody can notice: nothing is sampled then.

        Those that are reordered wait for the next ones; silence is noticed when it has lasted a while.
        """
        going = {fault["kind"] for fault in (await self.venue.ask("faults"))["going"]}
        if "reordered_frames" in going:
            return True
        begun = [each["at"] for each in self.record.troubles if each["kind"] == "silent_sockets"]
        return "silent_sockets" in going and begun[-1] > self.venue.elapsed - NOTICED_SECONDS

    async def _quiet(self, scraper: Scraper) -> None:
        """Let a little time pass without trades, until everything that was sent has been told."""
        still, told = 0, -1
        for _ in range(MOST_QUIET_STEPS):
            await self.venue.step(STEP_SECONDS)
            await asyncio.sleep(0.02)
            waiting = scraper.positions.books.untold or scraper.outlet.waiting
            still = 0 if waiting or scraper.outlet.told != told else still + 1
            told = scraper.outlet.told
            if still >= 3:
                return

    async def _count_limits(self) -> None:
        for used in (await self.venue.ask("limits")).values():
            for name, gauge in used.items():
                if name == "closed":
                    self.record.closed |= gauge
                elif isinstance(gauge, dict):
                    self.record.peaks[name] = max(gauge["peak"], self.record.peaks.get(name, 0))
                    self.record.refused[name] = max(
                        gauge["refused"], self.record.refused.get(name, 0)
                    )

    def _save(self) -> None:
        file = self.given.folder / "record.json"
        draft = file.with_suffix(".new")
        draft.write_text(json.dumps(asdict(self.record)))
        draft.replace(file)


def _in_known_books(truth: Books, scraper: Scraper) -> Books:
    """Return what of the `truth` lies in books that were read: a builder's once it is traded there."""
    known = {account.id for account in scraper.positions.books if account.anchored}
    return {
        address: {coin: size for coin, size in held.items() if (address, dex_of(coin)) in known}
        for address, held in truth.items()
    }


def _worth(scraper: Scraper, truth: Books, tracked: Any) -> float:
    """Return which share of the notional that the tracked really hold is in known books."""
    marks = {coin: float(c.mark or 0) for coin, c in scraper.contexts.contexts.items()}
    whole = known = 0.0
    for address in tracked:
        notional = sum(abs(float(s)) * marks.get(c, 0.0) for c, s in truth[address].items())
        whole += notional
        account = scraper.positions.books.accounts.get(address)
        if account is not None and account.anchored:
            known += notional
    return known / whole if whole else 0.0


def _resident_megabytes() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


# ── The result ───────────────────────────────────────────────────────────────────────────────


def result(given: argparse.Namespace, record: Record) -> dict[str, Any]:
    """Return the figures, and by name whether what must hold does."""
    samples = record.samples
    known = [sample for sample in samples if sample["anchored"]]
    memory = [sample["megabytes"] for sample in samples]
    growth = memory_growth(memory) if given.minutes >= LEAST_MINUTES else None
    right = [sample["share_right"] for sample in known if sample["subscribed"]]
    holds = {
        "nothing was refused": not any(record.refused.values()),
        "99.9 % right in every sample": bool(right) and min(right) >= LEAST_RIGHT,
        "all right after the faults": bool(samples)
        and samples[-1]["wrong"] + samples[-1]["entered_unseen"] == 0,
        "memory is flat": growth is None or growth <= MOST_GROWTH,
    }
    return {
        "traders": given.traders,
        "coins": given.coins,
        "minutes": given.minutes,
        "seed": given.seed,
        "tracked": samples[-1]["tracked"] if samples else 0,
        "anchored": samples[-1]["anchored"] if samples else 0,
        "seconds_to_90_percent_of_notional": _reached(samples, "notional_anchored", 0.9),
        "peaks": record.peaks,
        "refused": record.refused,
        "sockets_closed": record.closed,
        "troubles": len(record.troubles),
        "samples": len(samples),
        "least_right": min(right, default=None),
        "samples_without_trades": sum(not sample["subscribed"] for sample in known),
        "wrong_at_the_end": samples[-1]["wrong"] if samples else None,
        "megabytes": {"last": memory[-1] if memory else None, "growth": growth},
        "starts": record.starts,
        "wall_seconds": round(record.wall_seconds),
        "speed": record.elapsed / record.wall_seconds if record.wall_seconds else None,
        "holds": holds,
        "worst": sorted(known, key=lambda sample: sample["share_right"])[:3],
    }


def memory_growth(megabytes: list[float]) -> float | None:
    """Return by how much the last quarter lies above the third; None of fewer than eight samples."""
    quarter = len(megabytes) // 4
    if quarter < 2:
        return None
    third, last = megabytes[-2 * quarter : -quarter], megabytes[-quarter:]
    return median(last) / median(third) - 1


def _reached(samples: list[dict[str, Any]], name: str, level: float) -> float | None:
    return next((sample["at"] for sample in samples if sample[name] >= level), None)


async def endure(given: argparse.Namespace) -> dict[str, Any]:
    """Run to the end and return the result."""
    file = given.folder / "record.json"
    record = Record(**json.loads(file.read_text())) if given.resume and file.exists() else Record()
    record.starts += 1
    settings = Settings.read(
        storage_url=f"sqlite:///{given.folder}/scraper.db",
        bus_url="memory://unused",
        max_traders=given.traders,
        least_account_value=0,
        api_port=0,
        exchange_url="http://127.0.0.1:1",
    )
    async with stepped_venue(
        seed=given.seed,
        traders=given.traders,
        coins=OWN_COINS,
        builder_coins=BUILDER_COINS,
        history_days=2,
        orders_per_second=given.trades / 1.75,
    ) as venue:
        run = Run(given, venue, record)
        await run.begin()
        settings = settings.model_copy(update={"exchange_url": venue.url})
        began = time.monotonic()
        with Progress(console=_console) as progress:
            async with running(settings, run.belief, venue.clock) as scraper:
                try:
                    await run.go_on(scraper, progress)
                finally:
                    moving = asyncio.create_task(_move(venue))
                    record.wall_seconds += time.monotonic() - began
        moving.cancel()
    return result(given, record)


async def _move(venue: SteppedVenue) -> None:
    """Let time go on while the scraper stops."""
    with suppress(Exception):
        while True:
            await venue.step(STEP_SECONDS)
            await asyncio.sleep(0.01)


def main() -> None:
    """Run, print, write, and say by the exit code whether everything holds."""
    parser = argparse.ArgumentParser(description="The scraper for an hour among faults and limits.")
    parser.add_argument("--minutes", type=float, default=60.0, help="of the venue's time")
    parser.add_argument("--traders", type=int, default=10_000)
    parser.add_argument("--coins", type=int, default=300)
    parser.add_argument("--trades", type=float, default=500.0, help="a second of the venue's")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--speed", type=float, default=10.0, help="venue seconds a second, at most")
    parser.add_argument("--folder", type=Path, default=Path("var/endurance"))
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--json", type=Path, help="write the result here, too")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    if not given.resume:
        shutil.rmtree(given.folder, ignore_errors=True)
    given.folder.mkdir(parents=True, exist_ok=True)
    found = uvloop.run(endure(given))
    text = json.dumps(found, indent=2)
    print(text)
    if given.json:
        given.json.write_text(text)
    sys.exit(0 if all(found["holds"].values()) else 1)


if __name__ == "__main__":
    main()
