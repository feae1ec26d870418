"""Funding of an account over past and present, and the liquidations of the past."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from hyperliquid_simulator.accounts.ledger import TAKER_FEE, Ledger
from hyperliquid_simulator.accounts.movements import Kind, Movement, liquidation_details
from hyperliquid_simulator.accounts.trades import Charge
from hyperliquid_simulator.coins.catalogue import Coin
from hyperliquid_simulator.past.past import Past
from hyperliquid_simulator.wire import MICRO, transaction_hash

MOST_PAYMENTS: Final = 500
"""Funding payments, rates or ledger entries in one answer."""


def charges(
    past: Past, ledger: Ledger, account: int, coins: Sequence[Coin], start_ms: int, end_ms: int
) -> list[Charge]:
    """Return the oldest funding payments with start <= time <= end, coins by name in an hour."""
    live = ledger.charges.of(account, start_ms - 1, end_ms)
    live.sort(key=lambda charge: (charge.time, coins[charge.coin].name))
    return [*_past_charges(past, account, start_ms, end_ms), *live][:MOST_PAYMENTS]


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
