"""Accounting of the past, all accounts side by side: fills, positions, profit, deposits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hyperliquid_simulator.accounts.account import Account
from hyperliquid_simulator.accounts.holdings import Pocket, Position
from hyperliquid_simulator.accounts.ledger import MAKER_FEE, REBATE, TAKER_FEE
from hyperliquid_simulator.accounts.payments import (
    CENT,
    LOOK_MS,
    Course,
    Payments,
    owners,
    payments,
)
from hyperliquid_simulator.accounts.population import Population
from hyperliquid_simulator.accounts.styles import VAULTS, Style
from hyperliquid_simulator.coins.catalogue import Perp
from hyperliquid_simulator.coins.dexes import OWN
from hyperliquid_simulator.coins.funding import PastFunding
from hyperliquid_simulator.coins.market import MINUTE_MS, Floats, Ints
from hyperliquid_simulator.past.past import PastFills, PastTrades, Records
from hyperliquid_simulator.wire import MICRO

RECENT_HOURS: Final = 8 * 24
LOOK_MINUTES: Final = LOOK_MS // MINUTE_MS
VAULT_RESERVE: Final = 2
"""How many times its capital, and its worst loss, a vault was given."""

BUILDER_PART: Final = 0.2
"""Part of its capital that an account has on each builder's dex it trades on."""


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
    account = np.stack([trades.taker, trades.maker], axis=1).ravel()
    trade = np.repeat(np.arange(len(trades)), 2)
    delta = np.stack([trades.lots, -trades.lots], axis=1).ravel()
    by_chain = np.lexsort((_narrow(trades.coin)[trade], _narrow(account)))
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
    back[by_chain] = np.arange(len(by_chain))
    by_account = np.argsort(_narrow(account), kind="stable")
    fills = PastFills(
        first=np.searchsorted(account[by_account], np.arange(accounts + 1)),
        trade=trade[by_account],
        delta=delta[by_account],
        start=start[back[by_account]],
        closed=closed[back[by_account]],
        crossed=1 - by_account % 2,
    )
    return fills, book


def _narrow(numbers: Ints) -> npt.NDArray[np.unsignedinteger[Any]]:
    """Return small numbers in as few bits as they need: those of up to 16 are sorted in one pass."""
    return numbers.astype(np.min_scalar_type(numbers.max(initial=0)))


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

    coins: Sequence[Perp]
    closes: Sequence[Ints]
    funding: PastFunding
    origin_ms: int

    def by_dex(self) -> dict[str, list[int]]:
        """Return the coins of each perp dex."""
        found: dict[str, list[int]] = {}
        for index, coin in enumerate(self.coins):
            found.setdefault(coin.dex, []).append(index)
        return found

    def prices(self, coin: int, minutes: Ints) -> Ints:
        """Return the last closes before moments, in minutes since the history began."""
        return self.closes[coin][np.maximum(minutes - 1, 0)]


@dataclass(frozen=True, slots=True)
class Earned:
    """What every account's past came to on one perp dex, before any deposit.

    ``cash`` is what the trades left it with, ``course`` what it won and held meanwhile.
    """

    cash: Ints
    course: Course


def recorded(
    population: Population, trades: PastTrades, valued: Valued, quoted_per_minute: int
) -> tuple[Records, dict[str, Earned]]:
    """Value every account at past moments; also returns what became of its money on each dex.

    ``quoted_per_minute`` micro-dollars is what the makers together traded with the anonymous part
    of the venue: it counts as their volume and left them with no position.
    """
    grid = _moments(valued.origin_ms, len(valued.closes[0]))
    times = valued.origin_ms + grid * MINUTE_MS
    makers = np.array([t.index for t in population.makers])
    profit = np.zeros((len(grid), len(population)), dtype=np.int64)
    volume = np.zeros_like(profit)
    earned: dict[str, Earned] = {}
    for dex, coins in valued.by_dex().items():
        here = trades.where(np.isin(trades.coin, coins))
        sums = Sums(here, np.searchsorted(times, here.time), (len(grid) + 1, len(population)))
        cash = sums.running(*_paid_for(here, makers))
        worth, gross = _held(sums, valued, times, coins)
        on_dex = cash[:-1] + worth
        earned[dex] = Earned(cash[-1], Course(times, on_dex, gross))
        notional = np.abs(here.lots) * here.ticks
        profit += on_dex
        volume += sums.running(notional, notional)[:-1]
    volume[:, makers] += (grid * quoted_per_minute // len(makers))[:, None]
    return Records(times, profit, volume), earned


def _paid_for(trades: PastTrades, makers: Ints) -> tuple[Ints, Ints]:
    """Return the money that each trade brought its taker and its maker, fees paid."""
    signed = trades.lots * trades.ticks
    rate = np.where(np.isin(trades.maker, makers), REBATE, MAKER_FEE)
    fees = np.abs(signed) * TAKER_FEE // MICRO, np.abs(signed) * rate // MICRO
    return -signed - fees[0], signed - fees[1]


def _held(sums: "Sums", valued: Valued, times: Ints, coins: Sequence[int]) -> tuple[Ints, Ints]:
    """Return what all positions were worth at the moments of a grid, funding paid, and their size."""
    trades, minutes = sums.trades, (times - valued.origin_ms) // MINUTE_MS
    paid = np.rint(trades.lots * valued.funding.paid(trades.coin, trades.time)).astype(np.int64)
    worth = sums.running(paid, -paid)[:-1]
    gross = np.zeros_like(worth)
    for i in coins:
        lots = np.where(trades.coin == i, trades.lots, 0)
        held = sums.running(lots, -lots)[:-1]
        funding = valued.funding.paid(np.full_like(times, i), times)
        funding[-1] = valued.funding.index[-1, i]
        value = held * valued.prices(i, minutes)[:, None]
        worth += value - np.rint(held * funding[:, None]).astype(np.int64)
        gross += np.abs(value)
    return worth, gross


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


def _moments(origin_ms: int, minutes: int) -> Ints:
    """Return when records were taken: at every look, hourly for the last days, at first and now."""
    looks = np.arange(-(origin_ms // MINUTE_MS) % LOOK_MINUTES, minutes + 1, LOOK_MINUTES)
    recent = np.arange(minutes, max(minutes - RECENT_HOURS * 60, 0) - 1, -60)
    return np.unique(np.concatenate([[0], looks, recent, [minutes]]))


def capitals(population: Population, valued: Valued, dex: str) -> dict[int, int]:
    """Return with how many micro-dollars every account that uses a dex begins there."""
    coins, part = set(valued.by_dex()[dex]), 1.0 if dex == OWN else BUILDER_PART
    found = {}
    for trader in population.traders:
        doomed, here = trader.style is Style.GAMBLER, not coins.isdisjoint(trader.coins)
        if here or (dex == OWN and not doomed):
            capital = trader.capital * (1.0 if doomed else part)
            found[trader.index] = round(capital * 100) * CENT
    return found


def paid_in(
    population: Population, valued: Valued, earned: Mapping[str, Earned], deaths: Mapping[int, int]
) -> dict[str, Payments]:
    """Return what was paid into every account on each dex, and taken out again.

    Vaults are given at the beginning what their whole past needs: their depositors leave it there.
    """
    found = {}
    for dex, past in earned.items():
        capital = capitals(population, valued, dex)
        paying = owners(population.traders, capital, valued.origin_ms, deaths)
        vaults = [t.index for t in population.traders if t.style in VAULTS and t.index in capital]
        given = [
            max(VAULT_RESERVE * capital[i], -VAULT_RESERVE * int(past.course.profit[:, i].min()))
            for i in vaults
        ]
        began = np.full(len(vaults), valued.origin_ms - 1)
        beginning = Payments(began, np.array(vaults), np.array(given))
        paid = Payments.joined([beginning, payments(paying, past.course)])
        found[dex] = paid.until(int(past.course.times[-1]))
    return found


def opened(
    population: Population,
    valued: Valued,
    volume: Ints,
    earned: Mapping[str, Earned],
    paid: Mapping[str, Payments],
    book: Book,
) -> list[Account]:
    """Open every account with what was paid in and what became of it."""
    accounts = [
        Account(index=trader.index, leverage=trader.leverage, volume=int(volume[trader.index]))
        for trader in population.traders
    ]
    for dex, past in earned.items():
        deposited = paid[dex].total(len(population)).tolist()
        for index in capitals(population, valued, dex):
            pocket = Pocket(deposited[index] + int(past.cash[index]), deposited[index])
            accounts[index].pockets[dex] = pocket
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
        accounts[a].pocket(valued.coins[coin].dex).cash -= funding[0]
    return accounts
