"""Money that moves without a trade while the venue runs: some account, now and then."""

from collections.abc import Callable, Mapping
from math import exp, inf
from random import Random
from typing import Final

from hyperliquid_simulator.accounts.account import Account
from hyperliquid_simulator.accounts.margin import whole
from hyperliquid_simulator.accounts.movements import Kind
from hyperliquid_simulator.accounts.population import Population, Trader
from hyperliquid_simulator.coins.catalogue import Perp
from hyperliquid_simulator.coins.dexes import DEXES, OWN
from hyperliquid_simulator.coins.market import DAY_MS
from hyperliquid_simulator.coins.tokens import TOKENS, UNITS, USDC
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.past.past import block_height
from hyperliquid_simulator.past.past_movements import FEE, IDLE, LARGEST_PART, ROUND, SMALLEST
from hyperliquid_simulator.wire import MICRO
from hyperliquid_simulator.world.clearing import Clearing
from hyperliquid_simulator.world.funds import Funds
from hyperliquid_simulator.world.modes import Modes, isolate_some

DEX_BY_NAME: Final = {dex.name: dex for dex in DEXES}
UNIFIED_PART: Final = 0.6
"""Part of its free money that a unified account keeps as spot dollars."""


class Treasury:
    """Decides who moves money, and moves it; also who margins positions otherwise."""

    def __init__(
        self,
        config: Config,
        coins: Mapping[int, Perp],
        population: Population,
        clearing: Clearing,
        start_ms: int,
    ) -> None:
        self._coins = coins
        self._population = population
        self._clearing = clearing
        self._random = Random(f"{config.seed}:treasury")  # noqa: S311 - a simulation
        self.funds = Funds(coins, population, clearing, self._random)
        self.modes = Modes(coins, clearing, self._random)
        self._able = [t for t in population.traders if t.style not in IDLE]
        self._pace = config.movements_per_day * len(self._able) / DAY_MS
        self._due = start_ms + self._wait()
        clearing.begin(start_ms, block_height(start_ms))
        isolate_some(population, coins, clearing, self._random)
        for trader in self._able:
            if trader.abstraction == "unifiedAccount":
                self._unify(trader)

    def step(self) -> None:
        """Move whatever is due."""
        while self._clearing.time >= self._due:
            self._due += self._wait()
            (act,) = self._random.choices(list(ACTS), list(ACTS.values()))
            act(self, self._random.choice(self._able))

    def deposit(self, trader: Trader) -> None:
        """Let money come from outside."""
        usd = self._sum(round(trader.capital * MICRO))
        if usd:
            self._clearing.move(Kind.DEPOSIT, None, trader.index, usd)

    def withdraw(self, trader: Trader) -> None:
        """Let money leave, as far as it is free."""
        usd = self._sum(self.free(trader))
        if usd:
            self._clearing.move(Kind.WITHDRAW, trader.index, None, usd - FEE, fee=FEE)

    def transfer(self, trader: Trader) -> None:
        """Send money to somebody else, for a fee."""
        other, usd = self._random.choice(self._able), self._sum(self.free(trader))
        if usd and other is not trader:
            parties = (trader.index, other.index)
            self._clearing.move(Kind.INTERNAL_TRANSFER, *parties, usd - FEE, fee=FEE)

    def share(self, trader: Trader) -> None:
        """Send money to a sub-account, or from one to its master."""
        family = [*self._population.sub_accounts(trader.index)]
        if trader.master is not None:
            family.append(self._population.traders[trader.master])
        usd = self._sum(self.free(trader))
        if usd and family:
            other = self._random.choice(family)
            self._clearing.move(Kind.SUB_ACCOUNT_TRANSFER, trader.index, other.index, usd)

    def claim(self, trader: Trader) -> None:
        """Pay somebody a reward."""
        usd = self._sum(round(trader.capital * MICRO / 20))
        if usd:
            self._clearing.move(Kind.REWARDS_CLAIM, None, trader.index, usd)

    def invest(self, trader: Trader) -> None:
        """Pay into a vault."""
        self.funds.join(trader.index, self._sum(self.free(trader)))

    def change_side(self, trader: Trader) -> None:
        """Move money between the perp side and the spot side; unified accounts have but one."""
        account = self._account(trader)
        spot = account.balance(USDC.index).units // UNITS
        to_perp = self._random.random() < 0.5  # noqa: PLR2004 - as often one as the other
        usd = self._sum(spot if to_perp else self.free(trader))
        if usd and not account.unified:
            self._clearing.change_side(trader.index, usd, to_perp=to_perp)

    def send(self, trader: Trader) -> None:
        """Send collateral to a builder's dex whose coins the account trades, or back."""
        there = [DEX_BY_NAME[dex] for dex in self._account(trader).pockets if dex != OWN]
        taken = [dex for dex in there if dex.collateral is USDC]
        if not taken:
            return
        ways = [(DEX_BY_NAME[OWN], taken[0]), (taken[0], DEX_BY_NAME[OWN])]
        source, destination = self._random.choice(ways)
        usd = self._sum(self.free(trader, source.name))
        if usd:
            self._clearing.send(trader.index, usd, source, destination)

    def give_tokens(self, trader: Trader) -> None:
        """Send spot tokens to somebody else, worth about a hundredth of the capital."""
        balances = self._account(trader).balances
        held = [token for token, balance in balances.items() if balance.units and token in TOKENS]
        other = self._random.choice(self._able)
        if not held or other is trader:
            return
        token = TOKENS[self._random.choice(held)]
        balance = balances[token.index]
        units = max(balance.units // 20, 1)
        usd = units // UNITS if token is USDC else balance.cost * units // balance.units // UNITS
        self._clearing.give_tokens(trader.index, other.index, token, units, usd)

    def _unify(self, trader: Trader) -> None:
        """Let spot dollars back an account's positions, and keep most of its dollars there."""
        self._account(trader).unified = True
        usd = int(UNIFIED_PART * self.free(trader))
        if usd:
            self._clearing.change_side(trader.index, usd, to_perp=False)

    def free(self, trader: Trader, dex: str = OWN) -> int:
        """Return the money that an account can take out of a dex."""
        account = self._account(trader)
        return whole(account, self._coins, self._clearing.marks, dex).parts[0].withdrawable

    def _account(self, trader: Trader) -> Account:
        return self._clearing.ledger.accounts[trader.index]

    def _sum(self, most: int) -> int:
        """Return a sum that suits somebody who has so much; 0 if that is too little."""
        part = min(exp(self._random.gauss(-2.0, 0.8)), LARGEST_PART)
        usd = int(part * most)
        if usd > ROUND and self._random.random() < 0.5:  # noqa: PLR2004 - half of them
            usd = usd // ROUND * ROUND
        return usd if usd >= SMALLEST else 0

    def _wait(self) -> float:
        return self._random.expovariate(self._pace) if self._pace else inf


ACTS: Final[Mapping[Callable[[Treasury, Trader], None], float]] = {
    Treasury.deposit: 0.25,
    Treasury.withdraw: 0.2,
    Treasury.transfer: 0.08,
    Treasury.share: 0.1,
    Treasury.claim: 0.02,
    Treasury.change_side: 0.1,
    Treasury.send: 0.05,
    Treasury.give_tokens: 0.03,
    Treasury.invest: 0.05,
    lambda treasury, _: treasury.funds.leave(): 0.04,
    lambda treasury, _: treasury.funds.distribute(): 0.01,
    lambda treasury, trader: treasury.modes.change(trader): 0.25,
}
"""What an account or somebody else may do next, and how often of all times."""
