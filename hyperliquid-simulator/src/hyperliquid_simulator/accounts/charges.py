"""The funding that accounts paid since the start, an hour at a time."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from hyperliquid_simulator.accounts.trades import Charge
from hyperliquid_simulator.coins.market import Ints

MOST_KEPT: Final = 10_000_000
"""Payments of everybody together; the oldest hours are forgotten."""


@dataclass(frozen=True, slots=True)
class ChargedHour:
    """What every position paid at ``time``, in micro-dollars, by account."""

    time: int
    rates: Sequence[float]
    owner: Ints
    coin: Ints
    lots: Ints
    paid: Ints

    def of(self, account: int) -> Iterator[Charge]:
        """Yield what one account paid."""
        rows = slice(*np.searchsorted(self.owner, [account, account + 1]).tolist())
        columns = (self.coin[rows].tolist(), self.lots[rows].tolist(), self.paid[rows].tolist())
        for coin, lots, paid in zip(*columns, strict=True):
            yield Charge(coin, self.time, self.rates[coin], lots, paid)


class Charges:
    """Every hour that was charged, oldest first, as columns rather than as rows of accounts."""

    def __init__(self) -> None:
        self._hours: deque[ChargedHour] = deque()
        self._kept = 0

    def add(self, hour: ChargedHour) -> None:
        """Keep an hour that has just been charged."""
        self._hours.append(hour)
        self._kept += len(hour.owner)
        while self._kept > MOST_KEPT:
            self._kept -= len(self._hours.popleft().owner)

    def of(self, account: int, since_ms: float, until_ms: int | None = None) -> list[Charge]:
        """Return what one account paid with since < time <= until, oldest first."""
        found: list[Charge] = []
        for hour in reversed(self._hours):
            if hour.time <= since_ms:
                break
            if until_ms is None or hour.time <= until_ms:
                found[:0] = hour.of(account)
        return found
