"""Money into vaults and out of them, at what their shares are worth."""

from collections.abc import Mapping
from random import Random
from typing import Final

from hyperliquid_simulator.accounts.margin import whole
from hyperliquid_simulator.accounts.movements import Kind
from hyperliquid_simulator.accounts.population import Population, Trader
from hyperliquid_simulator.accounts.stakes import COMMISSION, Stake, stakes
from hyperliquid_simulator.coins.catalogue import Perp
from hyperliquid_simulator.wire import dollars
from hyperliquid_simulator.world.clearing import Clearing

DISTRIBUTED: Final = 0.01
"""Part of its free money that a vault gives its followers at a time."""


class Funds:
    """The vaults and their followers."""

    def __init__(
        self, coins: Mapping[int, Perp], population: Population, clearing: Clearing, random: Random
    ) -> None:
        self._coins = coins
        self._population = population
        self._clearing = clearing
        self._random = random

    def join(self, account: int, usd: int) -> None:
        """Let an account buy shares of some vault."""
        vault = self._random.choice(self._population.vaults)
        worth, total = self._worth(vault), _total(self._stakes(vault))
        if usd > 0 and worth > 0:
            bought = {"shares": usd * total // worth}
            self._clearing.move(Kind.VAULT_DEPOSIT, account, vault.index, usd, details=bought)

    def leave(self) -> None:
        """Let a follower sell shares of some vault; its leader gets a part of the profit.

        The leader never sells all of his own.
        """
        vault = self._random.choice(self._population.vaults)
        owned = self._stakes(vault)
        leader = self._population.leader(vault).index
        who = self._random.choice(list(owned))
        part = self._random.uniform(0.2, 0.5 if who == leader else 1.0)
        sold = max(round(part * owned[who].shares), 1)
        worth = self._worth(vault) * sold // _total(owned)
        basis = owned[who].basis * sold // owned[who].shares
        commission = 0 if who == leader else int(COMMISSION * max(worth - basis, 0))
        if not 0 < worth <= self._free(vault):
            return
        details = {
            "shares": sold,
            "requestedUsd": dollars(worth),
            "commission": dollars(commission),
            "closingCost": "0.0",
            "basis": dollars(basis),
        }
        parties = (vault.index, who)
        self._clearing.move(Kind.VAULT_WITHDRAW, *parties, worth - commission, details=details)
        if commission:
            self._clearing.move(Kind.VAULT_LEADER_COMMISSION, vault.index, leader, commission)

    def distribute(self) -> None:
        """Let a vault give all its followers their part of some money."""
        vault = self._random.choice(self._population.vaults)
        owned = self._stakes(vault)
        given, total = int(DISTRIBUTED * self._free(vault)), _total(owned)
        for who, stake in owned.items():
            usd = given * stake.shares // total
            if usd:
                self._clearing.move(Kind.VAULT_DISTRIBUTION, vault.index, who, usd)

    def _stakes(self, vault: Trader) -> dict[int, Stake]:
        return stakes(vault.index, self._clearing.cashbook.of(vault.index))

    def _worth(self, vault: Trader) -> int:
        """Return what a vault and its children are worth."""
        members = (vault, *self._population.children(vault))
        accounts = [self._clearing.ledger.accounts[member.index] for member in members]
        return sum(account.equity(self._clearing.marks) for account in accounts)

    def _free(self, vault: Trader) -> int:
        account = self._clearing.ledger.accounts[vault.index]
        return whole(account, self._coins, self._clearing.marks, "").parts[0].withdrawable


def _total(owned: dict[int, Stake]) -> int:
    return sum(stake.shares for stake in owned.values())
