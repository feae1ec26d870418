"""Pairs whose price a perpetual makes."""

from collections.abc import Sequence

from hyperliquid_simulator.coins.catalogue import Perp
from hyperliquid_simulator.coins.market import Market
from hyperliquid_simulator.coins.pairs import Listed, Pair


class Followers:
    """The pairs that follow a perpetual, each with its own index and that of its leader."""

    def __init__(self, coins: Sequence[Listed], market: Market) -> None:
        self._market = market
        leaders = {c.name: (i, c) for i, c in enumerate(coins) if isinstance(c, Perp)}
        self._rows = [
            (i, coin, *leaders[coin.follows])
            for i, coin in enumerate(coins)
            if isinstance(coin, Pair) and coin.follows is not None
        ]

        for coin, *_ in self._rows:
            market.rest(coin)

    def follow(self, time_ms: int) -> None:
        """Put every pair's price where its leader's mark has it now."""
        for coin, pair, leader, perp in self._rows:
            mark = float(self._market.mark(leader))
            self._market.place(coin, pair.following(perp, mark, float(time_ms)))
