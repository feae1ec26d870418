"""Accounting of the past, all accounts side by side: fills, positions, profit, deposits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hyperliquid_simulator.funding import PastFunding
from hyperliquid_simulator.ledger import MAKER_FEE, REBATE, TAKER_FEE, Account, Position
from hyperliquid_simulator.market import MINUTE_MS, Floats, Ints
from hyperliquid_simulator.past import PastFills, PastTrades, Records
from hyperliquid_simulator.population import Population
from hyperliquid_simulator.wire import MICRO

RECENT_HOURS: Final = 8 * 24
SAFE_LEVERAGE: Final = 2.5


@dataclass(frozen=True, slots=True)
class Book:
    """Where folding the past ended: (account, coin) pairs with lots, cost and funding paid."""

    account: Ints
    coin: Ints
    lots: Ints
    cost: Ints
    funding: Ints
    funding_since_open: Ints
    funding_since_change: Ints


@dataclass(frozen=True, slots=True)
class Rows:
    """Fills in order of account, coin and time; ``paid`` is the coin's funding index then."""

    account: Ints
    coin: Ints
    delta: Ints
    ticks: Ints
    paid: Floats

    @property
    def key(self) -> Ints:
        """One number per chain: an account in a coin."""
        joined: Ints = self.account * (int(self.coin.max(initial=0)) + 1) + self.coin
        return joined


def folded(trades: PastTrades, funding: PastFunding, accounts: int) -> tuple[PastFills, Book]:
    """Run every account's fills through average-cost accounting, all accounts side by side."""
    count = len(trades)
    account = np.concatenate([trades.taker, trades.maker])
    trade = np.tile(np.arange(count), 2)
    delta = np.concatenate([trades.lots, -trades.lots])
    by_chain = np.lexsort((trade, trades.coin[trade], account))
    chained = trade[by_chain]
    coin = trades.coin[chained]
    rows = Rows(
        account[by_chain],
        coin,
        delta[by_chain],
        trades.ticks[chained],
        funding.paid(coin, trades.time[chained]),
    )
    start, closed, book = _chains(rows, funding.index[-1])
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


def _chains(rows: Rows, paid_now: Floats) -> tuple[Ints, Ints, Book]:
    """Return start position and realised profit of every row, and where each chain ended.

    Step k handles the k-th fill of every chain at once; longer chains come first, so that the
    chains still running are always a prefix.
    """
    heads = np.flatnonzero(np.diff(rows.key, prepend=-1))
    lengths = np.diff(heads, append=len(rows.delta))
    order = np.argsort(-lengths, kind="stable")
    heads, lengths = heads[order], lengths[order]
    lots, cost = np.zeros(len(heads), dtype=np.int64), np.zeros(len(heads), dtype=np.int64)
    start, closed = np.zeros_like(rows.delta), np.zeros_like(rows.delta)
    due = Funding.none(len(heads))
    for k in range(int(lengths[0]) if len(lengths) else 0):
        running = int(np.searchsorted(-lengths, -k, side="left"))
        now = heads[:running] + k
        held, paid = lots[:running], cost[:running]
        change, price = rows.delta[now], rows.ticks[now]
        start[now] = held
        opposite = held * np.sign(change) < 0
        closing = np.where(opposite, np.sign(change) * np.minimum(np.abs(change), np.abs(held)), 0)
        part = np.abs(closing) / np.maximum(np.abs(held), 1)
        released = np.rint(paid * part).astype(np.int64)
        closed[now] = -closing * price - released
        due.accrue(held, rows.paid[now])
        due.change(anew=np.abs(closing) == np.abs(held))
        paid += (change - closing) * price - released
        held += change
    account, coin = rows.account[heads], rows.coin[heads]
    due.accrue(lots, paid_now[coin])
    book = Book(account, coin, lots, cost, due.total, due.since_open, due.since_change)
    return start, closed, book


@dataclass(frozen=True, slots=True)
class Funding:
    """What chains have paid so far; ``seen`` is the index up to which they have.

    Amounts are rounded so that those of consecutive spans add up to that of the whole.
    """

    seen: Floats
    total: Ints
    since_open: Ints
    since_change: Ints

    @classmethod
    def none(cls, chains: int) -> "Funding":
        """Return chains that paid nothing yet."""
        zero = np.zeros(chains, dtype=np.int64)
        return cls(np.zeros(chains), zero, zero.copy(), zero.copy())

    def accrue(self, lots: Ints, paid: Floats) -> None:
        """Let the first chains, holding these lots, pay up to an index."""
        n = len(lots)
        amount = (np.rint(lots * paid) - np.rint(lots * self.seen[:n])).astype(np.int64)
        for sums in (self.total, self.since_open, self.since_change):
            sums[:n] += amount
        self.seen[:n] = paid

    def change(self, *, anew: npt.NDArray[np.bool_]) -> None:
        """Begin anew what counts since the last trade, or since the position was opened."""
        n = len(anew)
        self.since_change[:n] = 0
        self.since_open[:n][anew] = 0


@dataclass(frozen=True, slots=True)
class Valued:
    """What a lot of each coin was worth: closing prices by minute, and funding."""

    closes: Sequence[Ints]
    funding: PastFunding

    def prices(self, coin: int, minutes: Ints) -> Ints:
        """Return the last closes before moments, in minutes since the history began."""
        return self.closes[coin][np.maximum(minutes - 1, 0)]


def recorded(
    population: Population,
    trades: PastTrades,
    valued: Valued,
    origin: int,
    quoted_per_minute: int,
) -> tuple[Records, Ints]:
    """Value every account at past moments; also returns the cash its trades left it with.

    ``quoted_per_minute`` micro-dollars is what the makers together traded with the anonymous part
    of the venue: it counts as their volume and left them with no position.
    """
    grid = _moments(len(valued.closes[0]))
    times = origin + grid * MINUTE_MS
    sums = Sums(trades, np.searchsorted(times, trades.time), (len(grid) + 1, len(population)))
    notional, signed = np.abs(trades.lots) * trades.ticks, trades.lots * trades.ticks
    makers = np.array([t.index for t in population.makers])
    rate = np.where(np.isin(trades.maker, makers), REBATE, MAKER_FEE)
    fees = notional * TAKER_FEE // MICRO, notional * rate // MICRO
    cash = sums.running(-signed - fees[0], signed - fees[1])
    profit = cash[:-1].copy()
    paid = np.rint(trades.lots * valued.funding.paid(trades.coin, trades.time)).astype(np.int64)
    profit += sums.running(paid, -paid)[:-1]
    for i in range(len(valued.closes)):
        lots = np.where(trades.coin == i, trades.lots, 0)
        held = sums.running(lots, -lots)[:-1]
        funding = valued.funding.paid(np.full_like(times, i), times)
        funding[-1] = valued.funding.index[-1, i]
        profit += held * valued.prices(i, grid)[:, None]
        profit -= np.rint(held * funding[:, None]).astype(np.int64)
    volume = sums.running(notional, notional)[:-1]
    volume[:, makers] += (grid * quoted_per_minute // len(makers))[:, None]
    return Records(times, profit, volume), cash[-1]


@dataclass(frozen=True, slots=True)
class Sums:
    """Adds up amounts of trades per account, up to each moment (``row``) of a grid."""

    trades: PastTrades
    row: Ints
    shape: tuple[int, int]

    def running(self, taker: Ints, maker: Ints) -> Ints:
        """Return running totals: a row per moment, a column per account."""
        size = self.shape[0] * self.shape[1]
        at_taker = self.row * self.shape[1] + self.trades.taker
        at_maker = self.row * self.shape[1] + self.trades.maker
        total = np.zeros(size, dtype=np.int64)
        np.add.at(total, at_taker, taker)
        np.add.at(total, at_maker, maker)
        summed: Ints = np.cumsum(total.reshape(self.shape), axis=0)
        return summed


def _moments(minutes: int) -> Ints:
    """Return when records were taken: hourly for the last days, twice a day before, and now."""
    recent = np.arange(minutes, max(minutes - RECENT_HOURS * 60, 0) - 1, -60)
    older = np.arange(int(recent[-1]) - 720, -1, -720)
    return np.unique(np.concatenate([[0], older, recent]))


def opened(
    population: Population, closes: Sequence[Ints], records: Records, cash: Ints, book: Book
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
    columns = (
        book.account,
        book.coin,
        book.lots,
        book.cost,
        book.funding,
        book.funding_since_open,
        book.funding_since_change,
    )
    for a, coin, lots, cost, *funding in zip(*(c.tolist() for c in columns), strict=True):
        accounts[a].positions[coin] = Position(lots, cost, *funding)
        accounts[a].cash -= funding[0]
    return accounts
