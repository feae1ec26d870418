"""Pairs whose price a perpetual makes."""

from collections.abc import Sequence

from hyperliquid_simulator.coins.catalogue import Perp
from hyperliquid_simulator.coins.market import Market
from hyperliquid_simulator.coins.pairs import Listed, Pair


class Followers:
    """The pairs that follow a perpetual, each with its own index and that of its leader."""

    def __init__(self, coins: Sequence[Listed], market: Market) -> None:
        self._coins, self._market = coins, market
        self._rows: list[tuple[int, Pair, int, Perp]] = []
        for index, coin in enumerate(coins):
            self.add(index, coin)

    def add(self, index: int, coin: Listed) -> None:
        """Let a coin's price be made by its leader's, if it has one."""
        if isinstance(coin, Pair) and coin.follows is not None:
            leaders = enumerate(self._coins)
            leader, perp = next((i, c) for i, c in leaders if c.name == coin.follows)
            if isinstance(perp, Perp):
                self._rows.append((index, coin, leader, perp))
                self._market.rest(index)

    def drop(self, index: int) -> None:
        """Let a coin stay where it is."""
        self._rows = [row for row in self._rows if row[0] != index]

    def follow(self, time_ms: int) -> None:
        """Put every pair's price where its leader's mark has it now."""
        for coin, pair, leader, perp in self._rows:
            mark = float(self._market.mark(leader))
            self._market.place(coin, pair.following(perp, mark, float(time_ms)))
