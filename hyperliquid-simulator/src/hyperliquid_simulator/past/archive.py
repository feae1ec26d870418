"""Fills and funding of an account over past and present, in the venue's orders and limits."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

import numpy as np

from hyperliquid_simulator.accounts.account import FILLS_KEPT, Account
from hyperliquid_simulator.accounts.ledger import MAKER_FEE, REBATE, TAKER_FEE
from hyperliquid_simulator.accounts.movements import Kind, Movement, liquidation_details
from hyperliquid_simulator.accounts.trades import Cause, Charge, Fill, Liquidated
from hyperliquid_simulator.coins.catalogue import Coin
from hyperliquid_simulator.past.past import Past
from hyperliquid_simulator.wire import MICRO, trade_id, transaction_hash

DAY_MS: Final = 86_400_000

MOST: Final = 2_000
"""Fills in one answer."""

MOST_PAYMENTS: Final = 500
"""Funding payments, rates or ledger entries in one answer."""


def execution_order(past: Past, seed: int, account: Account) -> list[Fill]:
    """Return the account's most recent fills as they happened, oldest first."""
    live = list(account.fills)
    room = FILLS_KEPT - len(live)
    found = [*_past_fills(past, seed, account.index, room), *live]
    return sorted(found, key=lambda fill: fill.time)


def executed(past: Past, account: Account) -> int:
    """Return how many fills an account ever had."""
    first = past.fills.first
    return int(first[account.index + 1] - first[account.index]) + account.executed


def newest_blocks_first(fills: Sequence[Fill]) -> list[Fill]:
    """Return fills newest block first, in execution order inside a block."""
    blocks = [list(block) for _, block in groupby(fills, key=lambda fill: fill.time)]
    return [fill for block in reversed(blocks) for fill in block]


def aggregated(fills: Iterable[Fill]) -> list[Fill]:
    """Merge the fills one order got in one block; the last trade id stands for all of them."""
    orders = groupby(fills, key=lambda fill: (fill.time, fill.coin, fill.order))
    return [_merged(list(parts)) for _, parts in orders]


def _merged(parts: Sequence[Fill]) -> Fill:
    lots = sum(part.lots for part in parts)
    return parts[-1]._replace(
        ticks=round(sum(part.lots * part.ticks for part in parts) / lots),
        lots=lots,
        start=parts[0].start,
        closed=sum(part.closed for part in parts),
        fee=sum(part.fee for part in parts),
    )


def between(fills: Iterable[Fill], start_ms: int, end_ms: int) -> list[Fill]:
    """Return the oldest fills with start <= time <= end, at most one answer's worth."""
    return [fill for fill in fills if start_ms <= fill.time <= end_ms][:MOST]


def charges(
    past: Past, account: Account, coins: Sequence[Coin], start_ms: int, end_ms: int
) -> list[Charge]:
    """Return the oldest funding payments with start <= time <= end, coins by name in an hour."""
    live = [charge for charge in account.charges if start_ms <= charge.time <= end_ms]
    live.sort(key=lambda charge: (charge.time, coins[charge.coin].name))
    return [*_past_charges(past, account.index, start_ms, end_ms), *live][:MOST_PAYMENTS]


def liquidations(past: Past, seed: int) -> dict[int, Movement]:
    """Return the entry of every account that the past's prices ruined.

    It won and lost nothing afterwards, so what it had paid in then tells what it was worth.
    """
    trades = past.trades
    found: dict[int, list[tuple[int, int, int]]] = {}
    for row in np.flatnonzero(trades.forced).tolist():
        who, lots, ticks = (int(c[row]) for c in (trades.taker, trades.lots, trades.ticks))
        found.setdefault(who, []).append((row, lots, ticks))
    entries = {}
    for who, rows in found.items():
        first, lots = rows[0][0], sum(lots for _, lots, _ in rows)
        fees = sum(abs(lots) * ticks * TAKER_FEE // MICRO for _, lots, ticks in rows)
        closed = (past.coins[int(trades.coin[first])], -lots, int(trades.ticks[first]))
        height, index = int(trades.height[first]), int(trades.index[first])
        name, time = transaction_hash(seed, height, index), int(trades.time[first])
        rows_before = [row for row in past.movements.of(who) if row.time <= time]
        paid_in = sum(row.perp_change(who) for row in rows_before)
        worth = paid_in + int(past.records.profit[-1, who]) + fees
        details = liquidation_details(worth, [closed], isolated=False)
        entries[who] = Movement(Kind.LIQUIDATION, time, name, None, who, 0, details=details)
    return entries


def _past_charges(past: Past, account: int, start_ms: int, end_ms: int) -> list[Charge]:
    """Return what an account held at each charge of the past, and what that came to."""
    funding, fills = past.funding, past.fills
    first, last = np.searchsorted(funding.times, [start_ms, end_ms + 1]).tolist()
    rows = slice(int(fills.first[account]), int(fills.first[account + 1]))
    trade, after = fills.trade[rows], fills.start[rows] + fills.delta[rows]
    traded, time = past.trades.coin[trade], past.trades.time[trade]
    by_name = np.argsort([coin.name for coin in past.coins])
    held = np.zeros((last - first, len(by_name)), dtype=np.int64)
    for column, coin in enumerate(by_name):
        mine = traded == coin
        seen = np.searchsorted(time[mine], funding.times[first:last])
        held[:, column] = np.concatenate([[0], after[mine]])[seen]
    hours, columns = np.nonzero(held)
    found = []
    for hour, column in zip(hours[:MOST_PAYMENTS], columns[:MOST_PAYMENTS], strict=True):
        coin, lots, row = int(by_name[column]), int(held[hour, column]), first + int(hour)
        before, behind = funding.index[row : row + 2, coin].tolist()
        paid = round(lots * behind) - round(lots * before)
        rate = float(funding.rates[row, coin])
        found.append(Charge(coin, int(funding.times[row]), rate, lots, paid))
    return found


def _past_fills(past: Past, seed: int, account: int, room: int) -> list[Fill]:
    fills, trades = past.fills, past.trades
    first, last = int(fills.first[account]), int(fills.first[account + 1])
    rows = range(max(first, last - room), last)
    makers = {trader.index for trader in past.population.makers}
    rate = REBATE if account in makers else MAKER_FEE
    found = []
    for row in rows:
        trade, delta = int(fills.trade[row]), int(fills.delta[row])
        crossed = bool(fills.crossed[row])
        taker, maker = int(trades.taker_order[trade]), int(trades.maker_order[trade])
        buyer_is_taker = int(trades.lots[trade]) > 0
        ticks = int(trades.ticks[trade])
        found.append(
            Fill(
                coin=int(trades.coin[trade]),
                ticks=ticks,
                lots=abs(delta),
                side="B" if delta > 0 else "A",
                time=int(trades.time[trade]),
                start=int(fills.start[row]),
                closed=int(fills.closed[row]),
                hash=transaction_hash(seed, int(trades.height[trade]), int(trades.index[trade])),
                order=taker if crossed else maker,
                crossed=crossed,
                fee=abs(delta) * ticks * (TAKER_FEE if crossed else rate) // MICRO,
                tid=trade_id(taker, maker) if buyer_is_taker else trade_id(maker, taker),
                twap=None,
                cause=_cause(past, trade, ticks),
            )
        )
    return found


def _cause(past: Past, trade: int, ticks: int) -> Cause | None:
    if not past.trades.forced[trade]:
        return None
    user = past.population.traders[int(past.trades.taker[trade])].address
    return Cause(liquidated=Liquidated(user, ticks, "market"))
