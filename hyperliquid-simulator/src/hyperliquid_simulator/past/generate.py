"""The past: prices, who traded when, and the books and records that result.

Accounts decide at moments drawn for their style; every change of a target position becomes an order
that one to three others fill. Positions, start positions, realised profit, equity and volume follow
from those trades alone, so nothing served about the past can contradict anything else.

Everything is a function of the seed and of absolute days: a venue started later on the same day has
the same past up to where the other began.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from hyperliquid_simulator.accounts.decisions import Decisions, Views
from hyperliquid_simulator.accounts.population import People, draw_population
from hyperliquid_simulator.accounts.seats import Seats, draw_seats
from hyperliquid_simulator.coins.candles import Bars
from hyperliquid_simulator.coins.catalogue import Coin
from hyperliquid_simulator.coins.dexes import OWN
from hyperliquid_simulator.coins.funding import multipliers, past_funding
from hyperliquid_simulator.coins.market import (
    DAY_MINUTES,
    DAY_MS,
    MINUTE_MS,
    Floats,
    Ints,
    grid_prices,
    stream,
)
from hyperliquid_simulator.coins.prices import Prices
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.past.accounting import Valued, folded, opened, paid_in, recorded
from hyperliquid_simulator.past.opening import trading
from hyperliquid_simulator.past.orders import Orders, liquidated, ordered
from hyperliquid_simulator.past.past import (
    BLOCK_MS,
    FIRST_PAST_ORDER,
    HEIGHT_REFERENCE,
    Past,
    PastTrades,
)
from hyperliquid_simulator.past.past_movements import past_movements
from hyperliquid_simulator.wire import MICRO

ORDER_STEP: Final = 8
"""Distance between the ids of consecutive orders; what is between belongs to those who fill them."""


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
    coins = trading(config)
    first_day = start_ms // DAY_MS - config.history_days
    origin = first_day * DAY_MS
    minutes = (start_ms - origin) // MINUTE_MS
    population = draw_population(people(config), coins)
    seats = draw_seats(config.seed, population, len(coins))
    prices = Prices(config.seed, coins, first_day)
    decisions = Decisions(config.seed, population, prices, first_day)
    views, closes, level = _drawn(prices, decisions, minutes)
    past, pending = views.minute < minutes, views.minute >= minutes
    wanted = ordered(views.taken(past), population, closes)
    orders, deaths = liquidated(wanted, population, coins, closes)
    trades = _trades(seats, Tape(coins, closes, origin), orders)
    funding = past_funding(config.seed, closes, multipliers(coins), origin, start_ms)
    fills, book = folded(trades, funding, len(population))
    quoted = round(config.usual_dollars_per_minute * MICRO)
    valued = Valued(coins, closes, funding, origin)
    records, earned = recorded(population, trades, valued, quoted)
    paid = paid_in(population, valued, earned, deaths)
    accounts = opened(population, valued, records.volume[-1], earned, paid, book)
    movements = past_movements(
        config.seed,
        population,
        paid,
        (origin, start_ms),
        config.movements_per_day,
    )
    for account, usd in zip(
        accounts, movements.balances(len(population), start_ms).tolist(), strict=True
    ):
        account.pocket(OWN).receive(usd - account.deposited)
    return Past(
        population=population,
        seats=seats,
        coins=coins,
        origin_ms=origin,
        closes=closes,
        level=level,
        trades=trades,
        fills=fills,
        records=records,
        funding=funding,
        movements=movements,
        accounts=accounts,
        prices=prices,
        decisions=decisions,
        views=views.taken(past),
        pending=views.taken(pending),
        deaths=deaths,
    )


def people(config: Config) -> People:
    """Return what the population of a venue is drawn from."""
    return People(
        seed=config.seed,
        count=config.traders,
        days=config.history_days,
        shares=config.shares,
        skill_ic=config.skill_ic,
        one_regime=config.one_regime,
        tempo=config.tempo,
    )


def past_bars(past: Past, config: Config, index: int) -> Bars:
    """Return the one-minute bars of a coin's past: known trades among those of an anonymous crowd."""
    coin = past.coins[index]
    bars = Bars(coin, past.origin_ms, past.closes[index])

    def filled() -> None:
        bars.fill_past(*crowd(past, config, coin))
        mine = past.trades.coin == index
        bars.add_past(past.trades.time[mine], past.trades.lots[mine])

    bars.owe(filled)
    return bars


def crowd(past: Past, config: Config, coin: Coin) -> tuple[np.random.Generator, Floats, float]:
    """Return what the anonymous crowd's bars of a coin are drawn from."""
    share = coin.popularity / sum(c.popularity for c in past.coins)
    rng = stream(config.seed, "crowd", coin.name)
    return rng, past.level, config.usual_dollars_per_minute * share


def _drawn(prices: Prices, decisions: Decisions, minutes: int) -> tuple[Views, list[Ints], Floats]:
    """Draw whole days; prices are cut at ``minutes``, decisions are not."""
    views, closes, level = [], [], []
    for day in range(minutes // DAY_MINUTES + 1):
        views.append(decisions.day(day))
        closes.append(prices.closes(day))
        level.append(prices.level(day))
    joined = [np.concatenate(days)[:minutes] for days in zip(*closes, strict=True)]
    return Views.joined(views), joined, np.concatenate(level)[:minutes]


def _trades(seats: Seats, tape: Tape, orders: Orders) -> PastTrades:
    """Let every order happen in a block and be filled by one to three others, in order of time."""
    block, time = _blocks(tape.origin_ms + orders.minute * MINUTE_MS, orders.fraction)
    ticks = tape.ticks(orders.coin, orders.minute, time)
    order = np.lexsort((orders.account, orders.coin, time))
    orders, time, ticks, block = orders.taken(order), time[order], ticks[order], block[order]
    taker, coin = orders.account, orders.coin
    rows, nth, share = _swept(orders.lots, seats.parts[taker, coin])
    order_id = FIRST_PAST_ORDER + ORDER_STEP * (rows + 1)
    return PastTrades(
        time=time[rows],
        height=block[rows],
        index=_place_in_block(time)[rows],
        coin=coin[rows],
        ticks=ticks[rows],
        lots=np.sign(orders.lots[rows]) * share,
        taker=taker[rows],
        maker=seats.others[taker[rows], coin[rows], nth],
        taker_order=order_id,
        maker_order=order_id - 1 - nth,
        forced=orders.forced[rows],
    )


def _blocks(minute_ms: Ints, fraction: Floats) -> tuple[Ints, Ints]:
    """Return height and time of the block at a moment of each minute."""
    moment = minute_ms + fraction * (MINUTE_MS - 2 * BLOCK_MS)
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
