"""Bars of a made-up market, from a seed."""

from collections.abc import Iterator
from math import exp
from random import Random

from msgspec import structs

from signal_system.ml.features.bar import INTERVAL_MS, Bar
from signal_system.ml.features.positioning import Context, Counted, Member, Positioning, positioning

HOUR_MS = INTERVAL_MS["1h"]
START_MS = 1_700_000_000_000 // HOUR_MS * HOUR_MS


def walk(
    seed: int,
    count: int,
    *,
    start_ms: int = START_MS,
    interval_ms: int = HOUR_MS,
    flow: bool = True,
) -> list[Bar]:
    """Return `count` consecutive bars of a price that wanders; the same seed gives the same ones.

    Parameters
    ----------
    flow
        Whether the taker's side of the volume is known.
    """
    return list(_steps(Random(seed), count, start_ms, interval_ms, flow=flow))  # noqa: S311 -- made up


def crowded(seed: int, count: int) -> list[Bar]:
    """Return a walk that says of each bar who holds what, and what the venue says of the market."""
    random = Random(seed)  # noqa: S311 -- made up
    crowds = [_crowd(random) for _ in range(20)]
    return [
        structs.replace(
            bar,
            positioning=random.choice(crowds),
            context=Context(random.gauss(0, 1e-5), random.uniform(1e4, 2e4)),
        )
        for bar in walk(seed, count)
    ]


def _steps(
    random: Random, count: int, start_ms: int, interval_ms: int, *, flow: bool
) -> Iterator[Bar]:
    price, calm = 100.0 * exp(random.gauss(0, 2)), random.uniform(0.001, 0.02)
    for number in range(count):
        opened, price = price, price * exp(random.gauss(0, calm))
        reach = abs(random.gauss(0, calm)), abs(random.gauss(0, calm))
        volume, bought = random.expovariate(0.01), random.random()
        yield Bar(
            open_ms=start_ms + number * interval_ms,
            open=opened,
            high=max(opened, price) * exp(reach[0]),
            low=min(opened, price) * exp(-reach[1]),
            close=price,
            volume=volume,
            buy_volume=volume * bought if flow else None,
            sell_volume=volume * (1 - bought) if flow else None,
        )


def _crowd(random: Random) -> Positioning:
    members = [
        Member(random.gauss(0, 3), 10 ** random.uniform(4, 8), random.uniform(0, 100))
        for _ in range(random.randint(0, 12))
    ]
    roster = Counted(12, len(members))
    return positioning(members, roster, random.choice((None, random.expovariate(0.1))))
