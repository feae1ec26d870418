"""Paths of coins that the market's prices are not drawn for: they wander by themselves."""

import numpy as np

from hyperliquid_simulator.coins.catalogue import Coin
from hyperliquid_simulator.coins.market import DAY_MINUTES, YEAR_MINUTES, Floats, stream


class Walk:
    """The path of one coin, in logarithms of its price in ticks; it begins at its catalogue price.

    The same seed and first minute give the same path however far it was asked for; a coin that is
    not volatile stands still.
    """

    def __init__(self, coin: Coin, seed: int, first_minute: int = 0) -> None:
        self._rng = stream(seed, "walk", coin.name)
        self._step = coin.volatility / np.sqrt(YEAR_MINUTES)
        self._first = first_minute
        self._log = np.full(1, np.log(coin.price * 10**coin.price_decimals))

    def log(self, minute: int) -> float:
        """Return where the path is at the end of a minute."""
        if not self._step:
            return float(self._log[0])
        return float(self.until(minute)[-1])

    def until(self, minute: int) -> Floats:
        """Return the path up to and with a minute, from the one before the first."""
        wanted = max(minute - self._first, -1) + 2
        if wanted > len(self._log):
            days = -(-(wanted - len(self._log)) // DAY_MINUTES)
            steps = self._step * self._rng.standard_normal(days * DAY_MINUTES)
            further = np.cumsum(np.append(self._log[-1], steps))
            self._log = np.append(self._log, further[1:])
        return self._log[:wanted]
