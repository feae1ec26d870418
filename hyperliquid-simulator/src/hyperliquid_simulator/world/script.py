"""Trades by order of a test: exactly so many, in this coin, by this account, and nobody else's."""

from collections import deque
from itertools import cycle

from hyperliquid_simulator.world.flow import Flow, Order


class Script:
    """What the next blocks hold whatever the traders want."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._blocks: deque[list[Order]] = deque()
        self._rest_until = 0

    def print_trades(
        self, coin: int, trades: int, account: int | None = None, *, blocks: int = 1
    ) -> None:
        """Add exactly that many trades, of an account or of anybody, to each of the next blocks.

        They are of one lot, which no two orders can share, and buy and sell in turn.
        """
        self._blocks.extend([] for _ in range(blocks - len(self._blocks)))
        for nth in range(blocks):
            self._blocks[nth] += [
                Order(self._flow.anybody(coin) if account is None else account, coin, side)
                for side, _ in zip(cycle((1, -1)), range(trades), strict=False)
            ]

    def rest_until(self, time_ms: int) -> None:
        """Let nobody trade of his own accord before a moment."""
        self._rest_until = max(self._rest_until, time_ms)

    def resting(self, time_ms: int) -> bool:
        """Tell whether nobody trades of his own accord."""
        return time_ms < self._rest_until

    def next(self) -> list[Order]:
        """Return the scripted orders of the next block."""
        return self._blocks.popleft() if self._blocks else []
