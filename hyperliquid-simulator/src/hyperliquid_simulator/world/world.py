"""The whole venue without a protocol: blocks of trades over prices, traders and accounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from hyperliquid_simulator.accounts.account import Account, copied
from hyperliquid_simulator.accounts.columns import profits
from hyperliquid_simulator.accounts.ledger import Ledger
from hyperliquid_simulator.accounts.movements import Movement
from hyperliquid_simulator.accounts.trades import Fill, Trade
from hyperliquid_simulator.coins.catalogue import Perp
from hyperliquid_simulator.coins.followers import Followers
from hyperliquid_simulator.coins.funding import LiveFunding
from hyperliquid_simulator.coins.market import DAY_MS, Market
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.past.archive import liquidations
from hyperliquid_simulator.past.executions import Executions
from hyperliquid_simulator.past.generate import generate
from hyperliquid_simulator.past.past import BLOCK_MS, Past, block_height, block_time
from hyperliquid_simulator.wire import ZERO_HASH, transaction_hash
from hyperliquid_simulator.world import spot_flow
from hyperliquid_simulator.world.board import REPLAYED, Board
from hyperliquid_simulator.world.cashbook import Cashbook
from hyperliquid_simulator.world.clearing import Clearing
from hyperliquid_simulator.world.events import Events
from hyperliquid_simulator.world.flow import Flow, Order, arrivals
from hyperliquid_simulator.world.listings import Listings
from hyperliquid_simulator.world.matching import Matching
from hyperliquid_simulator.world.performance import History, Standing
from hyperliquid_simulator.world.questions import Questions
from hyperliquid_simulator.world.script import Script

SECOND_MS: Final = 1_000
INTERVAL_MS: Final = (46.0, 100.0)
TWAP_DELAY_MS: Final = (2.0, 44.0)
MOST_PER_BLOCK: Final = 2_000
WARM_UP_BLOCKS: Final = 800
WARM_UP_PLACE: Final = 1_000
"""Where in their blocks the first trades of pairs stand, behind those of perpetuals."""


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
        self.board = Board(config, self.past, start_ms)
        self.coins, self.coin_index = self.board.coins, self.board.index
        self.bars, self.recent = self.board.bars, self.board.recent
        self.population = self.past.population
        self.time, self.height = start_ms, block_height(start_ms)
        self.trading, self.stamp_ahead = True, False
        self.funding = LiveFunding(config.seed, self.past.funding.forming, self.coins, start_ms)
        makers = frozenset(maker.index for maker in self.population.makers)
        self.ledger = Ledger(self.past.accounts, makers, self.coins)
        self.market = Market(
            self.coins,
            config.seed,
            self.board.path,
            self.past.origin_ms,
            start_ms,
        )
        self.flow = Flow(self.past, self.ledger, config.seed, turning=config.flip_seconds > 0)
        self.script = Script(self.flow)
        self._followers = Followers(self.coins, self.market)
        self._followers.follow(start_ms)
        self.spot_flow = spot_flow.opened(
            config.seed,
            self.past,
            self.ledger,
            self.coins,
            [bars.close(self.past.origin_ms) for bars in self.bars],
        )
        self.addresses = [t.address for t in self.population.traders]
        self.cashbook = Cashbook(
            self.past.movements, len(self.population), liquidations(self.past, config.seed)
        )
        self.history = History(self.past.records, self.cashbook)
        self._random = self.flow.random
        self.matching = Matching(
            self.past, self.coins, self.market, self.ledger, self._random, config.self_trades
        )
        self._burst = 0
        self._turn_ms = start_ms + self._random.uniform(0.3, 0.6) * config.flip_seconds * SECOND_MS
        self._frozen: tuple[int, list[Account]] | None = None
        self.events = Events(
            config,
            self.board.perps,
            self.population,
            Clearing(self.ledger, self.cashbook, self.market, config.seed, self.matching.numbered),
            start_ms,
        )
        self.listings = Listings(
            self.board,
            self.market,
            self.ledger,
            self.funding,
            self.flow,
            Questions(self.board, self.market, self._followers, self.spot_flow),
        )
        self._trade_pairs_until(start_ms)
        self.events.prepare()
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
        accounts = self._frozen[1] if self._frozen else self.ledger.accounts
        return accounts[trader.index]

    def executions(self, address: str) -> Executions | None:
        """Return what an account filled, None for an unknown address."""
        trader = self.population.by_address.get(address)
        if trader is None:
            return None
        return Executions(self.past, self.config.seed, self.ledger.accounts[trader.index])

    @property
    def state_time(self) -> int:
        """Time of the newest block the state node knows, or says it knows."""
        if self.stamp_ahead:
            return int(self.next_ms)
        return self._frozen[0] if self._frozen else self.time

    def stand_still(self, *, still: bool) -> None:
        """Let the state node stop following the trades, or catch up again."""
        if still and self._frozen is None:
            self._frozen = self.time, copied(self.ledger.accounts)
        elif not still:
            self._frozen = None

    def standing(self, who: Sequence[int] | None = None) -> Standing:
        """Return the profit and volume of some accounts now, of everybody if not told whose."""
        everybody = self.ledger.accounts
        accounts = everybody if who is None else [everybody[index] for index in who]
        volume = np.array([a.volume for a in accounts], dtype=np.int64)
        return Standing(self.time, profits(accounts, self.marks), volume)

    # ── What an operator can ask for ─────────────────────────────────────────────────────────

    def flip(self, coin: int, direction: int) -> None:
        """Make every planted trader of a coin take a side in the next block."""
        self.flow.turn(coin, direction, self.time, spread_ms=0.0, part=1.0)

    def jump(self, coin: int, factor: float) -> None:
        """Multiply a coin's price in the next block."""
        self.market.jump(coin, factor)

    def list_coin(self, coin: Perp) -> int:
        """List a perpetual that nobody holds yet; it trades from the next block on.

        Returns its index; raises ConfigError if there is such a coin already or no such dex.
        """
        return self.listings.add(coin, self.time)

    def delist(self, coin: int) -> None:
        """Settle every position in a coin at the oracle price of the next block, and end it there.

        Raises ConfigError for a spot pair or a coin that is delisted already.
        """
        self.listings.end(coin)

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
        self.flow.decide(self.time)
        self.market.move_to(self.time)
        self._followers.follow(self.time)
        self.board.roll(self.time)
        self._end_hour()
        clearing = self.events.clearing
        clearing.begin(self.time, self.height)
        self.listings.step(clearing)
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
            orders += self.flow.slices(self.config.twap_rate * self.flow.bitcoin_share)
        count = arrivals(self._random, rate * min(elapsed / SECOND_MS, 1.0))
        count += min(self._burst, MOST_PER_BLOCK)
        for _ in range(count):
            order = self.flow.churn(self.market)
            if order is not None:
                orders.append(order)
        return orders + self._pair_orders(elapsed)

    def _pair_orders(self, elapsed: float) -> list[Order]:
        flow, rate = self.spot_flow, self.config.order_rate * self.spot_flow.share
        count = arrivals(flow.random, rate * min(elapsed / SECOND_MS, 1.0)) if rate else 0
        drawn = (flow.churn(self.market) for _ in range(count))
        return [order for order in drawn if order is not None]

    def _trade_pairs_until(self, start_ms: int) -> None:
        """Let pairs have traded: spot pairs since the history began, all of them in the last minute.

        Their orders are in blocks of their own, and count as volume.
        """
        quotes, origin, trades = list(self.market.quotes), self.past.origin_ms, list[Trade]()
        height, last = block_height(origin), block_height(start_ms) - WARM_UP_BLOCKS
        for days, pair in self.spot_flow.earlier(self.config.history_days + 1):
            height = max(height + 1, block_height(origin + int(days * DAY_MS)))
            if height < last:
                self.market.place(pair, self.bars[pair].close(block_time(height)))
                trades += self._traded_before(height, pair)
        self.market.quotes[:] = quotes
        pairs = self.spot_flow.trading * REPLAYED
        for nth, pair in enumerate(pairs):
            trades += self._traded_before(last + nth * WARM_UP_BLOCKS // len(pairs), pair)
        self.time, self.height = start_ms, block_height(start_ms)
        dealt = [self.coins[t.coin].micro_dollars(t.lots, t.ticks) for t in trades]
        times, sides = (
            [t.time for t in trades],
            ([t.buyer for t in trades], [t.seller for t in trades]),
        )
        for side in sides:
            self.history.add_volume(*(np.array(c, dtype=np.int64) for c in (times, side, dealt)))

    def _traded_before(self, height: int, pair: int) -> list[Trade]:
        """Let somebody trade a pair in a block before the start."""
        self.height, self.time = height, block_time(height)
        order = self.spot_flow.order(pair, self.market)
        return self._matched([order], WARM_UP_PLACE)[0] if order else []

    def _maybe_turn(self) -> None:
        if self.time < self._turn_ms or not self.config.flip_seconds:
            return
        wait = self._random.uniform(0.6, 1.4) * self.config.flip_seconds
        self._turn_ms = self.time + wait * SECOND_MS
        chosen = self.flow.next_turn()
        if chosen:
            self.flow.turn(*chosen, self.time)

    def _matched(
        self, orders: Sequence[Order], first: int = 1
    ) -> tuple[list[Trade], list[tuple[int, Fill]]]:
        trades: list[Trade] = []
        fills: list[tuple[int, Fill]] = []
        for index, order in enumerate(orders, start=self.events.clearing.transactions + first):
            name = transaction_hash(self.config.seed, self.height, index)
            for trade in self.matching.trades(order, ZERO_HASH if order.twap else name, self.time):
                trades.append(trade)
                fills += self.ledger.settle(trade)
                self.board.record(trade)
                if order.turning or order.cause:
                    self.events.clearing.touched |= {trade.buyer, trade.seller}
        self._burst = max(self._burst - len(trades), 0)
        return trades, fills

    def _end_hour(self) -> None:
        """Charge the full hour, and in the block after it note how everybody stands.

        After a gap in the blocks every hour that was left out is charged.
        """
        funding = self.funding
        if self.time < funding.due_ms:
            if funding.hours and self.history.latest().time < funding.hours[-1].time:
                self.history.record(self.standing())
            return
        while funding.due_ms <= self.time:
            hour = funding.charge()
            self.ledger.charge_funding(hour.rates, self.marks, hour.time)

    def _next_block(self) -> float:
        """Return when the next block is due: at the latest when funding is.

        TWAPs fire right after a whole second.
        """
        due = self.time + self._random.uniform(*INTERVAL_MS)
        second = due // SECOND_MS * SECOND_MS
        earliest, latest = TWAP_DELAY_MS
        if second > self.time and not earliest <= due - second <= latest:
            due = max(second + self._random.uniform(*TWAP_DELAY_MS), self.time + 20.0)
        return float(min(int(due), max(self.funding.due_ms, self.time + 1)))
