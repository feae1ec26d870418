"""A made-up stretch of time with everything in it, from a seed: what replays and benchmarks fold."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from random import Random

from shared_events.codec import encode
from shared_events.journal import Tick, encode_tick
from shared_events.testing.factories import NOON
from signal_system.testing.events import Event, book, candle, member, price, profile, status

COINS = ("BTC", "ETH", "SOL", "HYPE", "kPEPE", "XRP", "DOGE", "AVAX", "LINK", "ARB", "OP", "SUI")
Record = Event | Tick


def opening(
    random: Random, traders: int, coins: Sequence[str] = COINS, *, hours: int = 168
) -> Iterator[Event]:
    """Yield a source, a roster with families, prices, hourly candles and every trader's book."""
    yield status()
    for trader in range(1, traders + 1):
        yield member(trader, random.randint(0, 100))
        if trader % 10 == 0:
            yield profile(trader, master=trader - 1)
    for coin in coins:
        yield price(coin, random.randint(1, 100_000))
        for hour in range(-hours, 0):
            yield candle(coin, hour, random.randint(90, 110), second=0)
    for trader in range(1, traders + 1):
        yield book(trader, 1, {coin: random.randint(-9, 9) for coin in coins})


def changes(
    random: Random, traders: int, count: int, coins: Sequence[str] = COINS, *, every: float = 0.002
) -> Iterator[Event]:
    """Yield `count` events of one changed coin each, `every` so many seconds."""
    for n in range(count):
        sizes = {random.choice(coins): random.randint(-9, 9)}
        yield book(random.randint(1, traders), n + 2, sizes, n * every, full=False)


def day(seed: int, *, traders: int = 8, steps: int = 60) -> list[Record]:
    """Return a small world in motion: trades, prices, heartbeats, weights, families, silences.

    The same seed gives the same records.
    """
    random, coins = Random(seed), COINS[:3]  # noqa: S311 -- a made-up world
    records: list[Record] = list(opening(random, traders, coins, hours=6))
    second = 0.0
    for n in range(steps):
        second += random.choice((0.0, 0.01, 1, 20, 90, 2_000))
        records += _step(random, n + 2, second, traders, coins)
    return records


def encoded(records: Sequence[Record]) -> list[bytes]:
    """Return `records` as a journal keeps them."""
    return [
        encode_tick(record.at) if isinstance(record, Tick) else encode(record) for record in records
    ]


def _step(
    random: Random, number: int, second: float, traders: int, coins: Sequence[str]
) -> list[Record]:
    trader, coin = random.randint(1, traders), random.choice(coins)
    sizes = {each: random.randint(-9, 9) for each in coins if random.random() < 0.5}
    said: Record = random.choice(
        (
            book(trader, number, sizes, second, full=random.random() < 0.3),
            book(trader, number, sizes, second, full=False),
            price(coin, random.randint(1, 100_000), second),
            status(second, random.choice(("LIVE", "LIVE", "PARTIAL", "STALE"))),
            member(trader, random.randint(0, 100), second, tracked=random.random() < 0.8),
            profile(trader, second, master=random.choice((None, 1, 2))),
            candle(coin, int(second // 3600) - 1, random.randint(90, 110), second),
            Tick(NOON + timedelta(seconds=second)),
        )
    )
    return [said, status(second + 0.001)] if random.random() < 0.5 else [said]
