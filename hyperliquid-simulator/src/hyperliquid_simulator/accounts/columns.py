"""Accounts side by side as columns, for what concerns all of them at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from hyperliquid_simulator.accounts.account import Account
from hyperliquid_simulator.accounts.holdings import Position
from hyperliquid_simulator.coins.market import Ints


@dataclass(frozen=True, slots=True)
class Positions:
    """Positions by account, closed ones among them; ``owner`` is the place of the account."""

    held: Sequence[Position]
    owner: Ints
    coin: Ints
    lots: Ints

    def worth(self, marks: Sequence[int]) -> Ints:
        """Return the signed micro-dollars of each position at marks in ticks."""
        return self.lots * np.array(marks, dtype=np.int64)[self.coin]


def positions(accounts: Sequence[Account]) -> Positions:
    """Return what accounts hold of perpetuals."""
    held = list(chain.from_iterable(account.positions.values() for account in accounts))
    coins = list(chain.from_iterable(account.positions for account in accounts))
    return Positions(
        held,
        _owners([len(account.positions) for account in accounts]),
        np.array(coins, dtype=np.int64),
        np.array([position.lots for position in held], dtype=np.int64),
    )


def profits(accounts: Sequence[Account], marks: Sequence[int]) -> Ints:
    """Return what each account is worth over what was put into it, in micro-dollars."""
    pockets = chain.from_iterable(account.pockets.values() for account in accounts)
    gained = np.array([pocket.cash - pocket.deposited for pocket in pockets], dtype=np.int64)
    owners = _owners([len(account.pockets) for account in accounts])
    book = positions(accounts)
    return sums(gained, owners, len(accounts)) + sums(book.worth(marks), book.owner, len(accounts))


def sums(values: Ints, owner: Ints, accounts: int) -> Ints:
    """Return the exact sum of the values of each account."""
    found = np.zeros(accounts, dtype=np.int64)
    np.add.at(found, owner, values)
    return found


def _owners(sizes: Sequence[int]) -> Ints:
    return np.repeat(np.arange(len(sizes)), sizes)
