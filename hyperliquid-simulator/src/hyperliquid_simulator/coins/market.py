"""What prices are made of, and the live market that moves between the minutes of a drawn path."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from zlib import crc32

import numpy as np
import numpy.typing as npt

from hyperliquid_simulator.coins.catalogue import Coin, grid_step

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MINUTE_MS: Final = 60_000
DAY_MINUTES: Final = 1440
DAY_MS: Final = DAY_MINUTES * MINUTE_MS
YEAR_MINUTES: Final = 525_600
SHARED: Final = 0.72
"""Correlation of every coin with the market's common factor, as a loading."""

ORACLE: Final = 1.0001
"""Where the oracle sees a price, as a multiple of it."""

REGIMES: Final = ("bull", "bear", "quiet")


def stream(seed: int, *names: str) -> np.random.Generator:
    """Return the random numbers of one purpose, independent of every other purpose."""
    return np.random.default_rng([seed, *(crc32(name.encode()) for name in names)])


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
    """The live prices of all coins, moved block by block towards the next minute of the path.

    Parameters
    ----------
    path
        Returns the logarithm of every coin's price in ticks at the end of a minute since the origin.
    """

    def __init__(
        self,
        coins: Sequence[Coin],
        seed: int,
        path: Callable[[int], Floats],
        origin_ms: int,
        start_ms: int,
    ) -> None:
        self.coins = tuple(coins)
        self._rng = stream(seed, "live")
        self._path = path
        self._origin_ms = origin_ms
        self._unit = 1 / np.sqrt(YEAR_MINUTES * MINUTE_MS)
        self._sigma = np.array([coin.volatility for coin in coins]) * self._unit
        self.quotes = [Quote(1, 2, 1, 1, 1)] * len(coins)
        self._moving = list(range(len(coins)))
        self._log = self._target = np.empty(0)
        self._aside = np.zeros(len(coins))
        self._time = self._until = 0
        self._enter(start_ms)

    def move_to(self, now_ms: int) -> None:
        """Move every price to a moment: at random, but so that the minute ends where it must."""
        if now_ms >= self._until:
            self._enter(now_ms)
        left, passed = self._until - self._time, now_ms - self._time
        spread = self._sigma * np.sqrt(passed * (left - passed) / left)
        shocks = self._rng.standard_normal(len(self.coins))
        self._log += (self._target - self._log) * (passed / left) + spread * shocks
        self._time = now_ms
        self._requote()

    def jump(self, coin: int, factor: float) -> None:
        """Let a coin's prices be a multiple of those of the path from the next block on."""
        for logs in (self._aside, self._log, self._target):
            logs[coin] += np.log(factor)

    def place(self, coin: int, price: float) -> None:
        """Put a resting coin's price, in ticks, where another market has it."""
        self.quotes[coin] = self._quote(coin, price)

    def rest(self, coin: int) -> None:
        """Let a coin's price stand still, or be where it is placed."""
        self._moving = [other for other in self._moving if other != coin]

    def add(self, coin: Coin) -> None:
        """Let a coin that was just listed move along its path, from its catalogue price on."""
        self.coins = (*self.coins, coin)
        self._sigma = np.append(self._sigma, coin.volatility * self._unit)
        self._aside = np.append(self._aside, 0.0)
        self._log = np.append(self._log, np.log(coin.price * 10**coin.price_decimals))
        self._target = self._path((self._time - self._origin_ms) // MINUTE_MS) + self._aside
        self._moving.append(len(self.quotes))
        self.quotes.append(self._quote(len(self.quotes), float(np.exp(self._log[-1]))))

    def mark(self, coin: int) -> int:
        """Return the mark price in ticks."""
        return self.quotes[coin].mark

    def _enter(self, now_ms: int) -> None:
        """Begin the minute of a moment where the one before ended."""
        minute = (now_ms - self._origin_ms) // MINUTE_MS
        self._time = self._origin_ms + minute * MINUTE_MS
        self._until = self._time + MINUTE_MS
        self._log = self._path(minute - 1) + self._aside
        self._target = self._path(minute) + self._aside
        self._requote()

    def _requote(self) -> None:
        prices = np.exp(self._log).tolist()
        for i in self._moving:
            self.quotes[i] = self._quote(i, prices[i])

    def _quote(self, index: int, price: float) -> Quote:
        step = grid_step(round(price), self.coins[index].price_decimals)
        bid = max(int(price // step) * step, 1)
        mark, oracle = round(price / step) * step, round(ORACLE * price / step) * step
        return Quote(bid, bid + step, step, max(mark, 1), max(oracle, 1))
