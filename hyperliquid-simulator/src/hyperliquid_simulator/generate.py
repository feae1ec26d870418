"""The past: regimes, prices, who traded when, and the books and records that result.

Traders decide at moments drawn for their style; every change of a target position becomes an order
that one to three others fill. Positions, start positions, realised profit, equity and volume follow
from those trades alone, so nothing served about the past can contradict anything else.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hyperliquid_simulator.accounting import Valued, folded, opened, recorded
from hyperliquid_simulator.catalogue import COINS, Coin
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.decisions import decided_orders
from hyperliquid_simulator.funding import past_funding
from hyperliquid_simulator.market import (
    DAY_MINUTES,
    MINUTE_MS,
    Factor,
    Ints,
    common_factor,
    draw_regimes,
    grid_prices,
    last_directions,
    past_prices,
    stream,
)
from hyperliquid_simulator.past import (
    BLOCK_MS,
    FIRST_ORDER,
    HEIGHT_REFERENCE,
    Past,
    PastTrades,
)
from hyperliquid_simulator.past_movements import past_movements
from hyperliquid_simulator.population import Seats, draw_population, draw_seats
from hyperliquid_simulator.wire import MICRO


@dataclass(frozen=True, slots=True)
class Tape:
    """The closing prices of every minute since ``origin_ms``, per coin."""

    coins: Sequence[Coin]
    closes: Sequence[Ints]
    origin_ms: int

    def ticks(self, coin: Ints, minute: Ints, time: Ints) -> Ints:
        """Return prices between the closes around each moment, on the price grid."""
        ticks = np.empty(len(coin), dtype=np.int64)
        fraction = np.clip((time - self.origin_ms) / MINUTE_MS - minute, 0, 1)
        for i, close in enumerate(self.closes):
            mine = coin == i
            opened_at, closed_at = close[np.maximum(minute[mine] - 1, 0)], close[minute[mine]]
            price = opened_at + fraction[mine] * (closed_at - opened_at)
            ticks[mine] = grid_prices(price, self.coins[i].price_decimals)
        return ticks


def generate(config: Config, start_ms: int) -> Past:
    """Build the past of a venue; the same configuration and start give the same bytes."""
    coins = COINS[: config.coins]
    minutes = config.history_days * DAY_MINUTES
    end_ms = start_ms - start_ms % MINUTE_MS
    origin = end_ms - minutes * MINUTE_MS
    population = draw_population(config.seed, config.traders, coins)
    factor = Factor(*common_factor(config.seed, minutes))
    seats = draw_seats(config.seed, population, len(coins))
    directions = last_directions(config.seed, coins)
    closes, orders = [], []
    for i, coin in enumerate(coins):
        rng = stream(config.seed, "past", coin.name)
        regimes = draw_regimes(rng, minutes, directions[i])
        closes.append(past_prices(coin, rng, regimes, factor, config.edge))
        orders.append(decided_orders(i, population, closes[i], regimes, rng))
    trades = _trades(config.seed, seats, Tape(coins, closes, origin), orders)
    funding = past_funding(config.seed, closes, origin, start_ms)
    fills, book = folded(trades, funding, len(population))
    quoted = round(config.usual_dollars_per_minute * MICRO)
    valued = Valued(coins, closes, funding, origin)
    records, earned = recorded(population, trades, valued, quoted)
    accounts = opened(population, valued, records.volume[-1], earned, book)
    needed = np.array([account.deposited for account in accounts])
    movements = past_movements(
        config.seed, population, needed, (origin, start_ms), config.movements_per_day
    )
    extra = movements.balances(len(needed), start_ms) - needed
    for account, usd in zip(accounts, extra.tolist(), strict=True):
        account.pocket("").receive(usd)
    return Past(
        population=population,
        seats=seats,
        coins=coins,
        origin_ms=origin,
        closes=closes,
        directions=directions,
        level=factor.level,
        trades=trades,
        fills=fills,
        records=records,
        funding=funding,
        movements=movements,
        accounts=accounts,
    )


def _trades(seed: int, seats: Seats, tape: Tape, orders: Sequence[Ints]) -> PastTrades:
    """Let every order happen in a block and be filled by one to three others, in order of time."""
    rng = stream(seed, "fills")
    coin = np.repeat(np.arange(len(orders)), [len(rows) for rows in orders])
    taker, minute, lots = np.concatenate(orders).T
    block, time = _blocks(tape.origin_ms + minute * MINUTE_MS, rng)
    ticks = tape.ticks(coin, minute, time)
    order = np.lexsort((taker, coin, time))
    coin, taker, lots, time, ticks, block = (
        column[order] for column in (coin, taker, lots, time, ticks, block)
    )
    rows, nth, share = _swept(lots, seats.parts[taker, coin])
    order_id = FIRST_ORDER - 8 * (len(time) - rows)
    return PastTrades(
        time=time[rows],
        height=block[rows],
        index=_place_in_block(time)[rows],
        coin=coin[rows],
        ticks=ticks[rows],
        lots=np.sign(lots[rows]) * share,
        taker=taker[rows],
        maker=seats.others[taker[rows], coin[rows], nth],
        taker_order=order_id,
        maker_order=order_id - 1 - nth,
    )


def _blocks(minute_ms: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Return height and time of a block at a random moment of each minute."""
    moment = minute_ms + rng.random(len(minute_ms)) * (MINUTE_MS - 2 * BLOCK_MS)
    height, time = HEIGHT_REFERENCE
    block = np.ceil((moment - time) / BLOCK_MS)
    return height + block.astype(np.int64), (time + np.rint(block * BLOCK_MS)).astype(np.int64)


def _place_in_block(time: Ints) -> Ints:
    """Return the transaction index of each order within its block, from 1."""
    first = np.diff(time, prepend=-1) != 0
    place = np.arange(len(time))
    before: Ints = np.maximum.accumulate(np.where(first, place, 0))
    return place - before + 1


def _swept(lots: Ints, parts: Ints) -> tuple[Ints, Ints, Ints]:
    """Split orders into parts: for each trade its order, its number in the sweep and its lots."""
    size = np.abs(lots)
    parts = np.minimum(parts, size)
    rows = np.repeat(np.arange(len(lots)), parts)
    nth = np.arange(len(rows)) - np.repeat(np.cumsum(parts) - parts, parts)
    share = size[rows] // parts[rows] + (nth < size[rows] % parts[rows])
    return rows, nth, share
