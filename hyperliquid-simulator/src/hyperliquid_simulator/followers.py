"""Pairs whose price a perpetual makes."""

from collections.abc import Sequence

from hyperliquid_simulator.catalogue import Perp
from hyperliquid_simulator.market import Market
from hyperliquid_simulator.pairs import Listed, Pair


class Followers:
    """The pairs that follow a perpetual, each with its own index and that of its leader."""

    def __init__(self, coins: Sequence[Listed]) -> None:
        leaders = {c.name: (i, c) for i, c in enumerate(coins) if isinstance(c, Perp)}
        self._rows = [
            (i, coin, *leaders[coin.follows])
            for i, coin in enumerate(coins)
            if isinstance(coin, Pair) and coin.follows is not None
        ]

    def follow(self, market: Market, time_ms: int) -> None:
        """Put every pair's price where its leader's mark has it now."""
        for coin, pair, leader, perp in self._rows:
            price = pair.following(perp, float(market.mark(leader)), float(time_ms))
            market.place(coin, price)
