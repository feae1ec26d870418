"""Who wants to trade now: small churn, TWAP slices, and planted traders turning together."""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import accumulate
from math import exp, sqrt
from random import Random
from typing import Final

from hyperliquid_simulator.catalogue import MAJORS, Coin
from hyperliquid_simulator.ledger import Ledger
from hyperliquid_simulator.market import Market
from hyperliquid_simulator.population import RESTING, Population, Style, Trader
from hyperliquid_simulator.wire import MICRO

TYPICAL_ORDER: Final = 2_500.0
"""Dollars in the median order of an account with 100,000 dollars."""

LARGEST_PART: Final = 0.04
TURN_SPREAD_MS: Final = 2_000.0
MAJORS_SHARE: Final = 0.85
TWAP_LOTS: Final = (6, 2279)
FIRST_TWAP: Final = 2_280_000


@dataclass(frozen=True, slots=True)
class Order:
    """A wish to trade at once: signed lots, and the TWAP it is a slice of, if any.

    ``turning`` marks a change of mind, filled by the account's own others instead of any makers.
    """

    account: int
    coin: int
    lots: int
    twap: int | None = None
    turning: bool = False


class Flow:
    """Decides the orders of every block; the same seed and calls give the same orders."""

    def __init__(
        self, population: Population, coins: Sequence[Coin], ledger: Ledger, seed: int
    ) -> None:
        self.random = Random(seed)  # noqa: S311 - a simulation
        self._coins = coins
        self._ledger = ledger
        self._population = population
        idle = RESTING | {Style.DORMANT}
        awake = [t for t in population.traders if t.style not in idle]
        self._active = [[t for t in awake if i in t.coins] for i in range(len(coins))]
        self._weights = [list(accumulate(t.tempo for t in some)) for some in self._active]
        self._share = list(
            accumulate(
                c.popularity * bool(some) for c, some in zip(coins, self._active, strict=True)
            )
        )
        self._targets = {
            (t.index, coin): ledger.accounts[t.index].lots(coin)
            for coin in range(len(coins))
            for t in population.planted(coin)
        }
        self._due: list[tuple[float, int, int, int]] = []

    @property
    def bitcoin_share(self) -> float:
        """Part of all orders that are in the first coin."""
        return self._share[0] / self._share[-1]

    def churn(self, market: Market) -> Order | None:
        """Return one small order of somebody, None if it rounds to nothing."""
        coin = self.random.choices(range(len(self._coins)), cum_weights=self._share)[0]
        trader = self.random.choices(self._active[coin], cum_weights=self._weights[coin])[0]
        mark = market.mark(coin)
        budget = trader.capital * trader.exposure
        wanted = TYPICAL_ORDER * sqrt(trader.capital / 1e5) * exp(self.random.gauss(0, 1))
        lots = int(min(wanted, LARGEST_PART * budget) * MICRO / mark)
        sign = self._side(trader, coin, budget * MICRO / mark, lots)
        return Order(trader.index, coin, sign * lots) if lots else None

    def anybody(self, coin: int) -> int:
        """Return an account that trades a coin, some maker if nobody else does."""
        return self.random.choice(self._active[coin] or self._population.makers).index

    def slices(self, expected: float) -> list[Order]:
        """Return the TWAP slices of the first coin that fire on this second."""
        count = _poisson(self.random, expected)
        takers = self.random.choices(self._active[0], k=count)
        return [
            Order(
                account=t.index,
                coin=0,
                lots=self.random.randint(*TWAP_LOTS) * self._side(t, 0, 1e18, 0),
                twap=FIRST_TWAP + t.index,
            )
            for t in takers
        ]

    def next_turn(self, directions: Sequence[int]) -> tuple[int, int] | None:
        """Choose a coin to turn and where to; the majors never come to agree all three."""
        majors = [i for i, coin in enumerate(self._coins) if coin.name in MAJORS]
        minors = [i for i in range(len(self._coins)) if i not in majors]
        allowed = [
            i for i in majors if any(directions[j] == directions[i] for j in majors if j != i)
        ]
        pool = allowed if not minors or self.random.random() < MAJORS_SHARE else minors
        if not pool:
            return None
        coin = self.random.choice(pool)
        return coin, -directions[coin]

    def turn(
        self, coin: int, direction: int, now_ms: float, *, market: Market, all_now: bool
    ) -> None:
        """Plan that the planted traders of a coin turn: all in the next block, or most within seconds."""
        for trader in self._population.planted(coin):
            follows = all_now or self.random.random() < trader.accuracy
            size = self._size(trader, coin, market)
            wait = 0.0 if all_now else self.random.uniform(0.0, TURN_SPREAD_MS)
            sign = direction if follows else -direction
            heappush(self._due, (now_ms + wait, trader.index, coin, sign * size))

    def due(self, now_ms: float) -> list[Order]:
        """Return the orders that carry out planned turns whose time has come."""
        orders = []
        while self._due and self._due[0][0] <= now_ms:
            _, account, coin, target = heappop(self._due)
            self._targets[account, coin] = target
            delta = target - self._ledger.accounts[account].lots(coin)
            if delta:
                orders.append(Order(account, coin, delta, turning=True))
        return orders

    def _size(self, trader: Trader, coin: int, market: Market) -> int:
        budget = trader.capital * trader.exposure * MICRO / market.mark(coin)
        return max(round(budget * self.random.uniform(0.6, 1.0)), 1)

    def _side(self, trader: Trader, coin: int, limit: float, lots: int) -> int:
        """Return +1 or -1: towards a planted target, else at random but away from extremes."""
        held = self._ledger.accounts[trader.index].lots(coin)
        target = self._targets.get((trader.index, coin))
        if target is not None and target and abs(held - target) > abs(target) // 10 + lots:
            return 1 if target > held else -1
        lean = 0.0 if target else 0.4 * held / max(limit, 1.0)
        return 1 if self.random.random() < min(max(0.5 - lean, 0.05), 0.95) else -1


def _poisson(random: Random, expected: float) -> int:
    """Draw how many of many rare things happen (Knuth); for small expectations."""
    limit, count, product = exp(-expected), 0, random.random()
    while product > limit:
        count += 1
        product *= random.random()
    return count


def arrivals(random: Random, expected: float) -> int:
    """Draw how many orders arrive in a block."""
    few = 30.0
    if expected < few:
        return _poisson(random, expected)
    return max(round(random.gauss(expected, sqrt(expected))), 0)
