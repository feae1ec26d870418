"""Who may be about to fail: an account is looked at again once prices went as far as it can bear."""

from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush
from math import inf, log1p
from typing import Final

import numpy as np

from hyperliquid_simulator.accounts.account import Account
from hyperliquid_simulator.accounts.margin import Tier, tiers
from hyperliquid_simulator.coins.catalogue import Perp
from hyperliquid_simulator.coins.dexes import OWN

FARTHEST: Final = 0.02
"""How far prices go at most before everybody is looked at again: small trades add up too."""

TURNS: Final = 97
"""Parts of everybody who are looked at again one after the other, not all in the same block."""

GROWING_NEED: Final = 1.2
"""A price that goes against a position may raise what it needs, by less than a fifth of the move."""


class Watch:
    """A queue of accounts by how far prices must go before each can have failed.

    The way prices went is the sum over blocks of the largest move of any coin, in logarithms. No
    position can have lost more than that, so nobody is missed, and a jump makes everybody due.
    """

    def __init__(self, accounts: Sequence[Account], coins: Mapping[int, Perp]) -> None:
        self._accounts = accounts
        self._coins = coins
        self._tiers: dict[int, tuple[Tier, ...]] = {}
        self._way = 0.0
        self._marks = np.empty(0)
        self._queue: list[tuple[float, int]] = []
        self._look_at = [inf] * len(accounts)
        self.look_at(range(len(accounts)))

    def look_at(self, accounts: Iterable[int]) -> None:
        """Look at accounts next time, because something happened to them."""
        for index in accounts:
            self._plan(index, self._way)

    def follow(self, marks: Sequence[int]) -> None:
        """Let prices go on to these marks."""
        now = [marks[coin] for coin in self._coins]
        before, self._marks = self._marks, np.array(now, dtype=np.float64)
        if len(before):
            moves = np.log(self._marks[: len(before)] / before)
            self._way += float(np.abs(moves).max())

    def critical(self, marks: Sequence[int]) -> list[Account]:
        """Return the accounts of which some pool has failed; they are looked at again at once."""
        found = []
        for index in self._due():
            account = self._accounts[index]
            room = self.room(account, marks)
            farthest = FARTHEST * (1 + index % TURNS / TURNS) / 2
            bearable = min(log1p(max(room, 0.0) / GROWING_NEED), farthest)
            self._plan(index, self._way + bearable)
            if room < 0:
                found.append(account)
        return found

    def _due(self) -> list[int]:
        """Take out whose turn has come; of an account planned twice the last plan counts."""
        found = []
        while self._queue and self._queue[0][0] <= self._way:
            planned, index = heappop(self._queue)
            if planned == self._look_at[index]:
                self._look_at[index] = inf
                found.append(index)
        return found

    def _plan(self, index: int, way: float) -> None:
        self._look_at[index] = way
        heappush(self._queue, (way, index))

    def room(self, account: Account, marks: Sequence[int]) -> float:
        """Return by what part all prices could go against an account before it fails.

        Debts without a position fail already.
        """
        least = inf
        funds = {dex: [pocket.cash, 0] for dex, pocket in account.pockets.items()}
        if account.unified and OWN in funds:
            funds[OWN][0] += account.backing
        for coin, position in account.positions.items():
            lots = position.lots
            if not lots:
                continue
            worth = lots * marks[coin]
            value = abs(worth)
            spare = worth - self._needed(coin, value)
            if position.isolated:
                least = min(least, (position.raw + spare) / value)
                funds[self._coins[coin].dex][0] -= position.raw
            else:
                fund = funds[self._coins[coin].dex]
                fund[0] += spare
                fund[1] += value
        return min([least, *(spare / max(value, 1) for spare, value in funds.values() if spare)])

    def _needed(self, coin: int, value: int) -> int:
        found = self._tiers.get(coin)
        if found is None:
            found = self._tiers[coin] = tiers(self._coins[coin])
        if len(found) == 1 or value < found[1].least:
            return value // (2 * found[0].leverage)
        return next(each for each in reversed(found) if value >= each.least).maintenance(value)
