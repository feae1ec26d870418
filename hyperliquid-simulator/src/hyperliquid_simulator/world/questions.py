"""Questions that come again: where one ended, the next about the same perpetual is opened."""

from collections.abc import Iterator, Sequence
from typing import Final

from hyperliquid_simulator.coins.followers import Followers
from hyperliquid_simulator.coins.market import Market
from hyperliquid_simulator.coins.pairs import Outcome, asked
from hyperliquid_simulator.world.board import Board
from hyperliquid_simulator.world.clearing import Clearing
from hyperliquid_simulator.world.spot_flow import SpotFlow

DOLLAR: Final = 10**8
"""In ticks of an outcome coin, which has no size decimals."""

SPLIT_LOTS: Final = 200_000
"""Of both sides of a new question that every maker has at first."""


class Questions:
    """Closes outcome coins that were settled, and opens what follows them."""

    def __init__(
        self, board: Board, market: Market, followers: Followers, spot_flow: SpotFlow
    ) -> None:
        self._board = board
        self._market = market
        self._followers = followers
        self._spot_flow = spot_flow

    def close(self, coins: Sequence[int]) -> None:
        """Let nobody trade coins that are delisted, and their prices stand still."""
        for coin in coins:
            self._followers.drop(coin)
        self._spot_flow.refresh()

    def next(self, ended: Sequence[int], time_ms: int) -> Iterator[tuple[Outcome, Outcome]]:
        """Yield both sides of the question that follows each of those whose coins ended.

        Nothing is asked about a perpetual that is gone.
        """
        for coin in (self._board.coins[index] for index in ended):
            if isinstance(coin, Outcome) and coin.says_above and coin.follows is not None:
                leader = self._board.index[coin.follows]
                perp = self._board.perps[leader]
                price = self._market.mark(leader) / 10**perp.price_decimals
                if not perp.delisted:
                    yield asked(self._board.next_question(), perp.name, price, time_ms)

    def open(self, sides: Sequence[int], clearing: Clearing) -> None:
        """Let both sides of a question, just listed, be traded; makers have some of each."""
        for index in sides:
            coin = self._board.coins[index]
            if isinstance(coin, Outcome):
                self._followers.add(index, coin)
                self._spot_flow.list_pair(index, coin)
        self._followers.follow(clearing.time)
        yes = self._market.mark(sides[0])
        clearing.split(list(zip(sides, (yes, DOLLAR - yes), strict=True)), SPLIT_LOTS)
