"""The whole venue without a protocol: blocks of trades over prices, traders and accounts."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from hyperliquid_simulator.archive import liquidations
from hyperliquid_simulator.candles import Bars
from hyperliquid_simulator.cashbook import Cashbook
from hyperliquid_simulator.clearing import Clearing
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.events import Events
from hyperliquid_simulator.flow import Flow, Order, arrivals
from hyperliquid_simulator.funding import (
    HOUR_MS,
    FundingHour,
    hourly_rates,
    next_premiums,
    next_stamp,
)
from hyperliquid_simulator.generate import generate, past_bars
from hyperliquid_simulator.ledger import Account, Fill, Ledger, Trade, copied
from hyperliquid_simulator.market import DAY_MINUTES, Floats, Market
from hyperliquid_simulator.movements import Movement
from hyperliquid_simulator.past import (
    BLOCK_MS,
    FIRST_ORDER,
    Past,
    block_height,
)
from hyperliquid_simulator.performance import History, Standing
from hyperliquid_simulator.script import Script
from hyperliquid_simulator.seats import PARTS
from hyperliquid_simulator.wire import ZERO_HASH, trade_id, transaction_hash

REPLAYED: Final = 30
"""Trades of a coin that every new subscription sees again."""

SECOND_MS: Final = 1_000
INTERVAL_MS: Final = (46.0, 100.0)
TWAP_DELAY_MS: Final = (2.0, 44.0)
WORSE_LEVEL: Final = 0.25
LAYERED: Final = 0.06
"""Share of the orders whose parts are equal orders of one maker: only trade ids tell them apart."""

MOST_PER_BLOCK: Final = 2_000


@dataclass(frozen=True, slots=True)
class Block:
    """What one block did; all its trades share ``time``.

    ``fills`` are those of accounts, by index; hidden ones, which no trade shows, come first.
    """

    height: int
    time: int
    trades: tuple[Trade, ...]
    fills: tuple[tuple[int, Fill], ...]
    movements: tuple[Movement, ...] = ()


class World:
    """Prices, accounts and traders, advanced one block at a time."""

    def __init__(self, config: Config, start_ms: int) -> None:
        self.config = config
        self.past: Past = generate(config, start_ms)
        self.coins = list(self.past.coins)
        self.population = self.past.population
        self.time, self.height = start_ms, block_height(start_ms)
        self.trading, self.stamp_ahead = True, False
        self._premiums = self.past.funding.forming
        self.funding: list[float] = hourly_rates(self._premiums).tolist()
        self.funding_hours: list[FundingHour] = []
        makers = [t.index for t in self.population.makers]
        self.ledger = Ledger(self.past.accounts, frozenset(makers), self.coins)
        self.market = Market(
            self.coins,
            config.seed,
            self._path,
            self.past.origin_ms,
            start_ms,
        )
        self.flow = Flow(self.past, self.ledger, config.seed, turning=config.flip_seconds > 0)
        self.script = Script(self.flow)
        self.addresses = [t.address for t in self.population.traders]
        self.coin_index = {coin.name: i for i, coin in enumerate(self.coins)}
        self.bars = self._bars()
        ruined = liquidations(self.past, config.seed)
        self.cashbook = Cashbook(self.past.movements, len(self.population), ruined)
        self.history = History(self.past.records, self.cashbook)
        self.recent = [_last_trades(self.past, i, config.seed) for i in range(len(self.coins))]
        self._makers = makers
        self._random = self.flow.random
        self._order, self._burst = FIRST_ORDER, 0
        self._turn_ms = start_ms + self._random.uniform(0.3, 0.6) * config.flip_seconds * SECOND_MS
        self._funding_ms = next_stamp(config.seed, start_ms)
        self._frozen: list[Account] | None = None
        self._frozen_at = start_ms
        self.events = Events(
            config,
            self.ledger,
            self.coins,
            self.population,
            Clearing(self.ledger, self.cashbook, self.market, config.seed, self._numbered),
            start_ms,
        )
        self.next_ms = self._next_block()

    # ── What the state node knows ────────────────────────────────────────────────────────────

    @property
    def marks(self) -> list[int]:
        """Mark prices in ticks."""
        return [quote.mark for quote in self.market.quotes]

    def account(self, address: str) -> Account | None:
        """Return an account as the state node sees it, None for an unknown address."""
        trader = self.population.by_address.get(address)
        if trader is None:
            return None
        return (self._frozen or self.ledger.accounts)[trader.index]

    @property
    def state_time(self) -> int:
        """Time of the newest block the state node knows, or says it knows."""
        if self.stamp_ahead:
            return int(self.next_ms)
        return self.time if self._frozen is None else self._frozen_at

    def stand_still(self, *, still: bool) -> None:
        """Let the state node stop following the trades, or catch up again."""
        if still and self._frozen is None:
            self._frozen, self._frozen_at = copied(self.ledger.accounts), self.time
        elif not still:
            self._frozen = None

    def standing(self) -> Standing:
        """Return everybody's profit and volume now."""
        marks, accounts = self.marks, self.ledger.accounts
        profit = np.array([a.equity(marks) - a.deposited for a in accounts], dtype=np.int64)
        return Standing(self.time, profit, np.array([a.volume for a in accounts], dtype=np.int64))

    # ── What an operator can ask for ─────────────────────────────────────────────────────────

    def flip(self, coin: int, direction: int) -> None:
        """Make every planted trader of a coin take a side in the next block."""
        self.flow.turn(coin, direction, self.time, all_now=True)

    def jump(self, coin: int, factor: float) -> None:
        """Multiply a coin's price in the next block."""
        self.market.jump(coin, factor)

    def burst(self, trades: int) -> None:
        """Add that many trades over the next blocks."""
        self._burst += trades

    # ── Time ─────────────────────────────────────────────────────────────────────────────────

    def skip_to(self, time_ms: float) -> None:
        """Leave out the blocks up to a moment, as after a suspended machine."""
        self.height += int((time_ms - self.time) // BLOCK_MS)
        self.next_ms = max(self.next_ms, time_ms)

    def step(self) -> Block:
        """Advance to the next block and return it."""
        elapsed, before = self.next_ms - self.time, self.time
        self.time, self.height = int(self.next_ms), self.height + 1
        self.market.move_to(self.time)
        for bars in self.bars:
            bars.roll(self.time)
        if self.time >= self._funding_ms:
            self._charge_funding()
            self.history.record(self.standing())
        clearing = self.events.clearing
        clearing.begin(self.time, self.height)
        free = self.trading and not self.script.resting(self.time)
        orders = [*self.events.step(natural=free), *self.script.next()]
        if free:
            orders += self._orders(before, elapsed)
        trades, fills = self._matched(orders)
        self.next_ms = self._next_block()
        happened = (*clearing.fills, *fills), tuple(clearing.movements)
        return Block(self.height, self.time, tuple(trades), *happened)

    def _orders(self, before: int, elapsed: float) -> list[Order]:
        self._maybe_turn()
        orders = self.flow.due(self.time, self.market)
        rate = self.config.order_rate
        if self.time // SECOND_MS > before // SECOND_MS:
            orders += self.flow.slices(0.75 * rate * self.flow.bitcoin_share)
        count = arrivals(self._random, rate * min(elapsed / SECOND_MS, 1.0))
        count += min(self._burst, MOST_PER_BLOCK)
        for _ in range(count):
            order = self.flow.churn(self.market)
            if order is not None:
                orders.append(order)
        return orders

    def _maybe_turn(self) -> None:
        if self.time < self._turn_ms or not self.config.flip_seconds:
            return
        wait = self._random.uniform(0.6, 1.4) * self.config.flip_seconds
        self._turn_ms = self.time + wait * SECOND_MS
        chosen = self.flow.next_turn()
        if chosen:
            self.flow.turn(*chosen, self.time, all_now=False)

    def _matched(self, orders: Sequence[Order]) -> tuple[list[Trade], list[tuple[int, Fill]]]:
        trades: list[Trade] = []
        fills: list[tuple[int, Fill]] = []
        for index, order in enumerate(orders, start=self.events.clearing.transactions + 1):
            for trade in self._match(order, index):
                trades.append(trade)
                fills += self.ledger.settle(trade)
                self.bars[trade.coin].trade(trade.time, trade.ticks, trade.lots)
                self.recent[trade.coin].append(trade)
                if order.turning or order.cause:
                    self.events.clearing.touched |= {trade.buyer, trade.seller}
        self._burst = max(self._burst - len(trades), 0)
        return trades, fills

    def _match(self, order: Order, index: int) -> list[Trade]:
        """Let an order sweep one to three others at the best price or a little worse."""
        buys = order.lots > 0
        quote = self.market.quotes[order.coin]
        ticks = quote.ask if buys else quote.bid
        name = ZERO_HASH if order.twap else transaction_hash(self.config.seed, self.height, index)
        taker_order = self._numbered()
        trades = []
        for nth, (maker, lots) in enumerate(self._resting(order)):
            maker_order = taker_order - 1 - nth
            if nth and self._random.random() < WORSE_LEVEL:
                ticks = max(ticks + (quote.step if buys else -quote.step), 1)
            buyer_order, seller_order = (
                (taker_order, maker_order) if buys else (maker_order, taker_order)
            )
            trades.append(
                Trade(
                    coin=order.coin,
                    side="B" if buys else "A",
                    ticks=ticks,
                    lots=lots,
                    time=self.time,
                    hash=order.hash or name,
                    tid=trade_id(buyer_order, seller_order),
                    buyer=order.account if buys else maker,
                    seller=maker if buys else order.account,
                    buyer_order=buyer_order,
                    seller_order=seller_order,
                    twap=order.twap,
                    cause=order.cause,
                )
            )
        return trades

    def _numbered(self) -> int:
        """Return an order id; the three before it are free."""
        self._order += 4
        return self._order

    def _resting(self, order: Order) -> list[tuple[int, int]]:
        """Return whose orders fill an order, one to three of them, and with how many lots each."""
        size, random = abs(order.lots), self._random
        if order.turning:
            seats = self.past.seats
            parts = seats.parts[order.account, order.coin]
            others = [int(other) for other in seats.others[order.account, order.coin, :parts]]
            return list(zip(others, _equal(size, len(others)), strict=False))
        if not order.cause and random.random() < self.config.self_trades:
            return [(order.account, size)]
        parts = 1 if order.twap else random.choices((1, 2, 3), PARTS)[0]
        first = random.randrange(len(self._makers))
        if random.random() < LAYERED:
            return [(self._makers[first], lots) for lots in _equal(size, parts)]
        cuts = sorted(random.randrange(size) for _ in range(parts - 1))
        return [
            (self._makers[(first + nth) % len(self._makers)], end - start)
            for nth, (start, end) in enumerate(pairwise([0, *cuts, size]))
            if end > start
        ]

    def _charge_funding(self) -> None:
        """Charge the full hour, and after a gap in the blocks every hour that was left out."""
        while self._funding_ms <= self.time:
            self.ledger.charge_funding(self.funding, self.marks, self._funding_ms)
            charged = FundingHour(self._funding_ms, self._premiums.tolist(), self.funding)
            self.funding_hours.append(charged)
            hour = self._funding_ms // HOUR_MS
            self._premiums = next_premiums(self._premiums, self.config.seed, hour)
            self.funding = hourly_rates(self._premiums).tolist()
            self._funding_ms = next_stamp(self.config.seed, self._funding_ms)

    def _bars(self) -> list[Bars]:
        found = [past_bars(self.past, self.config, i) for i in range(len(self.coins))]
        for bars in found:
            bars.roll(self.time)
        return found

    def _path(self, minute: int) -> Floats:
        """Return the log prices at the end of a minute, drawing the days up to it."""
        self.past.prices.reach(max(minute, 0) // DAY_MINUTES)
        return self.past.prices.log(max(minute, 0))

    def _next_block(self) -> float:
        """Return when the next block is due: at the latest when funding is.

        TWAPs fire right after a whole second.
        """
        due = self.time + self._random.uniform(*INTERVAL_MS)
        second = due // SECOND_MS * SECOND_MS
        if second > self.time and due - second > TWAP_DELAY_MS[1]:
            due = max(second + self._random.uniform(*TWAP_DELAY_MS), self.time + 20.0)
        return float(min(int(due), max(self._funding_ms, self.time + 1)))


def _equal(size: int, parts: int) -> list[int]:
    """Split lots into equal parts; what cannot be shared goes to the first ones."""
    parts = min(parts, size)
    return [size // parts + (nth < size % parts) for nth in range(parts)]


def _last_trades(past: Past, coin: int, seed: int) -> deque[Trade]:
    """Return the last trades of a coin's past: what the first subscriber sees again."""
    rows = np.flatnonzero(past.trades.coin == coin)[-REPLAYED:].tolist()
    trades = past.trades
    found: deque[Trade] = deque(maxlen=REPLAYED)
    for row in rows:
        taker, maker = int(trades.taker[row]), int(trades.maker[row])
        orders = int(trades.taker_order[row]), int(trades.maker_order[row])
        buys = int(trades.lots[row]) > 0
        buyer_order, seller_order = orders if buys else orders[::-1]
        found.append(
            Trade(
                coin=coin,
                side="B" if buys else "A",
                ticks=int(trades.ticks[row]),
                lots=abs(int(trades.lots[row])),
                time=int(trades.time[row]),
                hash=transaction_hash(seed, int(trades.height[row]), int(trades.index[row])),
                tid=trade_id(buyer_order, seller_order),
                buyer=taker if buys else maker,
                seller=maker if buys else taker,
                buyer_order=buyer_order,
                seller_order=seller_order,
            )
        )
    return found
