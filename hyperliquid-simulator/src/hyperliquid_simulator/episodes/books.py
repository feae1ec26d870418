"""What every ranked account held, trade by trade, and its whole book once a day."""

from bisect import bisect
from collections import deque
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np

from hyperliquid_simulator.accounts.holdings import Position
from hyperliquid_simulator.accounts.ledger import MAKER_FEE, REBATE, TAKER_FEE
from hyperliquid_simulator.accounts.population import Trader
from hyperliquid_simulator.coins.catalogue import Perp
from hyperliquid_simulator.coins.market import DAY_MS, MINUTE_MS, stream
from hyperliquid_simulator.episodes.told import Told, moment, units, usd
from hyperliquid_simulator.past.past import Past
from hyperliquid_simulator.wire import MICRO, trade_id
from shared_events.payloads import (
    ChangeKind,
    Position as Held,
    PositionChange,
    TradeRef,
    TraderPositions,
)

DELAY_MS: Final = (40, 400)
"""How long after a trade it is known, at least and at most."""

_PRICE: Final = Context(prec=12)
_ALL_TAKEN, _NONE_TAKEN = Decimal(1), Decimal(0)


class Part(NamedTuple):
    """One trade as one of its accounts sees it; ``lots`` are signed, ``paid`` is funding's index."""

    time: int
    coin: int
    ticks: int
    lots: int
    tid: int
    forced: bool
    paid: float


@dataclass(slots=True)
class Stake:
    """One position; ``funded`` sums what its trades' lots times the funding index were."""

    position: Position = field(default_factory=Position)
    funded: float = 0.0
    opened_ms: int = 0


@dataclass(slots=True)
class Account:
    """What an account has; ``funded`` is a stake's, over everything it ever traded."""

    trader: Trader
    cash: int
    funded: float = 0.0
    sequence: int = -1
    anchored_ms: int = 0
    stakes: dict[int, Stake] = field(default_factory=dict)

    def settle(self, part: Part, fee_rate: int) -> tuple[int, int]:
        """Apply one trade and return the position before and after it."""
        stake = self.stakes.setdefault(part.coin, Stake())
        before, after = stake.position.lots, stake.position.lots + part.lots
        stake.position.trade(part.lots, part.ticks)
        value = part.lots * part.ticks
        self.cash -= value + abs(value) * fee_rate // MICRO
        self.funded += part.lots * part.paid
        if before == 0 or (before > 0) != (after > 0):
            stake.funded, stake.opened_ms = after * part.paid, part.time
        else:
            stake.funded += part.lots * part.paid
        return before, after

    def value(self, marks: Sequence[int], index: Sequence[float]) -> int:
        """Return cash and positions at marks, less funding up to an index, in micro-dollars."""
        held = paid = 0.0
        for coin, stake in self.stakes.items():
            held += stake.position.lots * marks[coin]
            paid += stake.position.lots * index[coin]
        return self.cash + round(held - (paid - self.funded))

    def numbered(self, ms: int) -> int:
        """Return the next sequence: the time, or one more than the last."""
        self.sequence = max(self.sequence + 1, ms)
        return self.sequence


class Books:
    """Folds the trades of the past, a day at a time, and tells what they did to whom.

    Account value is deposits plus realised and unrealised profit less fees and funding, at the last
    closes before the moment it is told for.
    """

    def __init__(self, past: Past, seed: int) -> None:
        self._past, self._coins = past, past.coins
        self._index, self._charged = past.funding.index.tolist(), past.funding.times.tolist()
        self._minute, self._marks = -1, [0]
        self._known_ms = 0
        self._makers = {t.index for t in past.population.makers}
        rng = stream(seed, "delays")
        self._delays = rng.integers(*DELAY_MS, len(past.trades))
        self._phases = rng.integers(0, DAY_MS, len(past.population)).tolist()
        began = past.movements.balances(len(past.population), past.origin_ms).tolist()
        self._accounts = {
            t.index: Account(t, began[t.index]) for t in past.population.traders if t.ranked
        }
        self._flows = deque(_flows(past, self._accounts))

    def opened(self) -> Iterator[Told]:
        """Yield everybody's empty book at the very beginning."""
        for index in self._accounts:
            yield self._whole(self._past.origin_ms, index)

    def day(self, day: int) -> Iterator[Told]:
        """Yield the books of a day: changed coins after trades, everything once."""
        begin = self._past.origin_ms + day * DAY_MS
        due = deque(sorted((begin + self._phases[index], index) for index in self._accounts))
        for time, delay, sides in self._orders(begin):
            while due and due[0][0] < time:
                yield self._whole(*due.popleft())
            self._move_money(time)
            for account, taken, parts in sides:
                told = self._changed(account, parts, taken=taken)
                yield Told(self._known(time + delay), time, told)
        for at, index in due:
            yield self._whole(at, index)

    def _orders(self, begin: int) -> Iterator[tuple[int, int, list[tuple[int, bool, list[Part]]]]]:
        """Yield every order's time, the delay until it is known, and its sides.

        A side is an account, whether it was the taker, and its parts.
        """
        trades = self._past.trades
        rows = slice(*np.searchsorted(trades.time, [begin, begin + DAY_MS]).tolist())
        charged = np.searchsorted(self._past.funding.times, trades.time[rows], side="right")
        columns = (
            trades.taker_order[rows],
            trades.time[rows],
            trades.coin[rows],
            trades.ticks[rows],
            trades.lots[rows],
            trades.taker[rows],
            trades.maker[rows],
            trades.maker_order[rows],
            trades.forced[rows],
            charged,
            self._delays[rows],
        )
        table = zip(*(column.tolist() for column in columns), strict=True)
        for number, order in groupby(table, key=lambda row: row[0]):
            sides: dict[int, tuple[bool, list[Part]]] = {}
            time, delayed = 0, 0
            for _, time, coin, ticks, lots, taker, maker, other, forced, hour, delay in order:
                delayed = delay
                tid = trade_id(number, other) if lots > 0 else trade_id(other, number)
                part = Part(time, coin, ticks, lots, tid, forced, self._index[hour][coin])
                sides.setdefault(taker, (True, []))[1].append(part)
                if maker in self._accounts:
                    against = part._replace(lots=-lots, forced=False)
                    sides.setdefault(maker, (False, []))[1].append(against)
            yield time, delayed, [(who, taken, parts) for who, (taken, parts) in sides.items()]

    def _changed(self, index: int, parts: Sequence[Part], *, taken: bool) -> TraderPositions:
        account, first, last = self._accounts[index], parts[0], parts[-1]
        resting = REBATE if index in self._makers else MAKER_FEE
        sizes = [account.settle(part, TAKER_FEE if taken else resting) for part in parts]
        coin, before, after = self._coins[first.coin], sizes[0][0], sizes[-1][1]
        change = _change(coin, before, after, parts, taken=taken)
        stake = account.stakes[first.coin]
        held = Held(
            coin=coin.name,
            size=change.size_after,
            quality="derived",
            entry=_price(coin, stake.position.cost, stake.position.lots) if after else None,
            leverage=Decimal(min(account.trader.leverage, coin.max_leverage)),
            margin_type="cross",
            opened_at=moment(stake.opened_ms) if after else None,
            anchored_at=moment(account.anchored_ms),
        )
        if not after:
            del account.stakes[first.coin]
        return self._told(account, last.time, (held,), change)

    def _whole(self, at: int, index: int) -> Told:
        self._move_money(at)
        account = self._accounts[index]
        account.anchored_ms = at
        marks, paid = self._valued(at)
        positions = tuple(
            _position(self._coins[coin], account, coin, at, marks[coin], paid[coin])
            for coin in sorted(account.stakes, key=lambda coin: self._coins[coin].name)
        )
        delay = DELAY_MS[0] + index % (DELAY_MS[1] - DELAY_MS[0])
        return Told(self._known(at + delay), at, self._told(account, at, positions))

    def _move_money(self, at: int) -> None:
        """Let everything be paid in and out that was by a moment."""
        while self._flows and self._flows[0][0] <= at:
            _, index, change = self._flows.popleft()
            self._accounts[index].cash += change

    def _known(self, at: int) -> int:
        """Return when something is known that could be at a moment: news never overtakes news."""
        self._known_ms = max(self._known_ms, at)
        return self._known_ms

    def _told(
        self,
        account: Account,
        at: int,
        positions: tuple[Held, ...],
        change: PositionChange | None = None,
    ) -> TraderPositions:
        as_of = moment(at)
        return TraderPositions(
            address=account.trader.address,
            sequence=account.numbered(at),
            as_of=as_of,
            full=change is None,
            positions=positions,
            account_value=usd(account.value(*self._valued(at))),
            account_value_at=as_of,
            changes=(change,) if change else (),
        )

    def _valued(self, at: int) -> tuple[list[int], list[float]]:
        """Return the last closes before a moment, and the funding index then."""
        minute = max((at - self._past.origin_ms) // MINUTE_MS - 1, 0)
        if minute != self._minute:
            self._minute = minute
            self._marks = [int(close[minute]) for close in self._past.closes]
        return self._marks, self._index[bisect(self._charged, at)]


def _flows(past: Past, among: Container[int]) -> list[tuple[int, int, int]]:
    """Return (time, account, micro-dollars) of what was paid in and out after the beginning."""
    rows = past.movements
    columns = (rows.time, rows.sender, rows.receiver, rows.usd, rows.fee)
    flows = []
    for time, sender, receiver, amount, fee in zip(*(c.tolist() for c in columns), strict=True):
        flows += [(time, sender, -amount - fee), (time, receiver, amount)]
    return [flow for flow in flows if flow[0] > past.origin_ms and flow[1] in among]


def _change(
    coin: Perp, before: int, after: int, parts: Sequence[Part], *, taken: bool
) -> PositionChange:
    first, last = parts[0], parts[-1]
    traded = sum(abs(part.lots) * part.ticks for part in parts)
    return PositionChange(
        coin=coin.name,
        kind=_kind(before, after),
        size_before=units(before, coin.size_decimals),
        size_after=units(after, coin.size_decimals),
        cause="trade",
        price=_price(coin, traded, abs(after - before)),
        notional=usd(traded),
        first=TradeRef(moment(first.time), first.tid),
        last=TradeRef(moment(last.time), last.tid),
        trades=len(parts),
        taker_share=_ALL_TAKEN if taken else _NONE_TAKEN,
        twap=False,
        liquidation=True if first.forced else None,
    )


def _kind(before: int, after: int) -> ChangeKind:
    if not before:
        return "open"
    if not after:
        return "close"
    if (before > 0) != (after > 0):
        return "flip"
    return "increase" if abs(after) > abs(before) else "reduce"


def _position(coin: Perp, account: Account, index: int, at: int, mark: int, paid: float) -> Held:
    stake = account.stakes[index]
    lots, cost = stake.position.lots, stake.position.cost
    leverage = min(account.trader.leverage, coin.max_leverage)
    return Held(
        coin=coin.name,
        size=units(lots, coin.size_decimals),
        quality="anchored",
        entry=_price(coin, cost, lots),
        mark=units(mark, coin.price_decimals),
        notional=usd(abs(lots) * mark),
        leverage=Decimal(leverage),
        margin_type="cross",
        margin_used=usd(abs(lots) * mark // leverage),
        unrealised_pnl=usd(lots * mark - cost),
        cum_funding=usd(round(lots * paid - stake.funded)),
        opened_at=moment(stake.opened_ms),
        anchored_at=moment(at),
    )


def _price(coin: Perp, paid: int, lots: int) -> Decimal:
    """Return the average price of lots that cost so many micro-dollars."""
    return units(1, coin.price_decimals) * _PRICE.divide(Decimal(paid), Decimal(lots))
