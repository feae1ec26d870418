"""From what accounts want to hold to the orders they send, and the end of those who risk too much."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from hyperliquid_simulator.accounts.decisions import Views
from hyperliquid_simulator.accounts.ledger import TAKER_FEE
from hyperliquid_simulator.accounts.population import Population, Trader
from hyperliquid_simulator.accounts.styles import Style
from hyperliquid_simulator.coins.catalogue import Perp
from hyperliquid_simulator.coins.market import Floats, Ints
from hyperliquid_simulator.wire import MICRO

LAST: Final = 0.999
"""The last moment of a minute."""

LIQUIDATION_MARGIN: Final = 0.5
"""Of the margin at a coin's highest leverage: below it the venue closes everything."""


@dataclass(frozen=True, slots=True)
class Orders:
    """Orders in order of account, coin and time; ``forced`` marks liquidations."""

    account: Ints
    coin: Ints
    minute: Ints
    fraction: Floats
    lots: Ints
    forced: npt.NDArray[np.bool_]

    def taken(self, rows: Ints | npt.NDArray[np.bool_]) -> Self:
        """Return chosen rows."""
        return type(self)(*(getattr(self, each.name)[rows] for each in fields(self)))


def ordered(views: Views, population: Population, closes: Sequence[Ints]) -> Orders:
    """Return how targets changed; a target is sized by the last close before its decision."""
    rows = np.lexsort((views.fraction, views.minute, views.coin, views.account))
    views = views.taken(rows)
    budget = np.array([t.capital * t.exposure * MICRO for t in population.traders])
    target = np.rint(views.exposure * budget[views.account] / _prices(closes, views))
    target = target.astype(np.int64)
    fresh = np.diff(views.account * len(closes) + views.coin, prepend=-1) != 0
    lots = target - np.where(fresh, 0, np.roll(target, 1))
    orders = Orders(
        views.account,
        views.coin,
        views.minute,
        views.fraction,
        lots,
        np.zeros(len(lots), dtype=np.bool_),
    )
    return orders.taken(lots != 0)


def liquidated(
    orders: Orders, population: Population, coins: Sequence[Perp], closes: Sequence[Ints]
) -> tuple[Orders, dict[int, int]]:
    """Close gamblers out when their capital is gone; also returns in which minute, by account.

    Nothing they would have done later happens.
    """
    keep = np.ones(len(orders.account), dtype=np.bool_)
    ends: list[tuple[int, int, int, float, int]] = []
    for trader in population.traders:
        if trader.style is not Style.GAMBLER:
            continue
        mine = slice(*np.searchsorted(orders.account, [trader.index, trader.index + 1]).tolist())
        (coin,) = trader.coins
        end = _end(trader, orders.minute[mine], orders.lots[mine], closes[coin], coins[coin])
        if end is not None:
            keep[mine] = orders.minute[mine] <= end[0]
            ends.append((trader.index, coin, *end))
    whole = np.array([(*end[:3], end[4]) for end in ends], dtype=np.int64).reshape(-1, 4)
    closing = Orders(
        whole[:, 0],
        whole[:, 1],
        whole[:, 2],
        np.array([end[3] for end in ends], dtype=np.float64),
        -whole[:, 3],
        np.ones(len(ends), dtype=np.bool_),
    )
    return _merged(orders.taken(keep), closing), {end[0]: end[2] for end in ends}


def _merged(some: Orders, others: Orders) -> Orders:
    joined = Orders(
        *(
            np.concatenate([getattr(some, each.name), getattr(others, each.name)])
            for each in fields(Orders)
        )
    )
    return joined.taken(np.lexsort((joined.fraction, joined.minute, joined.coin, joined.account)))


def _end(
    trader: Trader, minute: Ints, lots: Ints, close: Ints, coin: Perp
) -> tuple[int, float, int] | None:
    """Return when an account falls below its maintenance margin, and what it holds then.

    The part of the minute is that at which a straight line between its closes crosses the margin,
    or its end if the account traded in it.
    """
    if not len(minute):
        return None
    change = np.zeros(len(close), dtype=np.int64)
    np.add.at(change, minute, lots)
    held = np.cumsum(change)
    traded = close[np.maximum(minute - 1, 0)] * lots
    spent = np.zeros(len(close))
    np.add.at(spent, minute, traded + np.abs(traded) * (TAKER_FEE / MICRO))
    equity = trader.capital * MICRO - np.cumsum(spent) + held * close
    needed = LIQUIDATION_MARGIN / coin.max_leverage * np.abs(held) * close
    spare = equity - needed
    below = np.flatnonzero((spare < 0) & (held != 0))
    if not len(below):
        return None
    at = int(below[0])
    before, after = float(spare[at - 1]), float(spare[at])
    fraction = LAST if change[at] else min(before / (before - after), LAST)
    return at, fraction, int(held[at])


def _prices(closes: Sequence[Ints], views: Views) -> Ints:
    prices = np.empty(len(views), dtype=np.int64)
    for coin, close in enumerate(closes):
        mine = views.coin == coin
        prices[mine] = close[np.maximum(views.minute[mine] - 1, 0)]
    return prices
