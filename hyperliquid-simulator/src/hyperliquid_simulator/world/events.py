"""What happens to accounts besides their own trades: by itself, block by block, and on command."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from math import inf
from random import Random
from typing import Final

from hyperliquid_simulator.accounts.account import Account
from hyperliquid_simulator.accounts.margin import Holding
from hyperliquid_simulator.accounts.population import Population
from hyperliquid_simulator.accounts.trades import Cause
from hyperliquid_simulator.coins.catalogue import Perp
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.errors import ConfigError
from hyperliquid_simulator.world.clearing import Clearing
from hyperliquid_simulator.world.flow import Order
from hyperliquid_simulator.world.liquidation import Liquidations
from hyperliquid_simulator.world.treasury import Treasury

HOUR_MS: Final = 3_600_000
UNWINDING_MS: Final = 10_000
MOVED_PART: Final = 4
"""What a vault gives a child that holds nothing to net: one part in so many."""

NETTED: Final = Cause(hidden=True, direction="Net Child Vaults")


class Method(StrEnum):
    """How an account is liquidated."""

    MARKET = "market"
    BACKSTOP = "backstop"
    DELEVERAGING = "deleveraging"


class Hidden(StrEnum):
    """Ways in which a position changes without a public trade."""

    BACKSTOP = "backstop"
    DELEVERAGING = "deleveraging"
    NETTING = "netting"


class Events:
    """Liquidations, hidden changes of positions, money; commands wait for the next block."""

    def __init__(
        self,
        config: Config,
        coins: Mapping[int, Perp],
        population: Population,
        clearing: Clearing,
        start_ms: int,
    ) -> None:
        self.clearing = clearing
        self._ledger = clearing.ledger
        self._population = population
        self._liquidations = Liquidations(config, coins, population, clearing)
        self._treasury = Treasury(config, coins, population, clearing, start_ms)
        self._random = Random(f"{config.seed}:events")  # noqa: S311 - a simulation
        self._pace = config.nettings_per_hour / HOUR_MS
        self._netting_ms = start_ms + self._wait()
        self._unwinding_ms = start_ms + UNWINDING_MS
        self._commands: list[Callable[[], list[Order]]] = []

    def prepare(self) -> None:
        """Do before the first block what it need not do: accounts are as they begin."""
        self._liquidations.prepare()

    def step(self, *, natural: bool) -> list[Order]:
        """Carry out the commands since the last block, and let happen what happens by itself.

        Returns orders for the market, in order of their transactions.
        """
        waiting, self._commands = self._commands, []
        orders = [order for command in waiting for order in command()]
        return orders + self._natural() if natural else orders

    def _natural(self) -> list[Order]:
        orders, now = self._liquidations.step(), self.clearing.time
        self._treasury.step()
        if now >= self._unwinding_ms:
            self._unwinding_ms = now + UNWINDING_MS
            orders += self._liquidations.unwind()
        if now >= self._netting_ms:
            self._net_something()
            self._netting_ms = now + self._wait()
        return orders

    def _wait(self) -> float:
        """Return after how long the vault nets again."""
        return self._random.expovariate(self._pace) if self._pace else inf

    # ── Commands ─────────────────────────────────────────────────────────────────────────────

    def liquidate(self, account: Account, method: Method) -> None:
        """Liquidate everything an account holds in the next block, whether it failed or not."""
        if self._position(account, None) is None:
            raise ConfigError("the account holds nothing that could be liquidated.")
        self._commands.append(lambda: self._liquidated(account, method))

    def hide(self, account: Account, kind: Hidden, coin: int | None = None) -> None:
        """Change one position in the next block without a public trade: the largest or in a coin.

        Raises
        ------
        ConfigError
            If the account has no such position, is the liquidator that should take it over, or no
            vault whose positions could be netted.
        """
        if self._position(account, coin) is None:
            raise ConfigError("the account holds no such position.")
        if kind is Hidden.BACKSTOP and account.index == self._population.liquidator.index:
            raise ConfigError("the liquidator takes nothing over from itself.")
        if kind is Hidden.NETTING and not self._children(account):
            raise ConfigError("only positions of a vault with children are netted.")
        self._commands.append(lambda: self._hidden(account, kind, coin))

    def _liquidated(self, account: Account, method: Method) -> list[Order]:
        orders = []
        for dex, pool in self._liquidations.pools(account):
            if not pool.holdings:
                continue
            if method is Method.MARKET:
                orders += self._liquidations.sell(account, pool)
            elif method is Method.BACKSTOP:
                self._liquidations.take_over(account, dex, pool)
            else:
                self._liquidations.deleverage(account, pool)
        return orders

    def _hidden(self, account: Account, kind: Hidden, coin: int | None) -> list[Order]:
        held = self._position(account, coin)
        if held is None:
            return []
        if kind is Hidden.BACKSTOP:
            self._liquidations.take(account, held)
        elif kind is Hidden.DELEVERAGING:
            self._liquidations.close(account, held, held.mark)
        else:
            self._net(account, self._random.choice(self._children(account)), held.index)
        return []

    def _position(self, account: Account, coin: int | None) -> Holding | None:
        """Return the account's position in a coin, or its largest; None if it has none."""
        found = [
            held
            for _, pool in self._liquidations.pools(account)
            for held in pool.holdings
            if coin in {None, held.index}
        ]
        return max(found, key=lambda held: held.value, default=None)

    # ── Netting ──────────────────────────────────────────────────────────────────────────────

    def _net_something(self) -> None:
        """Net a vault with one of its children in one coin."""
        vault = self._ledger.accounts[self._population.vaults[0].index]
        child = self._random.choice(self._children(vault))
        held = [coin for coin, position in vault.positions.items() if position.lots]
        if held:
            self._net(vault, child, self._random.choice(held))

    def _net(self, vault: Account, child: Account, coin: int) -> None:
        """Let opposite positions of vault and child cancel out, else part the vault's."""
        lots, others = vault.lots(coin), child.lots(coin)
        size = min(abs(lots), abs(others)) if lots * others < 0 else -(-abs(lots) // MOVED_PART)
        if size:
            parties = (vault.index, child.index)
            given = size if lots > 0 else -size
            mark = self.clearing.marks[coin]
            self.clearing.hand_over(coin, given, mark, parties, NETTED)

    def _children(self, vault: Account) -> list[Account]:
        trader = self._population.traders[vault.index]
        return [self._ledger.accounts[t.index] for t in self._population.children(trader)]
