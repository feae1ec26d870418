"""Prices: regimes of drift, the generated past and the live path that continues it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from zlib import crc32

import numpy as np
import numpy.typing as npt

from hyperliquid_simulator.catalogue import MAJORS, Coin, grid_step, on_grid

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MINUTE_MS: Final = 60_000
DAY_MINUTES: Final = 1440
YEAR_MINUTES: Final = 525_600
SHARED: Final = 0.72
"""Correlation of every coin with the market's common factor, as a loading."""

REGIME_MEAN_MINUTES: Final = 1440
REGIME_LEAST_MINUTES: Final = 180
LIVE_REGIME_MS: Final = 360_000
"""Live regimes are minutes long, so that somebody watching sees the planted traders turn."""


def stream(seed: int, *names: str) -> np.random.Generator:
    """Return the random numbers of one purpose, independent of every other purpose."""
    return np.random.default_rng([seed, *(crc32(name.encode()) for name in names)])


@dataclass(frozen=True, slots=True)
class Regimes:
    """When a coin's drift turned (minutes since the history began) and where to, +1 or -1."""

    starts: Ints
    directions: Ints

    def per_minute(self, minutes: int) -> Ints:
        """Return the direction of every minute."""
        return np.repeat(self.directions, np.diff(self.starts, append=minutes))


def draw_regimes(rng: np.random.Generator, minutes: int, last: int) -> Regimes:
    """Draw alternating regimes that end in direction ``last``, itself some hours old."""
    age = min(minutes // 2, int(rng.integers(360, 1800)))
    lengths = REGIME_LEAST_MINUTES + rng.exponential(
        REGIME_MEAN_MINUTES, 2 + minutes // REGIME_LEAST_MINUTES
    )
    turns = np.cumsum(lengths).astype(np.int64)
    turns = turns[turns < minutes - age - REGIME_LEAST_MINUTES]
    starts = np.concatenate([[0], turns, [minutes - age]])
    directions = np.where(np.arange(len(starts))[::-1] % 2 == 0, last, -last)
    return Regimes(starts, directions)


def last_directions(seed: int, coins: Sequence[Coin]) -> list[int]:
    """Return where each coin is heading at the start; the majors never agree all three."""
    rng = stream(seed, "directions")
    drawn = [int(d) for d in rng.choice([-1, 1], len(coins))]
    majors = rng.permutation([i for i, coin in enumerate(coins) if coin.name in MAJORS])
    drawn[majors[1]] = -drawn[majors[0]]
    return drawn


def common_factor(seed: int, minutes: int) -> tuple[Floats, Floats]:
    """Return the market's shared shocks and the level of volatility, minute by minute."""
    rng = stream(seed, "market")
    hours = minutes // 60 + 1
    level = np.empty(hours)
    value = 0.0
    for hour, shock in enumerate(rng.standard_normal(hours)):
        value = 0.97 * value + 0.09 * shock
        level[hour] = value
    return rng.standard_normal(minutes), np.repeat(np.exp(level), 60)[:minutes]


@dataclass(frozen=True, slots=True)
class Factor:
    """The common part of all coins: shocks and the level of volatility."""

    shocks: Floats
    level: Floats


def past_prices(
    coin: Coin, rng: np.random.Generator, regimes: Regimes, factor: Factor, edge: float
) -> Ints:
    """Return the closing price of every minute in ticks, ending at the coin's catalogue price."""
    minutes = len(factor.shocks)
    sigma = coin.volatility / np.sqrt(YEAR_MINUTES)
    own = rng.standard_normal(minutes)
    shocks = factor.level * (SHARED * factor.shocks + np.sqrt(1 - SHARED**2) * own)
    drift = edge / np.sqrt(DAY_MINUTES) * regimes.per_minute(minutes)
    path = np.cumsum(sigma * (shocks + drift))
    prices = coin.price * np.exp(path - path[-1])
    return grid_prices(prices * 10**coin.price_decimals, coin.price_decimals)


def grid_prices(ticks: Floats, price_decimals: int) -> Ints:
    """Return the nearest allowed prices of many at once."""
    digits = np.floor(np.log10(np.maximum(ticks, 1))) + 1
    step = 10.0 ** np.clip(digits - 5, 0, price_decimals)
    on_step: Floats = np.maximum(np.rint(ticks / step) * step, 1)
    return on_step.astype(np.int64)


@dataclass(frozen=True, slots=True)
class Quote:
    """Best bid and ask and the mark, all in ticks; ``step`` is the distance between prices."""

    bid: int
    ask: int
    step: int
    mark: int
    oracle: int


class Market:
    """The live prices of all coins, moved block by block."""

    def __init__(
        self,
        coins: Sequence[Coin],
        seed: int,
        prices: Sequence[int],
        directions: Sequence[int],
        edge: float,
    ) -> None:
        self.coins = tuple(coins)
        self.directions = list(directions)
        self._rng = stream(seed, "live")
        self._log = np.log(np.array(prices, dtype=np.float64))
        year_ms = YEAR_MINUTES * MINUTE_MS
        self._sigma = np.array([coin.volatility for coin in coins]) / np.sqrt(year_ms)
        self._edge = edge
        self.quotes = [self._quote(i, float(price)) for i, price in enumerate(prices)]

    def step(self, elapsed_ms: float) -> None:
        """Move every price by the time that passed."""
        shared, own = self._rng.standard_normal(), self._rng.standard_normal(len(self.coins))
        shocks = SHARED * shared + np.sqrt(1 - SHARED**2) * own
        drift = self._edge / np.sqrt(LIVE_REGIME_MS) * np.array(self.directions)
        self._log += self._sigma * (shocks * np.sqrt(elapsed_ms) + drift * elapsed_ms)
        for i, price in enumerate(np.exp(self._log).tolist()):
            self.quotes[i] = self._quote(i, price)

    def turn(self, coin: int, direction: int) -> None:
        """Let a coin's drift point the other way from now on."""
        self.directions[coin] = direction

    def mark(self, coin: int) -> int:
        """Return the mark price in ticks."""
        return self.quotes[coin].mark

    def _quote(self, index: int, price: float) -> Quote:
        decimals = self.coins[index].price_decimals
        middle = round(price)
        step = grid_step(middle, decimals)
        bid = max(int(price // step) * step, 1)
        oracle = on_grid(round(price * 1.0001), decimals)
        return Quote(bid, bid + step, step, on_grid(middle, decimals), oracle)
