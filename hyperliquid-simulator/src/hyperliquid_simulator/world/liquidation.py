"""What the venue does with accounts whose value fell below what their positions need.

It sends market orders while the account's value is more than two thirds of that. Else, or if the
book is too thin, the liquidator takes positions and margin over; and what the liquidator cannot
take is closed against those who won most on the other side, at the price at which the account is
worth nothing. Neither of the latter is a public trade.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Final

from hyperliquid_simulator.accounts.account import Account
from hyperliquid_simulator.accounts.margin import Holding, Pool, whole
from hyperliquid_simulator.accounts.movements import Kind, Movement, liquidation_details
from hyperliquid_simulator.accounts.population import Population
from hyperliquid_simulator.accounts.trades import Cause, Liquidated
from hyperliquid_simulator.accounts.watch import Watch
from hyperliquid_simulator.coins.catalogue import Perp, grid_step
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.wire import MICRO
from hyperliquid_simulator.world.clearing import Clearing
from hyperliquid_simulator.world.flow import Order

LARGE: Final = 100_000 * MICRO
"""Of a larger position only a fifth is sold at first."""

FIRST_PART: Final = 5
COOLDOWN_MS: Final = 30_000
"""After such a part everything that still has to go goes whole."""

UNWOUND: Final = 10
"""Of what the liquidator took over it sells one part in so many at a time."""

SPARE: Final = 2
"""The liquidator must keep that many times what its positions need."""


class Liquidations:
    """Judges accounts block by block."""

    def __init__(
        self,
        config: Config,
        coins: Mapping[int, Perp],
        population: Population,
        clearing: Clearing,
    ) -> None:
        self._ledger = clearing.ledger
        self._coins = coins
        self._addresses = [trader.address for trader in population.traders]
        self._liquidator = population.liquidator
        self._clearing = clearing
        self._watch = Watch(clearing.ledger.accounts, coins)
        self._random = Random(f"{config.seed}:liquidations")  # noqa: S311 - a simulation
        self._thin = config.thin_book
        self._cooling: dict[int, int] = {}
        self._count = 0

    def prepare(self) -> None:
        """Look at everybody before the first block, which would be long otherwise; who failed stays due."""
        marks = self._clearing.marks
        self._watch.follow(marks)
        self._watch.critical(marks)

    def step(self) -> list[Order]:
        """Liquidate whom the prices of this block ruin; returns the orders for the market."""
        marks = self._clearing.marks
        self._watch.follow(marks)
        self._watch.look_at(self._clearing.touched)
        self._clearing.touched.clear()
        orders: list[Order] = []
        for account in self._watch.critical(marks):
            for dex, pool in self.pools(account):
                if pool.spare < 0:
                    orders += self._liquidate(account, dex, pool)
        return orders

    def pools(self, account: Account) -> list[tuple[str, Pool]]:
        """Return every dex of an account with the pools it has there."""
        marks = self._clearing.marks
        return [
            (dex, pool)
            for dex in account.pockets
            for pool in whole(account, self._coins, marks, dex).parts
        ]

    def _liquidate(self, account: Account, dex: str, pool: Pool) -> list[Order]:
        if pool.backing:
            self._clearing.change_side(account.index, pool.backing, to_perp=True)
            pool = replace(pool, cash=pool.cash + pool.backing, backing=0)
        if not pool.holdings:
            self._clearing.seize(dex, pool.value, account.index, self._liquidator.index)
            return []
        lost = 3 * pool.value < 2 * pool.maintenance
        if lost or self._random.random() < self._thin:
            self.take_over(account, dex, pool)
            return []
        return self.sell(account, pool, part=self._part(account))

    def _part(self, account: Account) -> int:
        """Return which part of a large position goes first: all if one went a moment ago."""
        now = self._clearing.time
        if self._cooling.get(account.index, 0) > now:
            return 1
        self._cooling[account.index] = now + COOLDOWN_MS
        return FIRST_PART

    # ── At the market ────────────────────────────────────────────────────────────────────────

    def sell(self, account: Account, pool: Pool, *, part: int = 1) -> list[Order]:
        """Return market orders that close the positions of a pool, large ones in part."""
        closed = [
            (held, held.lots if held.value <= LARGE else held.lots // part)
            for held in pool.holdings
        ]
        hashes = [self._clearing.hash() for _ in closed]
        self._enter(account, pool, closed, hashes[0])
        return [
            Order(
                account.index,
                held.index,
                -lots,
                cause=Cause(liquidated=self._liquidated(account, held, "market")),
                hash=name,
            )
            for (held, lots), name in zip(closed, hashes, strict=True)
        ]

    # ── Beside the market ────────────────────────────────────────────────────────────────────

    def take_over(self, account: Account, dex: str, pool: Pool) -> None:
        """Let the liquidator have the positions and the margin of a pool, if it can bear them."""
        if not self._can_take(account, dex, pool):
            self.deleverage(account, pool)
            return
        left = pool.value
        self._enter(account, pool, [(held, held.lots) for held in pool.holdings])
        for held in pool.holdings:
            self.take(account, held)
        self._clearing.seize(dex, left, account.index, self._liquidator.index)

    def deleverage(self, account: Account, pool: Pool) -> None:
        """Close a pool against who won most on the other sides.

        A pool that is worth less than nothing is closed at prices that leave nothing missing.
        """
        self._enter(account, pool, [(held, held.lots) for held in pool.holdings])
        prices = [closing_price(held, pool) for held in pool.holdings]
        for held, ticks in zip(pool.holdings, prices, strict=True):
            self.close(account, held, ticks)

    def take(self, account: Account, held: Holding) -> None:
        """Let the liquidator have one position at the mark."""
        why = Cause(hidden=True, liquidated=self._liquidated(account, held, "backstop"))
        parties = (account.index, self._liquidator.index)
        self._clearing.hand_over(held.index, held.lots, held.mark, parties, why)

    def close(self, account: Account, held: Holding, ticks: int) -> None:
        """Close one position at a price against who won most on the other side."""
        why = Cause(
            hidden=True,
            direction="Auto-Deleveraging",
            liquidated=self._liquidated(account, held, "backstop"),
        )
        for other, part in self._winners(account, held):
            self._clearing.hand_over(held.index, part, ticks, (account.index, other), why)

    def _can_take(self, account: Account, dex: str, pool: Pool) -> bool:
        liquidator = self._ledger.accounts[self._liquidator.index]
        if account is liquidator or pool.value < 0:
            return False
        own = whole(liquidator, self._coins, self._clearing.marks, dex)
        return own.value + pool.value >= SPARE * (own.maintenance + pool.maintenance)

    def _winners(self, account: Account, held: Holding) -> list[tuple[int, int]]:
        """Return who takes which part of a holding's lots: those with the opposite position."""
        lots = held.lots
        opposite = [
            (_won(other, held), other.index, other.lots(held.index))
            for other in self._ledger.accounts
            if other is not account and other.lots(held.index) * lots < 0
        ]
        found = []
        for _, other, theirs in sorted(opposite, reverse=True):
            part = max(lots, -abs(theirs)) if lots < 0 else min(lots, abs(theirs))
            found.append((other, part))
            lots -= part
            if not lots:
                break
        return found

    def unwind(self) -> list[Order]:
        """Return market orders that rid the liquidator of a part of what it took over."""
        liquidator = self._ledger.accounts[self._liquidator.index]
        parts = {coin: -(-abs(p.lots) // UNWOUND) for coin, p in liquidator.positions.items()}
        return [
            Order(liquidator.index, coin, -lots if liquidator.lots(coin) > 0 else lots)
            for coin, lots in parts.items()
            if lots
        ]

    # ── What it is called ────────────────────────────────────────────────────────────────────

    def _liquidated(self, account: Account, held: Holding, method: str) -> Liquidated:
        return Liquidated(self._addresses[account.index], held.mark, method)

    def _enter(
        self,
        account: Account,
        pool: Pool,
        closed: Sequence[tuple[Holding, int]],
        name: str | None = None,
    ) -> None:
        """Enter a liquidation into the account's ledger."""
        self._count += 1
        details = liquidation_details(
            pool.value,
            [(held.coin, lots, held.mark) for held, lots in closed],
            isolated=any(held.position.isolated for held, _ in closed),
        )
        details |= {
            "lid": self._count,
            "liquidator": self._liquidator.address,
            "liquidated_user": self._addresses[account.index],
        }
        self._clearing.enter(
            Movement(
                Kind.LIQUIDATION,
                self._clearing.time,
                name or self._clearing.hash(),
                None,
                account.index,
                0,
                details=details,
            )
        )


def closing_price(held: Holding, pool: Pool) -> int:
    """Return the mark, or the price beyond it at which nothing is missing in a pool, in ticks.

    What is missing is shared among the positions by value, and prices stay on the venue's grid.
    """
    missing = max(-pool.value, 0)
    if not missing:
        return held.mark
    decimals = held.coin.price_decimals
    away = -(-held.mark * missing // pool.notional)
    ticks = held.mark + held.side * away
    step = grid_step(ticks, decimals)
    return -(-ticks // step) * step if held.side > 0 else max(ticks // step * step, 1)


def _won(account: Account, held: Holding) -> float:
    """Return how an account stands in the queue of who is deleveraged: profit times leverage."""
    position = account.positions[held.index]
    profit = position.lots * held.mark - position.cost
    return profit / max(abs(position.cost), 1) * (position.leverage or account.leverage)
