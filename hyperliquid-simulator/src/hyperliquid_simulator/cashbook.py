"""The venue's book of movements: those of the past as arrays, later ones as they happen."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np

from hyperliquid_simulator.market import Ints
from hyperliquid_simulator.movements import Kind, Movement
from hyperliquid_simulator.past import block_height
from hyperliquid_simulator.wire import transaction_hash

KINDS: Final = tuple(Kind)
NOBODY: Final = -1
FIRST_PLACE: Final = 300
PLACES: Final = 600
"""Where in their blocks movements of the past stand."""


@dataclass(frozen=True)
class PastMovements:
    """Movements in order of time, one array per column; `NOBODY` is the world outside."""

    seed: int
    time: Ints
    kind: Ints
    sender: Ints
    receiver: Ints
    usd: Ints
    fee: Ints

    def __len__(self) -> int:
        return len(self.time)

    def net(self, accounts: int) -> Ints:
        """Return what all movements together brought every account."""
        total = np.zeros(accounts + 1, dtype=np.int64)
        np.add.at(total, self.receiver, self.usd)
        np.subtract.at(total, self.sender, self.usd + self.fee)
        return total[:-1]

    def received(self, accounts: int, since_ms: int) -> Ints:
        """Return what came to every account after a moment."""
        rows = slice(int(np.searchsorted(self.time, since_ms, side="right")), None)
        total = np.zeros(accounts + 1, dtype=np.int64)
        np.add.at(total, self.receiver[rows], self.usd[rows])
        return total[:-1]

    def of(self, account: int) -> list[Movement]:
        """Return the movements one account took part in, oldest first."""
        first, last = np.searchsorted(self._taking_part[0], [account, account + 1]).tolist()
        return [self._movement(row) for row in self._taking_part[1][first:last].tolist()]

    @cached_property
    def _taking_part(self) -> tuple[Ints, Ints]:
        """Who took part in which row, by account and then by time."""
        who, row = np.concatenate([self.sender, self.receiver]), np.tile(np.arange(len(self)), 2)
        order = np.lexsort((row, who))
        return who[order], row[order]

    def _movement(self, row: int) -> Movement:
        time = int(self.time[row])
        sender, receiver = int(self.sender[row]), int(self.receiver[row])
        place = FIRST_PLACE + row % PLACES
        return Movement(
            kind=KINDS[self.kind[row]],
            time=time,
            hash=transaction_hash(self.seed, block_height(time), place),
            sender=None if sender == NOBODY else sender,
            receiver=None if receiver == NOBODY else receiver,
            usd=int(self.usd[row]),
            fee=int(self.fee[row]),
        )


@dataclass(slots=True)
class Cashbook:
    """Every movement there ever was."""

    past: PastMovements
    live: list[Movement] = field(default_factory=list)
    _by_account: defaultdict[int, list[Movement]] = field(default_factory=lambda: defaultdict(list))

    def add(self, row: Movement) -> None:
        """Enter what just happened."""
        self.live.append(row)
        for account in {row.sender, row.receiver} - {None}:
            self._by_account[account].append(row)

    def of(self, account: int) -> list[Movement]:
        """Return the movements one account took part in, oldest first."""
        return [*self.past.of(account), *self._by_account.get(account, ())]

    def net(self, account: int, times: Sequence[int]) -> list[int]:
        """Return what an account had received, less what it had sent, at moments."""
        rows = self.of(account)
        changes = np.cumsum([0, *(row.change(account) for row in rows)])
        seen = np.searchsorted([row.time for row in rows], times, side="right")
        return [int(changes[n]) for n in seen]

    def received(self, accounts: int, since_ms: int) -> Ints:
        """Return what came to every account after a moment."""
        total = self.past.received(accounts, since_ms)
        for row in self.live:
            if row.receiver is not None and row.time > since_ms:
                total[row.receiver] += row.usd
        return total
