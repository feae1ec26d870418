"""What exists before the first live block, as arrays: trades, fills, records, books."""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import numpy.typing as npt

from hyperliquid_simulator.catalogue import Coin
from hyperliquid_simulator.funding import PastFunding
from hyperliquid_simulator.ledger import Account
from hyperliquid_simulator.market import Floats, Ints
from hyperliquid_simulator.population import Population, Seats

BLOCK_MS: Final = 71.7
HEIGHT_REFERENCE: Final = (1_159_069_126, 1_790_231_124_365)
"""A block height and its time, from which all others are counted."""

FIRST_ORDER: Final = 566_000_000_000
"""Order ids below belong to the past, above to the present."""


@dataclass(frozen=True, slots=True)
class PastTrades:
    """Trades in order of time, one array per column; ``lots`` are signed by the taker's side."""

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


@dataclass(frozen=True, slots=True)
class Past:
    """Everything that exists before the first live block."""

    population: Population
    seats: Seats
    coins: tuple[Coin, ...]
    origin_ms: int
    closes: list[Ints]
    directions: list[int]
    level: Floats
    trades: PastTrades
    fills: PastFills
    records: Records
    funding: PastFunding
    accounts: list[Account]


def block_height(time_ms: int) -> int:
    """Return the height of the last block at or before a moment."""
    height, time = HEIGHT_REFERENCE
    return height + int((time_ms - time) // BLOCK_MS)
