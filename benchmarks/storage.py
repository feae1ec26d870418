"""What a day of history weighs on disk: positions of N traders, and a leaderboard of 30,000 rows.

    python benchmarks/storage.py --traders 500
    python benchmarks/storage.py --traders 10000 --hours 6

Books have the shapes of real wallets where the recordings are found, else made-up ones. What cannot be
measured without a venue is assumed and printed: how often a trader changes a position.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from market_scraper.moments import milliseconds
from market_scraper.positions.scoring import Result, Standing
from market_scraper.recording.panel import Panel
from market_scraper.storage.keeper import Keeper
from market_scraper.storage.leaderboard_history import LeaderboardHistory
from market_scraper.storage.repository import Repository
from market_scraper.storage.sqlite import SqliteRepository
from shared_events.payloads import Position, TraderPositions, Window
from shared_events.runtime.clock import ManualClock
from shared_events.testing.factories import an_address

DATA = Path(os.environ.get("SMART_MONEY_DATA", Path(__file__).parents[2] / "shared" / "data"))
PANEL = DATA / "market/hyperliquid/whale_panel_202602"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
STEP_SECONDS = 5
STATES_A_SECOND = 7.0  # what 70 % of the venue's budget pays for
MOST_BOOKS = 600
WINDOWS: tuple[tuple[Window, float], ...] = (
    ("day", 0.02),
    ("week", 0.06),
    ("month", 0.15),
    ("allTime", 1.0),
)

Book = dict[str, Position]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--traders", type=int, default=500)
    options.add_argument("--hours", type=float, default=24.0)
    options.add_argument("--changes", type=float, default=100.0, help="a trader a day")
    options.add_argument("--interval", type=float, default=14_400.0, help="seconds, unchanged rows")
    options.add_argument("--rows", type=int, default=30_000, help="of the leaderboard")
    options.add_argument("--active", type=float, default=1.0, help="share of lines that move")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(positions(Path(folder) / "positions.db", given))
        asyncio.run(leaderboard(Path(folder) / "leaderboard.db", given))


async def positions(path: Path, given: argparse.Namespace) -> None:
    rng, clock = Random(7), ManualClock(NOON)
    repository = SqliteRepository.open(path)
    keeper = Keeper(
        repository,
        clock,
        every_seconds=STEP_SECONDS,
        position_max_interval_seconds=given.interval,
    )
    shapes = real_books() or made_up_books(rng)
    books = {an_address(n + 1): dict(shapes[n % len(shapes)]) for n in range(given.traders)}
    addresses = list(books)
    audits = min(STATES_A_SECOND, given.traders / 60) * STEP_SECONDS
    retold, changed = (
        given.traders * STEP_SECONDS / 900,
        given.traders * given.changes * STEP_SECONDS / 86_400,
    )
    steps, looked, spent = int(given.hours * 3_600 / STEP_SECONDS), 0.0, 0.0
    for _ in range(steps):
        clock.advance(STEP_SECONDS)
        looked += audits + retold
        at_ms = milliseconds(clock.now())
        while looked >= 1:
            looked -= 1
            address = addresses[rng.randrange(given.traders)]
            keeper.positions.see(address, at_ms, books[address].values(), whole=True)
        for _ in range(int(changed + rng.random())):
            keeper.told([change(rng, addresses, books, clock.now())])
        began = time.perf_counter()
        await keeper.settle()
        spent += time.perf_counter() - began
    seen, written = keeper.positions.seen, keeper.positions.written
    size = await closed(repository, path)
    days = given.hours / 24
    held = sum(map(len, books.values())) / given.traders
    print(f"positions: {given.traders:,} traders, {held:.1f} positions each, {given.hours:g} h")
    print(
        f"  {given.changes:g} changes a trader a day assumed; unchanged after {given.interval:g} s"
    )
    print(f"  seen {seen:,}, written {written:,}: {written / seen:.1%}")
    print(f"  {size / written:.0f} bytes a row, {spent / written * 1e6:.0f} us a row to write")
    print(f"  {size / 1e6 / days:.1f} MB a day")


def change(
    rng: Random, addresses: Sequence[str], books: dict[str, Book], now: datetime
) -> TraderPositions:
    address = addresses[rng.randrange(len(addresses))]
    book = books[address]
    coin = rng.choice(list(book)) if book else "BTC"
    size = book[coin].size if book else Decimal(1)
    moved = Position(
        coin=coin,
        size=(size * Decimal(str(round(rng.uniform(0.5, 1.5), 3)))).quantize(Decimal("0.00001")),
        quality="derived",
        entry=book[coin].entry if book else None,
        leverage=Decimal(10),
    )
    book[coin] = moved
    return TraderPositions(address=address, sequence=1, as_of=now, full=False, positions=(moved,))


async def leaderboard(path: Path, given: argparse.Namespace) -> None:
    repository = SqliteRepository.open(path)
    history, rows, spent = LeaderboardHistory(repository), 0, 0.0
    for hour, edition in enumerate(editions(Random(1), given.rows, given.active)):
        began = time.perf_counter()
        at = milliseconds(NOON + timedelta(hours=hour))
        rows += await history.keep(at, str(hour), edition)
        spent += time.perf_counter() - began
    began = time.perf_counter()
    told = await history.as_of(milliseconds(NOON + timedelta(hours=12, minutes=30)))
    asked = time.perf_counter() - began
    size = await closed(repository, path)
    print(f"leaderboard: {given.rows:,} lines, 24 editions, {given.active:.0%} of the lines move")
    print(f"  {rows:,} rows, {size / rows:.0f} bytes a row, {spent / 24:.2f} s an edition")
    print(f"  {size / 1e6:.1f} MB a day; the {len(told or ()):,} lines as of noon in {asked:.2f} s")


def editions(rng: Random, count: int, active: float) -> Iterator[list[Standing]]:
    """Yield 24 hours of a leaderboard whose lines move as accounts do: half a percent an hour."""
    worth = [rng.lognormvariate(9.5, 2.2) for _ in range(count)]
    made = [[(w * rng.gauss(0, s), w * 20 * s) for _, s in WINDOWS] for w in worth]
    moving = [rng.random() < active for _ in range(count)]
    for _ in range(24):
        yield [line(n, worth[n], made[n]) for n in range(count)]
        for n in filter(moving.__getitem__, range(count)):
            gain, traded = worth[n] * rng.gauss(0, 0.005), worth[n] * rng.expovariate(3)
            worth[n] = max(0.0, worth[n] + gain)
            made[n] = [(pnl + gain, volume + traded) for pnl, volume in made[n]]


def line(number: int, worth: float, made: Sequence[tuple[float, float]]) -> Standing:
    return Standing(
        an_address(number + 1),
        exact(worth),
        {
            window: Result(exact(pnl), exact(pnl / max(worth, 1.0)), exact(volume))
            for (window, _), (pnl, volume) in zip(WINDOWS, made, strict=True)
        },
    )


def exact(value: float) -> Decimal:
    return Decimal(f"{value:.6f}")


def real_books() -> list[Book]:
    """Return the first books of the panel of real wallets, flat ones too, if it is here."""
    if not PANEL.is_dir():
        return []
    books: dict[str, Book] = {}
    for _, fact, _ in Panel(PANEL).told():
        if isinstance(fact, TraderPositions):
            books.setdefault(fact.address, {held.coin: held for held in fact.positions})
        if len(books) > MOST_BOOKS:
            break
    return list(books.values())


def made_up_books(rng: Random) -> list[Book]:
    coins = [f"COIN{n}" for n in range(100)]
    return [
        {
            coin: Position(
                coin=coin,
                size=Decimal(f"{rng.lognormvariate(2, 2):.4f}"),
                quality="anchored",
                entry=Decimal(f"{rng.lognormvariate(3, 2):.4f}"),
                leverage=Decimal(10),
                margin_type="cross",
            )
            for coin in rng.sample(coins, 6)
        }
        for _ in range(200)
    ]


async def closed(repository: Repository, path: Path) -> int:
    await repository.close()
    return await asyncio.to_thread(lambda: path.stat().st_size)


if __name__ == "__main__":
    main()
