"""What exists before the first live block, as arrays: trades, fills, records, books."""

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from hyperliquid_simulator.accounts.account import Account
from hyperliquid_simulator.accounts.decisions import Decisions, Views
from hyperliquid_simulator.accounts.movements import Kind, Movement
from hyperliquid_simulator.accounts.population import Population
from hyperliquid_simulator.accounts.seats import Seats
from hyperliquid_simulator.coins.catalogue import Perp
from hyperliquid_simulator.coins.dexes import DEXES, OWN
from hyperliquid_simulator.coins.funding import PastFunding
from hyperliquid_simulator.coins.market import Floats, Ints
from hyperliquid_simulator.coins.prices import Prices
from hyperliquid_simulator.wire import transaction_hash

BLOCK_MS: Final = 71.7
HEIGHT_REFERENCE: Final = (1_159_069_126, 1_790_231_124_365)
"""A block height and its time, from which all others are counted."""

FIRST_ORDER: Final = 566_000_000_000
"""Order ids below belong to the past, above to the present."""

FIRST_PAST_ORDER: Final = 560_000_000_000
"""The past counts its orders from here, so that more of it leaves their ids alone."""


KINDS: Final = tuple(Kind)
NOBODY: Final = -1
FIRST_PLACE: Final = 300
PLACES: Final = 600
"""Where in their blocks movements of the past stand."""


@dataclass(frozen=True, slots=True)
class PastTrades:
    """Trades in order of time, one array per column; ``lots`` are signed by the taker's side.

    ``forced`` marks those in which the venue liquidated the taker.
    """

    time: Ints
    height: Ints
    index: Ints
    coin: Ints
    ticks: Ints
    lots: Ints
    taker: Ints
    maker: Ints
    taker_order: Ints
    maker_order: Ints
    forced: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.time)

    def where(self, chosen: npt.NDArray[np.bool_]) -> "PastTrades":
        """Return some of the trades."""
        return PastTrades(*(getattr(self, column.name)[chosen] for column in fields(self)))


@dataclass(frozen=True, slots=True)
class PastFills:
    """Both sides of all past trades, sorted by account and then by time.

    The rows of account ``a`` are ``first[a]`` up to ``first[a + 1]``; ``trade`` points back.
    """

    first: Ints
    trade: Ints
    delta: Ints
    start: Ints
    closed: Ints
    crossed: Ints


@dataclass(frozen=True, slots=True)
class Records:
    """Profit and traded volume of every account (columns) at past moments (rows)."""

    time: Ints
    profit: Ints
    volume: Ints


@dataclass(frozen=True)
class PastMovements:
    """Movements in order of time, one array per column; `NOBODY` is the world outside.

    ``dex`` says, by its place among all dexes, to which one collateral was sent, or from which one if
    it is negative.
    """

    seed: int
    time: Ints
    kind: Ints
    sender: Ints
    receiver: Ints
    usd: Ints
    fee: Ints
    dex: Ints

    def __len__(self) -> int:
        return len(self.time)

    def balances(self, accounts: int, time_ms: int) -> Ints:
        """Return what every account had received, less what it had sent, at a moment."""
        rows = slice(0, int(np.searchsorted(self.time, time_ms, side="right")))
        total = self._received(accounts, rows)
        np.subtract.at(total, self.sender[rows], self.usd[rows] + self.fee[rows])
        return total[:-1]

    def received(self, accounts: int, start_ms: int, end_ms: int) -> Ints:
        """Return what came to every account with start < time <= end."""
        rows = slice(*np.searchsorted(self.time, [start_ms, end_ms], side="right").tolist())
        inside = self.sender[rows] == self.receiver[rows]
        total = self._received(accounts, rows)
        np.subtract.at(total, self.receiver[rows][inside], self.usd[rows][inside])
        return total[:-1]

    def _received(self, accounts: int, rows: slice) -> Ints:
        """Return what came to everybody, and in the last place what came to the world outside."""
        total = np.zeros(accounts + 1, dtype=np.int64)
        np.add.at(total, self.receiver[rows], self.usd[rows])
        return total

    def of(self, account: int) -> list[Movement]:
        """Return the movements one account took part in, oldest first."""
        first, last = np.searchsorted(self._taking_part[0], [account, account + 1]).tolist()
        rows = self._taking_part[1][first:last].tolist()
        return [self._movement(row) for row in dict.fromkeys(rows)]

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
            details=_sent(int(self.dex[row])),
        )


@dataclass(frozen=True, slots=True)
class Past:
    """Everything that exists before the first live block, and what was decided beyond it.

    ``views`` are the decisions that led to the trades, ``pending`` those of the rest of the day;
    ``deaths`` is the minute in which each liquidated account ended.
    """

    population: Population
    seats: Seats
    coins: tuple[Perp, ...]
    origin_ms: int
    closes: list[Ints]
    level: Floats
    trades: PastTrades
    fills: PastFills
    records: Records
    funding: PastFunding
    movements: PastMovements
    accounts: list[Account]
    prices: Prices
    decisions: Decisions
    views: Views
    pending: Views
    deaths: dict[int, int]

    @property
    def minutes(self) -> int:
        """How long the past is."""
        return len(self.closes[0])


def _sent(place: int) -> dict[str, str]:
    """Return the details of collateral sent to a dex, or from one if its place is negative."""
    if not place:
        return {}
    dex = DEXES[abs(place)]
    ways = (OWN, dex.name) if place > 0 else (dex.name, OWN)
    return {"sourceDex": ways[0], "destinationDex": ways[1], "token": dex.collateral.name}


def block_height(time_ms: int) -> int:
    """Return the height of the last block at or before a moment."""
    height, time = HEIGHT_REFERENCE
    return height + int((time_ms - time) // BLOCK_MS)


def block_time(height: int) -> int:
    """Return the moment of a block of the past."""
    first, time = HEIGHT_REFERENCE
    return time + round((height - first) * BLOCK_MS)
