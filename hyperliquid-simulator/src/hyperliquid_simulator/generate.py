"""The past: regimes, prices, who traded when, and the books and records that result.

Traders decide at moments drawn for their style; every change of a target position becomes an order
that one to three makers fill. Positions, start positions, realised profit, equity and volume follow
from those trades alone, so nothing served about the past can contradict anything else.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from hyperliquid_simulator.catalogue import COINS, Coin
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.ledger import MAKER_FEE, REBATE, TAKER_FEE, Account, Position
from hyperliquid_simulator.market import (
    DAY_MINUTES,
    MINUTE_MS,
    Factor,
    Floats,
    Ints,
    Regimes,
    common_factor,
    draw_regimes,
    grid_prices,
    last_directions,
    past_prices,
    stream,
)
from hyperliquid_simulator.population import Population, Style, Trader, draw_population
from hyperliquid_simulator.wire import MICRO

BLOCK_MS: Final = 71.7
HEIGHT_REFERENCE: Final = (1_159_069_126, 1_790_231_124_365)
"""A block height and its time, from which all others are counted."""

RECENT_HOURS: Final = 8 * 24
MAKERS_PER_ORDER: Final = (0.57, 0.29, 0.14)
FIRST_ORDER: Final = 566_000_000_000
SAFE_LEVERAGE: Final = 2.5


@dataclass(frozen=True, slots=True)
class PastTrades:
    """Trades in order of time, one array per column; ``lots`` are signed by the taker's side."""

    time: Ints
    height: Ints
    index: Ints
    coin: Ints
    ticks: Ints
    lots: Ints
    taker: Ints
    maker: Ints
    taker_order: Ints
    maker_order: Ints

    def __len__(self) -> int:
        return len(self.time)


@dataclass(frozen=True, slots=True)
class PastFills:
    """Both sides of all past trades, sorted by account and then by time.

    The rows of account ``a`` are ``first[a]`` up to ``first[a + 1]``; ``trade`` points back.
    """

    first: Ints
    trade: Ints
    delta: Ints
    start: Ints
    closed: Ints
    crossed: Ints


@dataclass(frozen=True, slots=True)
class Records:
    """Profit and traded volume of every account (columns) at past moments (rows)."""

    time: Ints
    profit: Ints
    volume: Ints


@dataclass(frozen=True, slots=True)
class Past:
    """Everything that exists before the first live block."""

    population: Population
    coins: tuple[Coin, ...]
    origin_ms: int
    closes: list[Ints]
    directions: list[int]
    level: Floats
    trades: PastTrades
    fills: PastFills
    records: Records
    accounts: list[Account]


def block_height(time_ms: int) -> int:
    """Return the height of the last block at or before a moment."""
    height, time = HEIGHT_REFERENCE
    return height + int((time_ms - time) // BLOCK_MS)


def generate(config: Config, start_ms: int) -> Past:
    """Build the past of a venue; the same configuration and start give the same bytes."""
    coins = COINS[: config.coins]
    minutes = config.history_days * DAY_MINUTES
    end_ms = start_ms - start_ms % MINUTE_MS
    origin = end_ms - minutes * MINUTE_MS
    population = draw_population(config.seed, config.traders, coins)
    factor = Factor(*common_factor(config.seed, minutes))
    directions = last_directions(config.seed, coins)
    closes, orders = [], []
    for i, coin in enumerate(coins):
        rng = stream(config.seed, "past", coin.name)
        regimes = draw_regimes(rng, minutes, directions[i])
        closes.append(past_prices(coin, rng, regimes, factor, config.edge))
        orders.append(_orders(i, population, closes[i], regimes, rng))
    trades = _trades(config.seed, population, coins, closes, orders, origin)
    fills, book = _fold(trades, len(population), len(coins))
    records, cash = _records(population, trades, closes, origin)
    accounts = _accounts(population, closes, records, cash, book)
    return Past(
        population=population,
        coins=coins,
        origin_ms=origin,
        closes=closes,
        directions=directions,
        level=factor.level,
        trades=trades,
        fills=fills,
        records=records,
        accounts=accounts,
    )


def _orders(
    coin: int, population: Population, close: Ints, regimes: Regimes, rng: np.random.Generator
) -> Ints:
    """Return (trader, minute, signed lots) rows: how targets in one coin changed."""
    members = [t for t in population.traders if coin in t.coins and t not in population.makers]
    skilled = [t for t in members if t.planted]
    others = [t for t in members if not t.planted]
    wanted = np.concatenate(
        [_followed(skilled, close, regimes, rng), _wandered(others, close, rng)]
    )
    wanted = wanted[np.lexsort((wanted[:, 1], wanted[:, 0]))]
    again = (np.diff(wanted[:, :2], axis=0, prepend=-1) == 0).all(axis=1)
    wanted = wanted[~again]
    fresh = np.diff(wanted[:, 0], prepend=-1) != 0
    previous = np.where(fresh, 0, np.roll(wanted[:, 2], 1))
    delta = wanted[:, 2] - previous
    changed: Ints = np.column_stack([wanted[:, :2], delta])[delta != 0]
    return changed


def _targets(
    who: Ints, minute: Ints, conviction: Floats, traders: list[Trader], close: Ints
) -> Ints:
    """Return (trader, minute, target lots) rows for convictions in [-1, 1]."""
    budget = np.array([t.capital * t.exposure * MICRO for t in traders])
    index = np.array([t.index for t in traders], dtype=np.int64)
    lots = np.rint(conviction * budget[who] / close[minute]).astype(np.int64)
    return np.column_stack([index[who], minute, lots])


def _followed(
    traders: list[Trader], close: Ints, regimes: Regimes, rng: np.random.Generator
) -> Ints:
    """Let skilled traders turn with every regime, some of them the wrong way.

    The larger half reads the last regime rightly, so that the venue opens with planted conviction.
    """
    shape = (len(traders), len(regimes.starts))
    if not traders:
        return np.empty((0, 3), dtype=np.int64)
    accuracy = np.array([t.accuracy for t in traders])[:, None]
    right = np.where(rng.random(shape) < accuracy, 1, -1)
    by_size = np.argsort([-t.capital * t.exposure for t in traders])
    right[by_size[: (len(traders) + 1) // 2], -1] = 1
    conviction = right * regimes.directions * rng.uniform(0.6, 1.0, shape)
    minute = (regimes.starts + rng.exponential(45, shape)).astype(np.int64)
    minute = np.minimum(minute, len(close) - 1)
    who = np.broadcast_to(np.arange(len(traders))[:, None], shape)
    return _targets(who.ravel(), minute.ravel(), conviction.ravel(), traders, close)


def _wandered(traders: list[Trader], close: Ints, rng: np.random.Generator) -> Ints:
    """Let the unskilled decide at random moments, contrarians against the last day."""
    if not traders:
        return np.empty((0, 3), dtype=np.int64)
    minutes = len(close)
    tempo = np.array([t.tempo / len(t.coins) for t in traders])
    counts = rng.poisson(tempo * minutes / DAY_MINUTES)
    who = np.repeat(np.arange(len(traders)), counts)
    styles = np.array([t.style for t in traders])[who]
    awake = np.where(styles == Style.DORMANT, 0.4, 1.0)
    minute = (rng.random(len(who)) * awake * minutes).astype(np.int64)
    view = rng.choice([-1.0, 0.0, 1.0], len(who), p=[0.35, 0.25, 0.40])
    against = -np.sign(close[minute] - close[np.maximum(minute - DAY_MINUTES, 0)])
    view = np.where((styles == Style.CONTRARIAN) & (view != 0), against, view)
    return _targets(who, minute, view * rng.uniform(0.3, 1.0, len(who)), traders, close)


def _trades(
    seed: int,
    population: Population,
    coins: tuple[Coin, ...],
    closes: list[Ints],
    orders: list[Ints],
    origin: int,
) -> PastTrades:
    """Fill every order from one to three makers, in order of time."""
    rng = stream(seed, "fills")
    coin = np.repeat(np.arange(len(coins)), [len(rows) for rows in orders])
    taker, minute, lots = np.concatenate(orders).T
    moment = origin + minute * MINUTE_MS + rng.random(len(coin)) * (MINUTE_MS - 2 * BLOCK_MS)
    reference_height, reference_time = HEIGHT_REFERENCE
    block = np.ceil((moment - reference_time) / BLOCK_MS)
    time = (reference_time + np.rint(block * BLOCK_MS)).astype(np.int64)
    fraction = (time - origin) / MINUTE_MS - minute
    ticks = np.empty(len(coin), dtype=np.int64)
    for i, close in enumerate(closes):
        mine = coin == i
        opened, closed = close[np.maximum(minute[mine] - 1, 0)], close[minute[mine]]
        price = opened + np.clip(fraction[mine], 0, 1) * (closed - opened)
        ticks[mine] = grid_prices(price, coins[i].price_decimals)
    order = np.lexsort((taker, coin, time))
    coin, taker, lots, time, ticks, block = (
        column[order] for column in (coin, taker, lots, time, ticks, block)
    )
    first = np.diff(time, prepend=-1) != 0
    place = np.arange(len(time))
    index = place - np.maximum.accumulate(np.where(first, place, 0)) + 1
    sides = np.minimum(rng.choice([1, 2, 3], len(time), p=MAKERS_PER_ORDER), np.abs(lots))
    rows = np.repeat(place, sides)
    nth = np.arange(len(rows)) - np.repeat(np.cumsum(sides) - sides, sides)
    share = np.abs(lots[rows]) // sides[rows] + (nth < np.abs(lots[rows]) % sides[rows])
    makers = np.array([t.index for t in population.makers])
    lead = rng.integers(0, len(makers), len(time))[rows]
    return PastTrades(
        time=time[rows],
        height=reference_height + block[rows].astype(np.int64),
        index=index[rows],
        coin=coin[rows],
        ticks=ticks[rows],
        lots=np.sign(lots[rows]) * share,
        taker=taker[rows],
        maker=makers[(lead + nth) % len(makers)],
        taker_order=FIRST_ORDER - 8 * (len(time) - rows),
        maker_order=FIRST_ORDER - 8 * (len(time) - rows) - 1 - nth,
    )


@dataclass(frozen=True, slots=True)
class Book:
    """Where folding the past ended: (account, coin) pairs with lots and cost."""

    account: Ints
    coin: Ints
    lots: Ints
    cost: Ints


def _fold(trades: PastTrades, accounts: int, coins: int) -> tuple[PastFills, Book]:
    """Run every account's fills through average-cost accounting, all accounts side by side."""
    count = len(trades)
    account = np.concatenate([trades.taker, trades.maker])
    trade = np.tile(np.arange(count), 2)
    delta = np.concatenate([trades.lots, -trades.lots])
    key = account * coins + trades.coin[trade]
    by_chain = np.lexsort((trade, key))
    start, closed, book = _chains(
        key[by_chain], delta[by_chain], trades.ticks[trade[by_chain]], coins
    )
    back = np.empty_like(by_chain)
    back[by_chain] = np.arange(2 * count)
    by_account = np.lexsort((trade, account))
    fills = PastFills(
        first=np.searchsorted(account[by_account], np.arange(accounts + 1)),
        trade=trade[by_account],
        delta=delta[by_account],
        start=start[back[by_account]],
        closed=closed[back[by_account]],
        crossed=(by_account < count).astype(np.int64),
    )
    return fills, book


def _chains(key: Ints, delta: Ints, ticks: Ints, coins: int) -> tuple[Ints, Ints, Book]:
    """Return start position and realised profit of every row, and where each chain ended.

    Step k handles the k-th fill of every chain at once; longer chains come first, so that the
    chains still running are always a prefix.
    """
    heads = np.flatnonzero(np.diff(key, prepend=-1))
    lengths = np.diff(heads, append=len(key))
    order = np.argsort(-lengths, kind="stable")
    heads, lengths = heads[order], lengths[order]
    lots, cost = np.zeros(len(heads), dtype=np.int64), np.zeros(len(heads), dtype=np.int64)
    start, closed = np.zeros_like(key), np.zeros_like(key)
    for k in range(int(lengths[0]) if len(lengths) else 0):
        running = int(np.searchsorted(-lengths, -k, side="left"))
        rows = heads[:running] + k
        held, paid, change, price = lots[:running], cost[:running], delta[rows], ticks[rows]
        start[rows] = held
        opposite = held * np.sign(change) < 0
        closing = np.where(opposite, np.sign(change) * np.minimum(np.abs(change), np.abs(held)), 0)
        part = np.abs(closing) / np.maximum(np.abs(held), 1)
        released = np.rint(paid * part).astype(np.int64)
        closed[rows] = -closing * price - released
        paid += (change - closing) * price - released
        held += change
    pair = key[heads]
    return start, closed, Book(pair // coins, pair % coins, lots, cost)


def _records(
    population: Population, trades: PastTrades, closes: list[Ints], origin: int
) -> tuple[Records, Ints]:
    """Value every account at past moments; also returns the cash its trades left it with."""
    minutes, people = len(closes[0]), len(population)
    grid = _moments(minutes)
    times = origin + grid * MINUTE_MS
    row = np.searchsorted(times, trades.time)
    notional = np.abs(trades.lots) * trades.ticks
    vault_or_maker = np.zeros(people, dtype=bool)
    vault_or_maker[[t.index for t in population.makers]] = True
    maker_rate = np.where(vault_or_maker[trades.maker], REBATE, MAKER_FEE)
    taker_fee, maker_fee = notional * TAKER_FEE // MICRO, notional * maker_rate // MICRO
    shape = (len(grid) + 1, people)
    cash, volume = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    signed = trades.lots * trades.ticks
    np.add.at(cash, (row, trades.taker), -signed - taker_fee)
    np.add.at(cash, (row, trades.maker), signed - maker_fee)
    np.add.at(volume, (row, trades.taker), notional)
    np.add.at(volume, (row, trades.maker), notional)
    cash, volume = np.cumsum(cash, axis=0), np.cumsum(volume, axis=0)
    profit = cash[:-1].copy()
    for i, close in enumerate(closes):
        mine = trades.coin == i
        held = np.zeros(shape, dtype=np.int64)
        np.add.at(held, (row[mine], trades.taker[mine]), trades.lots[mine])
        np.add.at(held, (row[mine], trades.maker[mine]), -trades.lots[mine])
        held = np.cumsum(held[:-1], axis=0)
        profit += held * close[np.maximum(grid - 1, 0)][:, None]
    return Records(times, profit, volume[:-1]), cash[-1]


def _moments(minutes: int) -> Ints:
    """Return when records were taken: hourly for the last days, twice a day before, and now."""
    recent = np.arange(minutes, max(minutes - RECENT_HOURS * 60, 0) - 1, -60)
    older = np.arange(int(recent[-1]) - 720, -1, -720)
    return np.unique(np.concatenate([[0], older, recent]))


def _accounts(
    population: Population, closes: list[Ints], records: Records, cash: Ints, book: Book
) -> list[Account]:
    """Open every account with a deposit that its whole past fits into."""
    last = np.array([int(close[-1]) for close in closes])
    gross = np.zeros(len(population), dtype=np.int64)
    np.add.at(gross, book.account, np.abs(book.lots) * last[book.coin])
    worst = records.profit.min(axis=0)
    accounts = []
    for trader in population.traders:
        i = trader.index
        needed = max(-1.6 * float(worst[i]), float(gross[i]) / SAFE_LEVERAGE - float(worst[i]))
        deposit = round(max(trader.capital, needed / MICRO), 2)
        deposited = round(deposit * 100) * (MICRO // 100)
        accounts.append(
            Account(
                index=i,
                cash=deposited + int(cash[i]),
                deposited=deposited,
                leverage=trader.leverage,
                volume=int(records.volume[-1, i]),
            )
        )
    for a, coin, lots, cost in zip(
        book.account.tolist(),
        book.coin.tolist(),
        book.lots.tolist(),
        book.cost.tolist(),
        strict=True,
    ):
        accounts[a].positions[coin] = Position(lots, cost)
    return accounts
