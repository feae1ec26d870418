"""The venue's book of movements: those of the past as arrays, later ones as they happen."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from hyperliquid_simulator.accounts.movements import Movement
from hyperliquid_simulator.coins.market import Ints
from hyperliquid_simulator.past.past import PastMovements


@dataclass(slots=True)
class Cashbook:
    """Every movement there ever was, among so many accounts.

    ``liquidations`` are those of the past, by account.
    """

    past: PastMovements
    accounts: int
    liquidations: Mapping[int, Movement] = field(default_factory=dict)
    live: list[Movement] = field(default_factory=list)
    _by_account: defaultdict[int, list[Movement]] = field(default_factory=lambda: defaultdict(list))

    def add(self, row: Movement) -> None:
        """Enter what just happened."""
        self.live.append(row)
        for account in row.parties:
            self._by_account[account].append(row)

    def of(self, account: int) -> list[Movement]:
        """Return the movements one account took part in, oldest first."""
        past = self.past.of(account)
        if account in self.liquidations:
            past = sorted([*past, self.liquidations[account]], key=lambda row: row.time)
        return [*past, *self._by_account.get(account, ())]

    def history(self, account: int, times: Sequence[int], *, perp: bool = False) -> list[int]:
        """Return what an account, or its perp side, had received, less what it had sent."""
        rows = self.of(account)
        changes = (row.perp_change(account) if perp else row.change(account) for row in rows)
        total = np.cumsum([0, *changes])
        seen = np.searchsorted([row.time for row in rows], times, side="right")
        return [int(total[n]) for n in seen]

    def balances(self, time_ms: int) -> Ints:
        """Return what every account had received, less what it had sent, at a moment."""
        total = self.past.balances(self.accounts, time_ms)
        for row in self.live:
            for account in row.parties:
                total[account] += row.change(account) * (row.time <= time_ms)
        return total

    def received(self, start_ms: int, end_ms: int) -> Ints:
        """Return what came to every account with start < time <= end."""
        total = self.past.received(self.accounts, start_ms, end_ms)
        for row in self.live:
            inside = row.sender == row.receiver
            if row.receiver is not None and not inside and start_ms < row.time <= end_ms:
                total[row.receiver] += row.usd
        return total
