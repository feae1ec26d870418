"""What positions need and what is left: margins by tier, and the price at which an account fails.

Amounts are whole micro-dollars. The venue cuts each position's margins off after six decimals
before it adds them up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import inf
from typing import Final

from hyperliquid_simulator.accounts.account import Account
from hyperliquid_simulator.accounts.holdings import Position
from hyperliquid_simulator.coins.catalogue import MARGIN_TIERS, Perp, Perps
from hyperliquid_simulator.coins.dexes import OWN
from hyperliquid_simulator.wire import MICRO

LEAST_TRANSFER_MARGIN: Final = 10
"""Money can leave only while a tenth of the cross positions' value stays."""


@dataclass(frozen=True, slots=True)
class Tier:
    """Positions worth ``least`` or more need value / (2 x leverage) - deduction to live."""

    least: int
    leverage: int
    deduction: int

    def maintenance(self, value: int) -> int:
        """Return what a position of this value needs if the tier applies to it."""
        return value // (2 * self.leverage) - self.deduction


@cache
def tiers(coin: Perp) -> tuple[Tier, ...]:
    """Return the margin tiers of a coin; what a position needs grows without a jump.

    Examples
    --------
    >>> from hyperliquid_simulator.coins.catalogue import COINS
    >>> [(t.leverage, t.deduction) for t in tiers(COINS[0])]
    [(40, 0), (20, 1875000000000)]
    """
    _, bounds = MARGIN_TIERS.get(coin.margin_table, ("", ((0, coin.max_leverage),)))
    found: list[Tier] = []
    for dollars, leverage in bounds:
        least = dollars * MICRO
        before = found[-1].maintenance(least) if found else 0
        found.append(Tier(least, leverage, least // (2 * leverage) - before))
    return tuple(found)


def tier(coin: Perp, value: int) -> Tier:
    """Return the margin tier that applies to a position of this value."""
    return next(found for found in reversed(tiers(coin)) if value >= found.least)


@dataclass(frozen=True, slots=True)
class Holding:
    """One open position valued at the mark."""

    index: int
    coin: Perp
    mark: int
    leverage: int
    position: Position

    @property
    def lots(self) -> int:
        """Signed size."""
        return self.position.lots

    @property
    def side(self) -> int:
        """+1 for a long, -1 for a short."""
        return 1 if self.position.lots > 0 else -1

    @property
    def worth(self) -> int:
        """Size at the mark, negative for a short."""
        return self.position.lots * self.mark

    @property
    def value(self) -> int:
        """Size at the mark, always positive."""
        return abs(self.position.lots) * self.mark

    @property
    def profit(self) -> int:
        """Unrealised profit."""
        return self.worth - self.position.cost

    @property
    def margin(self) -> int:
        """Margin in use: all that an isolated position has."""
        if self.position.isolated:
            return self.position.raw + self.worth
        return self.value // self.leverage

    @property
    def maintenance(self) -> int:
        """Margin below which the venue liquidates."""
        return tier(self.coin, self.value).maintenance(self.value)


@dataclass(frozen=True, slots=True)
class Pool:
    """Positions and the cash behind them; see `whole` and `Pool.parts` for which belong together.

    The ``backing`` of a unified account stands behind its cross positions without being in the pool.
    """

    cash: int
    holdings: tuple[Holding, ...]
    backing: int = 0

    @property
    def spare(self) -> int:
        """What can be lost until the venue liquidates; negative if it does already."""
        return self.value + self.backing - self.maintenance

    @property
    def value(self) -> int:
        """What the positions and the cash are worth together."""
        return self.cash + sum(held.worth for held in self.holdings)

    @property
    def notional(self) -> int:
        """Value of the positions, whichever their side."""
        return sum(held.value for held in self.holdings)

    @property
    def margin(self) -> int:
        """Margin in use."""
        return sum(held.margin for held in self.holdings)

    @property
    def maintenance(self) -> int:
        """Value below which the venue liquidates."""
        return sum(held.maintenance for held in self.holdings)

    @property
    def withdrawable(self) -> int:
        """What can be taken out of a cross pool."""
        least = sum(held.value // LEAST_TRANSFER_MARGIN for held in self.holdings)
        return max(self.value - max(self.margin, least), 0)

    @property
    def parts(self) -> tuple["Pool", ...]:
        """What stands and falls together: all cross positions, and each isolated one by itself."""
        apart = [held for held in self.holdings if held.position.isolated]
        cross = tuple(held for held in self.holdings if not held.position.isolated)
        cash = self.cash - sum(held.position.raw for held in apart)
        return (
            Pool(cash, cross, self.backing),
            *(Pool(held.position.raw, (held,)) for held in apart),
        )

    def liquidation_price(self, held: Holding) -> float | None:
        """Return the mark in ticks at which the pool fails, None where no price does that.

        Of the margin tiers the one counts that applies at that price.
        """
        spare = self.spare + held.maintenance
        found = tiers(held.coin)
        ends = [*(each.least for each in found[1:]), inf]
        for each, end in zip(found, ends, strict=True):
            left = spare - each.maintenance(held.value)
            room = left / abs(held.lots) / (1 - held.side / (2 * each.leverage))
            price = held.mark - held.side * room
            if price > 0 and each.least <= price * abs(held.lots) < end:
                return price
        return None


def whole(account: Account | None, coins: Perps, marks: Sequence[int], dex: str) -> Pool:
    """Return everything an account has on a perp dex, coins in the venue's order."""
    if account is None:
        return Pool(0, ())
    pocket = account.pockets.get(dex)
    held = tuple(
        Holding(
            index=coin,
            coin=coins[coin],
            mark=marks[coin],
            leverage=min(position.leverage or account.leverage, coins[coin].max_leverage),
            position=position,
        )
        for coin, position in sorted(account.positions.items())
        if position.lots and coins[coin].dex == dex
    )
    return Pool(pocket.cash if pocket else 0, held, account.backing if dex == OWN else 0)
