"""Coins that come and go while the venue runs."""

from typing import Any, Final

from hyperliquid_simulator.accounts.ledger import Ledger
from hyperliquid_simulator.coins.catalogue import COINS, Perp
from hyperliquid_simulator.coins.dexes import BUILDER_COINS, OWN
from hyperliquid_simulator.coins.funding import LiveFunding
from hyperliquid_simulator.coins.market import Market
from hyperliquid_simulator.coins.pairs import Listed, Outcome, Pair
from hyperliquid_simulator.errors import ConfigError
from hyperliquid_simulator.world.board import Board
from hyperliquid_simulator.world.clearing import Clearing
from hyperliquid_simulator.world.flow import Flow
from hyperliquid_simulator.world.questions import Questions

KNOWN: Final = {coin.name: coin for coin in (*COINS, *BUILDER_COINS)}
LARGEST_SIZE_DECIMALS: Final = 5
LARGEST_LEVERAGE: Final = 50
PRICES: Final = (1e-4, 1e6)
NEW_VOLATILITY: Final = 1.2
NEW_POPULARITY: Final = 2.0


class Listings:
    """Lists new perpetuals and questions; settles and delists coins whose end was asked for or came."""

    def __init__(
        self,
        board: Board,
        market: Market,
        ledger: Ledger,
        funding: LiveFunding,
        flow: Flow,
        questions: Questions,
    ) -> None:
        self._board = board
        self._market = market
        self._ledger = ledger
        self._funding = funding
        self._flow = flow
        self._questions = questions
        self._ending: list[int] = []

    def add(self, coin: Perp, time: int) -> int:
        """List a coin nobody holds; returns its index.

        Raises
        ------
        ConfigError
            If there is such a coin already, or no such dex.
        """
        self.check(coin)
        index = self._added(coin, time)
        self._flow.list_coin(index, coin)
        return index

    def check(self, coin: Perp) -> None:
        """Raise ConfigError if there is such a coin already, or no such dex."""
        if coin.name in self._board.index:
            raise ConfigError(f"{coin.name} is listed already; a delisted coin does not come back.")
        if all(dex.name != coin.dex for dex in self._board.dexes):
            raise ConfigError(f"there is no dex {coin.dex!r} that could list {coin.name}.")

    def unlisted(self) -> list[str]:
        """Return the known coins that this venue could list."""
        dexes = {dex.name for dex in self._board.dexes}
        index = self._board.index
        return [c.name for c in KNOWN.values() if c.name not in index and c.dex in dexes]

    def end(self, coin: int) -> None:
        """Delist a coin in the next block, with an outcome coin the other side of its question.

        Raises
        ------
        ConfigError
            If it is delisted already or a spot pair, which is nothing that could be settled.
        """
        listed = self._board.coins[coin]
        if listed.delisted or coin in self._ending:
            raise ConfigError(f"{listed.name} is delisted already.")
        if isinstance(listed, Pair) and not isinstance(listed, Outcome):
            raise ConfigError(f"{listed.name} is a spot pair: there is nothing to settle.")
        self._ending += self._board.together(coin)

    def step(self, clearing: Clearing) -> None:
        """Settle what ends in this block at the last oracle price, and let it trade no more.

        Where a question ended the next one about the same perpetual is opened.
        """
        ending, self._ending = [*self._ending, *self._board.ended(clearing.time)], []
        for coin in ending:
            clearing.settle(coin, self._settlement(coin))
            self._board.delist(coin)
            self._market.rest(coin)
            self._flow.delist(coin)
        if ending:
            self._questions.close(ending)
            self._funding.refresh()
        for sides in self._questions.next(ending, clearing.time):
            self._questions.open([self._added(side, clearing.time) for side in sides], clearing)

    def _added(self, coin: Listed, time: int) -> int:
        """List any coin; returns its index."""
        index = self._board.add(coin, time)
        self._market.add(coin)
        self._ledger.open_interest.append(0)
        self._funding.refresh()
        return index

    def _settlement(self, coin: int) -> int:
        listed = self._board.coins[coin]
        if isinstance(listed, Outcome) and listed.follows is not None:
            leader = self._board.index[listed.follows]
            return listed.worth(self._board.perps[leader], self._market.mark(leader))
        return self._market.quotes[coin].oracle


def candidate(body: dict[str, Any]) -> Perp:
    """Read a perpetual to list: one that is known by its name, or a new one with a price.

    Raises
    ------
    ConfigError
        If something is missing or cannot be.
    """
    name, price = body.get("coin"), body.get("price")
    if not isinstance(name, str) or not name:
        raise ConfigError("list needs the name of a 'coin'.")
    if price is None and name in KNOWN:
        return KNOWN[name]
    if not isinstance(price, int | float) or not PRICES[0] <= price <= PRICES[1]:
        raise ConfigError(f"{name} is not known; to list it give its 'price' in dollars.")
    size, leverage = body.get("sizeDecimals", 1), body.get("maxLeverage", 3)
    if not isinstance(size, int) or not 0 <= size <= LARGEST_SIZE_DECIMALS:
        raise ConfigError(f"'sizeDecimals' must be 0 to {LARGEST_SIZE_DECIMALS}.")
    if not isinstance(leverage, int) or not 1 <= leverage <= LARGEST_LEVERAGE:
        raise ConfigError(f"'maxLeverage' must be 1 to {LARGEST_LEVERAGE}.")
    dex = name.partition(":")[0] if ":" in name else OWN
    return Perp(name, size, float(price), NEW_VOLATILITY, NEW_POPULARITY, leverage, leverage, dex)
