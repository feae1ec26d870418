"""Fills of an account over past and present, in the orders and limits the venue serves them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final

from hyperliquid_simulator.ledger import FILLS_KEPT, MAKER_FEE, REBATE, TAKER_FEE, Account, Fill
from hyperliquid_simulator.past import Past
from hyperliquid_simulator.wire import MICRO, trade_id, transaction_hash

MOST: Final = 2_000
"""Fills in one answer."""


def execution_order(past: Past, seed: int, account: Account) -> list[Fill]:
    """Return the account's most recent fills as they happened, oldest first."""
    live = list(account.fills)
    room = FILLS_KEPT - len(live)
    return [*_past_fills(past, seed, account.index, room), *live]


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
    return replace(
        parts[-1],
        ticks=round(sum(part.lots * part.ticks for part in parts) / lots),
        lots=lots,
        start=parts[0].start,
        closed=sum(part.closed for part in parts),
        fee=sum(part.fee for part in parts),
    )


def between(fills: Iterable[Fill], start_ms: int, end_ms: int) -> list[Fill]:
    """Return the oldest fills with start <= time <= end, at most one answer's worth."""
    return [fill for fill in fills if start_ms <= fill.time <= end_ms][:MOST]


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
            )
        )
    return found
