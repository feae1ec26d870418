"""Bars of a made-up market, from a seed."""

from collections.abc import Iterator
from math import exp
from random import Random

from signal_system.ml.features.bar import INTERVAL_MS, Bar

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
