"""How orders become trades: against whose resting orders, at which prices, in how many parts."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from random import Random
from typing import Final

from hyperliquid_simulator.accounts.ledger import Ledger
from hyperliquid_simulator.accounts.seats import PARTS
from hyperliquid_simulator.accounts.trades import Trade
from hyperliquid_simulator.coins.market import Market
from hyperliquid_simulator.coins.pairs import Listed
from hyperliquid_simulator.past.past import FIRST_ORDER, Past
from hyperliquid_simulator.wire import trade_id
from hyperliquid_simulator.world.draws import one_of
from hyperliquid_simulator.world.flow import Order

WORSE_LEVEL: Final = 0.25
LAYERED: Final = 0.06
"""Share of the orders whose parts are equal orders of one maker: only trade ids tell them apart."""

PARTS_UP_TO: Final = tuple(accumulate(PARTS))


class Matching:
    """Finds the other side of every order."""

    def __init__(
        self,
        past: Past,
        coins: Sequence[Listed],
        market: Market,
        ledger: Ledger,
        random: Random,
        self_trades: float,
    ) -> None:
        self._past = past
        self._coins = coins
        self._market = market
        self._ledger = ledger
        self._random = random
        self._self_trades = self_trades
        self._makers = [maker.index for maker in past.population.makers]
        self._order = FIRST_ORDER

    def trades(self, order: Order, name: str, time: int) -> Iterator[Trade]:
        """Let an order sweep one to three others at the best price or a little worse.

        Each trade has to be settled before the next: it says what can still be paid for. All carry
        the hash ``name``, unless the order brings its own.
        """
        buys = order.lots > 0
        quote = self._market.quotes[order.coin]
        ticks = quote.ask if buys else quote.bid
        taker_order, coin = self.numbered(), self._coins[order.coin]
        for nth, (maker, part) in enumerate(self._resting(order)):
            maker_order = taker_order - 1 - nth
            if nth and self._random.random() < WORSE_LEVEL:
                ticks = max(ticks + (quote.step if buys else -quote.step), 1)
            buyer_order, seller_order = (
                (taker_order, maker_order) if buys else (maker_order, taker_order)
            )
            buyer, seller = (order.account, maker) if buys else (maker, order.account)
            lots = self._ledger.payable(part, coin, ticks, buyer, seller)
            if lots:
                yield Trade(
                    coin=order.coin,
                    side="B" if buys else "A",
                    ticks=ticks,
                    lots=lots,
                    time=time,
                    hash=order.hash or name,
                    tid=trade_id(buyer_order, seller_order),
                    buyer=buyer,
                    seller=seller,
                    buyer_order=buyer_order,
                    seller_order=seller_order,
                    twap=order.twap,
                    cause=order.cause,
                )

    def numbered(self) -> int:
        """Return an order id; the three before it are free."""
        self._order += 4
        return self._order

    def _resting(self, order: Order) -> list[tuple[int, int]]:
        """Return whose orders fill an order, one to three of them, and with how many lots each."""
        size, random = abs(order.lots), self._random
        if order.turning:
            seats = self._past.seats
            parts = seats.parts[order.account, order.coin]
            others = [int(other) for other in seats.others[order.account, order.coin, :parts]]
            return list(zip(others, _equal(size, len(others)), strict=False))
        if not order.cause and random.random() < self._self_trades:
            return [(order.account, size)]
        parts = 1 if order.twap else one_of(random, (1, 2, 3), PARTS_UP_TO)
        first = random.randrange(len(self._makers))
        if random.random() < LAYERED:
            return [(self._makers[first], lots) for lots in _equal(size, parts)]
        cuts = sorted(random.randrange(size) for _ in range(parts - 1))
        return [
            (self._makers[(first + nth) % len(self._makers)], end - start)
            for nth, (start, end) in enumerate(pairwise([0, *cuts, size]))
            if end > start
        ]


def _equal(size: int, parts: int) -> list[int]:
    """Split lots into equal parts; what cannot be shared goes to the first ones."""
    parts = min(parts, size)
    return [size // parts + (nth < size % parts) for nth in range(parts)]
