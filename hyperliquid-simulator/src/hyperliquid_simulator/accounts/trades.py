"""Trades, their two fills, hourly charges: what happened to an account, never changed afterwards."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from msgspec import Struct


@dataclass(frozen=True, slots=True)
class Liquidated:
    """Who was liquidated by a trade, at which mark in ticks, and how: market or backstop."""

    user: str
    mark: int
    method: str


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a trade happened that its taker did not order.

    A ``hidden`` one is free and shows in the fills of the two accounts alone; ``direction`` is what
    these fills say instead of what became of the position.
    """

    hidden: bool = False
    direction: str | None = None
    liquidated: Liquidated | None = None


SETTLED: Final = Cause(hidden=True, direction="Settlement")
"""Why positions end when a coin is delisted."""

SPLIT: Final = Cause(hidden=True, direction="Split Outcome")
"""Why somebody holds both sides of a question: a dollar was turned into one of each."""


class Trade(Struct, frozen=True, gc=False):
    """One match. ``side`` is the taker's: ``B`` bought, ``A`` sold. Accounts by index."""

    coin: int
    side: str
    ticks: int
    lots: int
    time: int
    hash: str
    tid: int
    buyer: int
    seller: int
    buyer_order: int
    seller_order: int
    twap: int | None = None
    cause: Cause | None = None


class Fill(Struct, frozen=True, gc=False, array_like=True):
    """One side of a trade as its account sees it; ``start`` is the position before, in lots.

    For a pair ``start`` is the balance before.
    """

    coin: int
    ticks: int
    lots: int
    side: str
    time: int
    start: int
    closed: int
    hash: str
    order: int
    crossed: bool
    fee: int
    tid: int
    twap: int | None
    cause: Cause | None = None


class Charge(NamedTuple):
    """One hour's funding of one position; ``paid`` micro-dollars, negative if received."""

    coin: int
    time: int
    rate: float
    lots: int
    paid: int
