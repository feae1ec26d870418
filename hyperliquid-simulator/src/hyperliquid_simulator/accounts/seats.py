"""Who takes the other side of whose orders."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from hyperliquid_simulator.accounts.population import Population
from hyperliquid_simulator.coins.market import Ints, stream

LARGE_BUDGET: Final = 20_000.0
"""Dollars in one coin above which an account trades with the crowd instead of the makers."""

PARTS: Final = (0.57, 0.29, 0.14)
"""How often an order is filled by one, two and three others."""


@dataclass(frozen=True, slots=True)
class Seats:
    """Who takes the other side when an account changes its mind about a coin.

    It is always the same one to three others, so that what they hold stays bounded by what the
    account holds; a wash trader's is its partner alone. Rows are accounts, columns coins, the third
    axis the others in order.
    """

    parts: Ints
    others: Ints


def draw_seats(seed: int, population: Population, coins: int) -> Seats:
    """Draw everybody's others."""
    rng = stream(seed, "seats")
    shape = (len(population), coins)
    parts = rng.choice([1, 2, 3], shape, p=PARTS)
    first = rng.integers(0, 2**31, shape)[:, :, None] + np.arange(3)
    makers = np.array([t.index for t in population.makers])
    crowd = np.array([t.index for t in population.crowd])
    large = np.array([t.capital * t.exposure > LARGE_BUDGET for t in population.traders])
    others = np.where(large[:, None, None], crowd[first % len(crowd)], makers[first % len(makers)])
    for trader in population.traders:
        if trader.partner is not None:
            parts[trader.index], others[trader.index] = 1, trader.partner
    return Seats(parts, others)
