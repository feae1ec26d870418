"""The fills of an account over past and present; those of the past are made when they are asked for."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import groupby
from typing import Final

import numpy as np
from msgspec.structs import replace

from hyperliquid_simulator.accounts.account import Account
from hyperliquid_simulator.accounts.fill_log import EVER, KEPT
from hyperliquid_simulator.accounts.ledger import MAKER_FEE, REBATE, TAKER_FEE
from hyperliquid_simulator.accounts.trades import Cause, Fill, Liquidated
from hyperliquid_simulator.past.past import Past
from hyperliquid_simulator.wire import MICRO, trade_id, transaction_hash

MOST: Final = 2_000
"""Fills in one answer."""

MADE_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class Executions:
    """The last `KEPT` fills of an account, in the venue's orders."""

    past: Past
    seed: int
    account: Account

    @property
    def count(self) -> int:
        """How many fills the account ever had."""
        first = self.past.fills.first
        return (
            int(first[self.account.index + 1] - first[self.account.index]) + self.account.executed
        )

    def oldest_first(self, start_ms: int = 0, end_ms: int = EVER) -> Iterator[Fill]:
        """Yield the fills with start <= time <= end in execution order."""
        live = self.account.fills.oldest_first(start_ms, end_ms)
        return merge(self._past(self._rows(start_ms, end_ms)), live, key=lambda fill: fill.time)

    def newest_blocks(self, start_ms: int = 0, end_ms: int = EVER) -> Iterator[list[Fill]]:
        """Yield the same by blocks, the newest first; in a block in execution order."""
        live = self.account.fills.newest_first(start_ms, end_ms)
        past = self._past(self._rows(start_ms, end_ms)[::-1])
        found = merge(live, past, key=lambda fill: fill.time, reverse=True)
        return (list(block)[::-1] for _, block in groupby(found, key=lambda fill: fill.time))

    def _rows(self, start_ms: int, end_ms: int) -> range:
        """Return which rows of the past are of a time, and still remembered."""
        fills, index = self.past.fills, self.account.index
        last = int(fills.first[index + 1])
        first = max(int(fills.first[index]), last - KEPT + len(self.account.fills))
        times = self.past.trades.time[fills.trade[first:last]]
        begin, end = np.searchsorted(times, [start_ms, end_ms + 1]).tolist()
        return range(first + begin, first + end)

    def _past(self, rows: range) -> Iterator[Fill]:
        """Make the fills of some rows, a few at a time."""
        past, seed = self.past, self.seed
        fills, trades = past.fills, past.trades
        makers = {trader.index for trader in past.population.makers}
        rate = REBATE if self.account.index in makers else MAKER_FEE
        for some in (rows[at : at + MADE_AT_ONCE] for at in range(0, len(rows), MADE_AT_ONCE)):
            mine = np.array(some)
            trade = fills.trade[mine]
            columns = (
                fills.delta[mine],
                fills.start[mine],
                fills.closed[mine],
                fills.crossed[mine],
                trades.time[trade],
                trades.height[trade],
                trades.index[trade],
                trades.coin[trade],
                trades.ticks[trade],
                trades.lots[trade] > 0,
                trades.taker_order[trade],
                trades.maker_order[trade],
                trades.taker[trade],
                trades.forced[trade],
            )
            table = zip(*(column.tolist() for column in columns), strict=True)
            for delta, start, closed, crossed, time, height, place, coin, ticks, *rest in table:
                taker_buys, taker_order, maker_order, taker, forced = rest
                orders = (taker_order, maker_order) if taker_buys else (maker_order, taker_order)
                yield Fill(
                    coin=coin,
                    ticks=ticks,
                    lots=abs(delta),
                    side="B" if delta > 0 else "A",
                    time=time,
                    start=start,
                    closed=closed,
                    hash=transaction_hash(seed, height, place),
                    order=taker_order if crossed else maker_order,
                    crossed=bool(crossed),
                    fee=abs(delta) * ticks * (TAKER_FEE if crossed else rate) // MICRO,
                    tid=trade_id(*orders),
                    twap=None,
                    cause=_forced(past, taker, ticks) if forced else None,
                )


def aggregated(fills: Iterable[Fill]) -> Iterator[Fill]:
    """Merge the fills one order got in one block; the last trade id stands for all of them."""
    orders = groupby(fills, key=lambda fill: (fill.time, fill.coin, fill.order))
    return (_merged(list(parts)) for _, parts in orders)


def _merged(parts: list[Fill]) -> Fill:
    lots = sum(part.lots for part in parts)
    return replace(
        parts[-1],
        ticks=round(sum(part.lots * part.ticks for part in parts) / lots),
        lots=lots,
        start=parts[0].start,
        closed=sum(part.closed for part in parts),
        fee=sum(part.fee for part in parts),
    )


def _forced(past: Past, taker: int, ticks: int) -> Cause:
    user = past.population.traders[taker].address
    return Cause(liquidated=Liquidated(user, ticks, "market"))
