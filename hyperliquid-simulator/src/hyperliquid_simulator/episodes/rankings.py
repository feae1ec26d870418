"""The leaderboard as it stood at moments of the past, and the scraper's score of it."""

from typing import Final

import numpy as np

from hyperliquid_simulator.coins.market import Floats
from hyperliquid_simulator.episodes.scores import scores
from hyperliquid_simulator.past.past import Past, Records
from hyperliquid_simulator.wire import MICRO
from hyperliquid_simulator.world.cashbook import Cashbook
from hyperliquid_simulator.world.performance import History, Leaderboard, Standing

LEAST_ACCOUNT_VALUE: Final = 1_000 * MICRO
"""Below it the roster has no place, as the scraper's."""


class Rankings:
    """The past's records, seen from moments that only move on."""

    def __init__(self, past: Past) -> None:
        self._people, self._records, self._seen = past.population, past.records, 1
        columns = (past.records.time, past.records.profit, past.records.volume)
        first = Records(*(column[:1] for column in columns))
        self._history = History(first, Cashbook(past.movements, len(past.population)))

    def at(self, ms: int) -> Leaderboard:
        """Return the ranking of a moment."""
        records = self._records
        known = int(np.searchsorted(records.time, ms, side="right"))
        for row in range(self._seen, known):
            self._history.record(
                Standing(int(records.time[row]), records.profit[row], records.volume[row])
            )
        self._seen = max(self._seen, known)
        return self._history.leaderboard(self._history.latest(), self._people)


def scored(board: Leaderboard) -> Floats:
    """Return everybody's score, also of those the leaderboard does not list."""
    profit, volume, capital = (
        np.array([getattr(window, name) for window in board.windows]) / MICRO
        for name in ("profit", "volume", "capital")
    )
    roi = np.where(capital > 0, profit / np.where(capital > 0, capital, 1), 0.0)
    return scores(board.value / MICRO, profit, roi, volume)
