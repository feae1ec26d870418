"""How accounts margin their positions: leverage, cross or isolated; changes leave no trace but states."""

from collections.abc import Mapping
from random import Random
from typing import Final

from hyperliquid_simulator.accounts.account import Account
from hyperliquid_simulator.accounts.holdings import Position
from hyperliquid_simulator.accounts.margin import whole
from hyperliquid_simulator.accounts.population import Population, Trader
from hyperliquid_simulator.accounts.styles import RESTING, VAULTS
from hyperliquid_simulator.coins.catalogue import Perp
from hyperliquid_simulator.world.clearing import Clearing

LEVERAGES: Final = (1, 2, 3, 5, 10, 15, 20, 25, 40)
ISOLATED: Final = 0.06
"""Share of the positions that are isolated at the start."""

ROOM: Final = 1.1
"""Margin of such a position, in multiples of what its leverage asks for."""


def isolate_some(
    population: Population, coins: Mapping[int, Perp], clearing: Clearing, random: Random
) -> None:
    """Let some positions stand alone from the start, and all that have to.

    Who takes the other side of others' orders borrows nothing where it cannot be margined together.
    """
    alone = [coin for coin, perp in coins.items() if perp.only_isolated and not perp.delisted]
    for trader in population.traders:
        account, resting = clearing.ledger.accounts[trader.index], trader.style in RESTING
        for coin in alone if resting else ():
            account.positions.setdefault(coin, Position(isolated=True)).leverage = 1
        for coin, position in sorted(account.positions.items()):
            chosen = random.random() < ISOLATED and trader.style not in RESTING | VAULTS
            if position.lots and (chosen or coins[coin].only_isolated):
                most = 1 if resting else account.leverage
                leverage = min(most, coins[coin].max_leverage)
                worth = position.lots * clearing.marks[coin]
                position.isolated, position.leverage = True, leverage
                position.raw = round(ROOM * abs(worth) / leverage) - worth


class Modes:
    """Changes leverage and margin modes, as far as an account's money allows."""

    def __init__(self, coins: Mapping[int, Perp], clearing: Clearing, random: Random) -> None:
        self._coins = coins
        self._clearing = clearing
        self._random = random

    def change(self, trader: Trader) -> None:
        """Change how an account margins one of its coins."""
        account = self._clearing.ledger.accounts[trader.index]
        coin = self._random.choice(trader.coins)
        position = account.positions.setdefault(coin, Position())
        self._clearing.touched.add(account.index)
        if not position.lots:
            isolated = self._random.random() < ISOLATED
            position.isolated = isolated or self._coins[coin].only_isolated
            position.leverage = self._leverage(coin)
        elif position.isolated:
            self._adjust(account, coin, position)
        else:
            self._lever(account, coin, position)

    def _lever(self, account: Account, coin: int, position: Position) -> None:
        """Change the leverage of a cross position, unless its margin would be missing."""
        new, cap = self._leverage(coin), self._coins[coin].max_leverage
        now = min(position.leverage or account.leverage, cap)
        value = abs(position.lots) * self._clearing.marks[coin]
        if value // new - value // now <= self._free(account, coin):
            position.leverage = new

    def _adjust(self, account: Account, coin: int, position: Position) -> None:
        """Give an isolated position more margin, or take some that it does not need."""
        worth = position.lots * self._clearing.marks[coin]
        least = abs(worth) // (position.leverage or account.leverage)
        spare = position.raw + worth - least
        part = self._random.uniform(0.1, 0.5)
        if spare > 0 and self._random.random() < 0.5:  # noqa: PLR2004 - as often as not
            position.raw -= int(part * spare)
        else:
            position.raw += int(part * min(self._free(account, coin), least))

    def _free(self, account: Account, coin: int) -> int:
        """Return the money of the dex that backs nothing."""
        dex = self._coins[coin].dex
        return whole(account, self._coins, self._clearing.marks, dex).parts[0].withdrawable

    def _leverage(self, coin: int) -> int:
        cap = self._coins[coin].max_leverage
        return self._random.choice([leverage for leverage in LEVERAGES if leverage <= cap])
