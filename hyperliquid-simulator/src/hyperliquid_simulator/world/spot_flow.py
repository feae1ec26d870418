"""Who holds tokens at the start, and the orders with which they buy and sell them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import exp, sqrt
from random import Random
from typing import Final

from hyperliquid_simulator.accounts.account import Account
from hyperliquid_simulator.accounts.ledger import Ledger
from hyperliquid_simulator.accounts.population import Trader
from hyperliquid_simulator.accounts.styles import HABITS
from hyperliquid_simulator.coins.market import Market
from hyperliquid_simulator.coins.pairs import Listed, Outcome, Pair
from hyperliquid_simulator.past.past import Past
from hyperliquid_simulator.world.draws import one_of
from hyperliquid_simulator.world.flow import CURIOUS, TYPICAL_ORDER, Order

SHARE: Final = 0.12
"""Orders of pairs for every order of a perpetual."""

INTERESTED: Final = 0.4
"""Part of the accounts that trade on the spot side."""

SPOT_PART: Final = 0.2
"""Part of their capital, in dollars and as much in tokens, that they have there."""

MAKERS_DOLLARS: Final = 20_000_000.0
"""What every maker can give of every token."""

LARGEST_PART: Final = 0.2

EARLIER: Final = 20
"""Orders that everybody who trades a pair had in it before the start,"""

EARLIER_AT_MOST: Final = 2_000
"""and all of them together in a pair, so that large venues start soon."""


@dataclass(frozen=True, slots=True)
class Holder:
    """An account and the coins it trades on the spot side, by index."""

    trader: Trader
    coins: tuple[int, ...]


def opened(
    seed: int, past: Past, ledger: Ledger, coins: Sequence[Listed], marks: Sequence[int]
) -> "SpotFlow":
    """Draw who trades pairs, give them what they begin with, and return how they trade.

    ``marks`` are the prices when the history began.
    """
    pairs = {i: coin for i, coin in enumerate(coins) if isinstance(coin, Pair)}
    chosen = _holders(seed, past, list(pairs))
    random = Random(f"{seed}:balances")  # noqa: S311 - a simulation
    for maker in past.population.makers:
        for i, pair in pairs.items():
            _give(ledger.accounts[maker.index], pair, marks[i], MAKERS_DOLLARS, MAKERS_DOLLARS)
    for holder in chosen:
        part = SPOT_PART * holder.trader.capital / len(holder.coins)
        for i in holder.coins:
            account, tokens = ledger.accounts[holder.trader.index], random.random() * part
            _give(account, pairs[i], marks[i], part, tokens, paid=random.uniform(0.6, 1.1))
    return SpotFlow(chosen, pairs, coins, ledger, seed)


def _holders(seed: int, past: Past, pairs: Sequence[int]) -> list[Holder]:
    """Draw who trades pairs, and which: all pairs in turn, and at most two more."""
    random = Random(f"{seed}:holders")  # noqa: S311 - a simulation
    living = [t for t in past.population.traders if t.index not in past.deaths]
    busy = [t for t in living if HABITS[t.style].churns and random.random() < INTERESTED]
    return [
        Holder(trader, tuple({pairs[nth % len(pairs)], *random.choices(pairs, k=2)}))
        for nth, trader in enumerate(busy if pairs else ())
    ]


def _give(
    account: Account, pair: Pair, mark: int, dollars: float, tokens: float, paid: float = 1.0
) -> None:
    """Add dollars, and dollars' worth of tokens that once cost a multiple of it."""
    quote = 10**pair.quote.wei_decimals
    account.balance(pair.quote.index).units += int(dollars * quote)
    base = account.balance(pair.base.index)
    base.units += int(tokens * 10**pair.money_decimals / mark * pair.lot)
    base.cost += int(tokens * paid * quote)


class SpotFlow:
    """Decides the orders of pairs; the same seed and calls give the same orders."""

    def __init__(
        self,
        chosen: Sequence[Holder],
        pairs: dict[int, Pair],
        coins: Sequence[Listed],
        ledger: Ledger,
        seed: int,
    ) -> None:
        self.random = Random(f"{seed}:pairs")  # noqa: S311 - a simulation
        self._pairs, self._coins, self._seed = pairs, coins, seed
        self._ledger = ledger
        self._chosen = chosen
        self._active = {i: [holder.trader for holder in chosen if i in holder.coins] for i in pairs}
        self.refresh()

    @property
    def share(self) -> float:
        """Orders of pairs for every order of a perpetual."""
        return SHARE if self.trading else 0.0

    def list_pair(self, index: int, pair: Pair) -> None:
        """Let some of those who trade pairs trade a new one, of which they hold nothing yet."""
        some = [h.trader for h in self._chosen if self.random.random() < CURIOUS]
        self._pairs[index] = pair
        self._active[index] = some or [holder.trader for holder in self._chosen]
        self.refresh()

    def refresh(self) -> None:
        """See which pairs trade now."""
        self.trading = [
            i for i, some in self._active.items() if some and not self._coins[i].delisted
        ]
        self._weights = list(accumulate(self._coins[i].popularity for i in self.trading))

    def earlier(self, days: int) -> list[tuple[float, int]]:
        """Draw when spot pairs had orders in so many days: (days since the first, pair), in order.

        Questions are younger than that.
        """
        draw = Random(f"{self._seed}:earlier").random  # noqa: S311 - a simulation
        spot = [i for i in self.trading if not isinstance(self._pairs[i], Outcome)]
        many = {i: min(EARLIER * len(self._active[i]), EARLIER_AT_MOST) for i in spot}
        return sorted((draw() * days, i) for i in spot for _ in range(many[i]))

    def churn(self, market: Market) -> Order | None:
        """Return one order of somebody, None if it rounds to nothing."""
        return self.order(one_of(self.random, self.trading, self._weights), market)

    def order(self, coin: int, market: Market) -> Order | None:
        """Return an order of one pair; nobody wants to sell what it does not have."""
        pair, trader = self._pairs[coin], self.random.choice(self._active[coin])
        account, quote = self._ledger.accounts[trader.index], market.quotes[coin]
        wanted = TYPICAL_ORDER * sqrt(trader.capital / 1e5) * exp(self.random.gauss(0, 1))
        dollars = min(wanted, LARGEST_PART * SPOT_PART * trader.capital)
        lots = int(dollars * 10**pair.money_decimals / quote.mark)
        if self.random.random() < 0.5:  # noqa: PLR2004 - as often one as the other
            lots = min(lots, account.balance(pair.quote.index).units // (quote.ask + quote.step))
        else:
            lots = -min(lots, account.balance(pair.base.index).units // pair.lot)
        return Order(trader.index, coin, lots) if lots else None
