"""Accounts: positions at average cost, cash, fills. Integers only, so nothing is ever lost."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from hyperliquid_simulator.catalogue import Perp
from hyperliquid_simulator.pairs import Listed, Pair
from hyperliquid_simulator.tokens import UNITS, USDC
from hyperliquid_simulator.wire import MICRO, ZERO_HASH

TAKER_FEE: Final = 450
MAKER_FEE: Final = 150
REBATE: Final = -30
"""Fees in millionths of the notional; professional makers receive a rebate."""

SPOT_TAKER_FEE: Final = 700
SPOT_MAKER_FEE: Final = 400
SPOT_REBATE: Final = -20

FILLS_KEPT: Final = 4_000
CHARGES_KEPT: Final = 2_000
"""Funding payments of one account since the start."""


@dataclass(frozen=True, slots=True)
class Liquidated:
    """Who was liquidated by a trade, at which mark in ticks, and how: market or backstop."""

    user: str
    mark: int
    method: str


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a trade happened that its taker did not order.

    A ``hidden`` one is free and shows in the fills of the two accounts alone; ``direction`` is what
    these fills say instead of what became of the position.
    """

    hidden: bool = False
    direction: str | None = None
    liquidated: Liquidated | None = None


SETTLED: Final = Cause(hidden=True, direction="Settlement")
"""Why positions end when a coin is delisted."""


class Trade(NamedTuple):
    """One match. ``side`` is the taker's: ``B`` bought, ``A`` sold. Accounts by index."""

    coin: int
    side: str
    ticks: int
    lots: int
    time: int
    hash: str
    tid: int
    buyer: int
    seller: int
    buyer_order: int
    seller_order: int
    twap: int | None = None
    cause: Cause | None = None


class Fill(NamedTuple):
    """One side of a trade as its account sees it; ``start`` is the position before, in lots.

    For a pair ``start`` is the balance before.
    """

    coin: int
    ticks: int
    lots: int
    side: str
    time: int
    start: int
    closed: int
    hash: str
    order: int
    crossed: bool
    fee: int
    tid: int
    twap: int | None
    cause: Cause | None = None


class Charge(NamedTuple):
    """One hour's funding of one position; ``paid`` micro-dollars, negative if received."""

    coin: int
    time: int
    rate: float
    lots: int
    paid: int


@dataclass(slots=True)
class Position:
    """Signed lots and what they cost in micro-dollars, signed alike; funding paid is positive.

    ``leverage`` is None while the account's own applies. An ``isolated`` position stands and falls
    alone: ``raw`` is the part of the pocket's cash that is set aside for it.
    """

    lots: int = 0
    cost: int = 0
    funding: int = 0
    funding_since_open: int = 0
    funding_since_change: int = 0
    leverage: int | None = None
    isolated: bool = False
    raw: int = 0

    def trade(self, delta: int, ticks: int) -> int:
        """Apply a signed trade and return the realised profit in micro-dollars.

        Examples
        --------
        >>> position = Position(lots=-10, cost=-1000)
        >>> position.trade(14, 90), position.lots, position.cost
        (100, 4, 360)
        """
        held = self.lots
        self.lots += delta
        self.funding_since_change = 0
        if not held:
            self.funding_since_open = 0
        if not held or (held > 0) == (delta > 0):
            self.cost += delta * ticks
            return 0
        closing = max(delta, -held) if delta < 0 else min(delta, -held)
        released = self.cost * abs(closing) // abs(held)
        if closing == -held:
            self.funding_since_open = 0
        self.cost += (delta - closing) * ticks - released
        return -closing * ticks - released

    def set_aside(self, delta: int, ticks: int, leverage: int) -> None:
        """Let an isolated position, just traded, take margin for what it opened, give up the rest.

        Examples
        --------
        >>> position = Position(lots=10, cost=1000, isolated=True)
        >>> position.set_aside(10, 100, leverage=5)
        >>> position.raw
        -800
        """
        before = self.lots - delta
        if before * self.lots <= 0:
            self.raw = abs(self.lots) * ticks // leverage - self.lots * ticks
        elif abs(self.lots) > abs(before):
            self.raw += abs(delta) * ticks // leverage - delta * ticks
        else:
            kept = (self.raw + before * ticks) * abs(self.lots) // abs(before)
            self.raw = kept - self.lots * ticks

    def pay_funding(self, paid: int) -> None:
        """Count micro-dollars of funding; an isolated position pays them itself."""
        self.funding += paid
        self.funding_since_open += paid
        self.funding_since_change += paid
        if self.isolated:
            self.raw -= paid


@dataclass(slots=True)
class Balance:
    """What a spot account holds of one token and what it gave for it, both in smallest units.

    The cost is in units of the quote token, 0 for what was not bought.
    """

    units: int = 0
    cost: int = 0

    def sell(self, units: int) -> int:
        """Take units out and return what they had cost.

        Examples
        --------
        >>> balance = Balance(units=30, cost=100)
        >>> balance.sell(10), balance
        (33, Balance(units=20, cost=67))
        """
        released = self.cost * units // self.units if self.units else 0
        self.units -= units
        self.cost -= released
        return released


@dataclass(slots=True)
class Pocket:
    """An account's money on one perp dex, in micro-dollars; ``cash`` is the venue's totalRawUsd.

    The positions in coins of that dex are margined by this pocket and by no other.
    """

    cash: int = 0
    deposited: int = 0

    def receive(self, usd: int) -> None:
        """Put in micro-dollars from elsewhere; negative takes them out."""
        self.cash += usd
        self.deposited += usd


@dataclass(slots=True)
class Account:
    """One trader: a pocket for every perp dex with money in it and positions by coin; spot balances.

    Balances are by the index of the token; no trade of a pair touches a pocket, and no trade of a
    perpetual a balance. The spot dollars of a ``unified`` account back its cross positions on the
    main dex. ``executed`` counts the fills since the start, of which only the last are kept.
    """

    index: int
    leverage: int
    pockets: dict[str, Pocket] = field(default_factory=dict)
    volume: int = 0
    executed: int = 0
    unified: bool = False
    positions: dict[int, Position] = field(default_factory=dict)
    balances: dict[int, Balance] = field(default_factory=dict)
    fills: deque[Fill] = field(default_factory=lambda: deque(maxlen=FILLS_KEPT))
    charges: deque[Charge] = field(default_factory=lambda: deque(maxlen=CHARGES_KEPT))

    @property
    def cash(self) -> int:
        """Money in all pockets."""
        return sum(pocket.cash for pocket in self.pockets.values())

    @property
    def deposited(self) -> int:
        """What was ever put into all pockets, less what was taken out."""
        return sum(pocket.deposited for pocket in self.pockets.values())

    def pocket(self, dex: str) -> Pocket:
        """Return the pocket on a perp dex, a new one where there was none."""
        found = self.pockets.get(dex)
        if found is None:
            found = self.pockets[dex] = Pocket()
        return found

    def equity(self, marks: Sequence[int]) -> int:
        """Return what all pockets and positions are worth in micro-dollars."""
        held = sum(p.lots * marks[coin] for coin, p in self.positions.items())
        return self.cash + held

    @property
    def backing(self) -> int:
        """Micro-dollars beside the main pocket that back its cross positions."""
        spot = self.balances.get(USDC.index) if self.unified else None
        return spot.units // UNITS if spot else 0

    def lots(self, coin: int) -> int:
        """Return the signed position in a coin, 0 if there is none."""
        position = self.positions.get(coin)
        return position.lots if position else 0

    def balance(self, token: int) -> Balance:
        """Return the balance of a token, a new one where there was none."""
        found = self.balances.get(token)
        if found is None:
            found = self.balances[token] = Balance()
        return found

    def take(self, trade: Trade, coin: Perp, sign: int, rate: int, *, crossed: bool) -> Fill:
        """Apply this account's side of a trade of a perpetual at a fee rate in millionths."""
        position = self.positions.get(trade.coin)
        if position is None:
            position = self.positions[trade.coin] = Position(isolated=coin.only_isolated)
        start, notional = position.lots, trade.lots * trade.ticks
        closed = position.trade(sign * trade.lots, trade.ticks)
        if position.isolated:
            leverage = position.leverage or self.leverage
            position.set_aside(sign * trade.lots, trade.ticks, leverage)
        fee = notional * rate // MICRO
        self.pocket(coin.dex).cash -= sign * notional + fee
        self.volume += notional
        return self._filled(trade, sign, start, closed, fee, crossed=crossed)

    def swap(self, trade: Trade, pair: Pair, sign: int, rate: int, *, crossed: bool) -> Fill:
        """Apply this account's side of a trade of a pair; the fee is paid in what it receives.

        A rebate is paid out of the other side's fee, so in what this account gives.
        """
        base, quote = self.balance(pair.base.index), self.balance(pair.quote.index)
        start, units, notional = base.units, trade.lots * pair.lot, trade.lots * trade.ticks
        in_base = (sign > 0) == (rate >= 0)
        fee = (units if in_base else notional) * rate // MICRO
        closed = 0
        if sign > 0:
            base.units += units
            base.cost += notional
        else:
            closed = notional - base.sell(units)
        quote.units -= sign * notional
        (base if in_base else quote).units -= fee
        self.volume += pair.micro_dollars(trade.lots, trade.ticks)
        return self._filled(trade, sign, start, closed, fee, crossed=crossed)

    def _filled(
        self, trade: Trade, sign: int, start: int, closed: int, fee: int, *, crossed: bool
    ) -> Fill:
        self.executed += 1
        return Fill(
            coin=trade.coin,
            ticks=trade.ticks,
            lots=trade.lots,
            side="B" if sign > 0 else "A",
            time=trade.time,
            start=start,
            closed=closed,
            hash=trade.hash,
            order=trade.buyer_order if sign > 0 else trade.seller_order,
            crossed=crossed,
            fee=fee,
            tid=trade.tid,
            twap=trade.twap if crossed else None,
            cause=trade.cause,
        )


class Ledger:
    """Every account of the venue, and the long side of every coin's open interest."""

    def __init__(
        self, accounts: Sequence[Account], makers: frozenset[int], coins: Sequence[Listed]
    ) -> None:
        self.accounts = list(accounts)
        self._makers = makers
        self._coins = coins
        self.open_interest = [
            sum(max(a.lots(coin), 0) for a in self.accounts) for coin in range(len(coins))
        ]

    def settle(self, trade: Trade) -> tuple[tuple[int, Fill], tuple[int, Fill]]:
        """Apply a trade to both accounts; returns (account, fill) of buyer and seller."""
        buyer, seller = self.accounts[trade.buyer], self.accounts[trade.seller]
        if buyer is seller:
            bought, sold = self._with_itself(trade, buyer)
        else:
            bought, sold = self._between(trade, buyer, seller)
        buyer.fills.append(bought)
        seller.fills.append(sold)
        return (trade.buyer, bought), (trade.seller, sold)

    def _between(self, trade: Trade, buyer: Account, seller: Account) -> tuple[Fill, Fill]:
        bought, sold = self._side(trade, buyer, 1), self._side(trade, seller, -1)
        if isinstance(self._coins[trade.coin], Perp):
            before = max(bought.start, 0) + max(sold.start, 0)
            after = max(bought.start + trade.lots, 0) + max(sold.start - trade.lots, 0)
            self.open_interest[trade.coin] += after - before
        return bought, sold

    def _with_itself(self, trade: Trade, account: Account) -> tuple[Fill, Fill]:
        """Apply both sides to one account; on the venue both fills start from the same position.

        The side that closes comes first, so that it releases what the position really cost.
        """
        closing_first = (1, -1) if account.lots(trade.coin) < 0 else (-1, 1)
        fills = {sign: self._side(trade, account, sign) for sign in closing_first}
        start = fills[closing_first[0]].start
        return fills[1]._replace(start=start), fills[-1]._replace(start=start)

    def _side(self, trade: Trade, account: Account, sign: int) -> Fill:
        crossed = (trade.side == "B") == (sign > 0)
        free = trade.cause is not None and trade.cause.hidden
        coin, maker = self._coins[trade.coin], account.index in self._makers
        if isinstance(coin, Pair):
            rate = SPOT_TAKER_FEE if crossed else SPOT_REBATE if maker else SPOT_MAKER_FEE
            return account.swap(trade, coin, sign, 0 if free else rate, crossed=crossed)
        rate = TAKER_FEE if crossed else REBATE if maker else MAKER_FEE
        return account.take(trade, coin, sign, 0 if free else rate, crossed=crossed)

    def payable(self, lots: int, coin: Listed, ticks: int, buyer: int, seller: int) -> int:
        """Return how many of the lots both sides can pay for: of a perpetual all of them."""
        if isinstance(coin, Perp):
            return lots
        had = self.accounts[buyer].balance(coin.quote.index).units
        held = self.accounts[seller].balance(coin.base.index).units
        return min(lots, had // ticks, held // coin.lot)

    def close_out(self, coin: int, ticks: int, time: int, order: int) -> list[tuple[int, Fill]]:
        """Settle what everybody holds of a coin at a price; returns (account, fill) rows.

        Nobody is on the other side, so all fills are of one order and trade id 0. What a fee left
        of less than a lot stays behind and is worth nothing.
        """
        fills = []
        for account in self.accounts:
            lots = self._closable(account, coin)
            if lots:
                trade = Trade(
                    coin=coin,
                    side="A" if lots > 0 else "B",
                    ticks=ticks,
                    lots=abs(lots),
                    time=time,
                    hash=ZERO_HASH,
                    tid=0,
                    buyer=account.index,
                    seller=account.index,
                    buyer_order=order,
                    seller_order=order,
                    cause=SETTLED,
                )
                fill = self._side(trade, account, -1 if lots > 0 else 1)
                account.fills.append(fill)
                fills.append((account.index, fill))
        self.open_interest[coin] = 0
        return fills

    def _closable(self, account: Account, coin: int) -> int:
        """Return how many lots of a coin an account has."""
        listed = self._coins[coin]
        if isinstance(listed, Perp):
            return account.lots(coin)
        balance = account.balances.get(listed.base.index)
        return balance.units // listed.lot if balance else 0

    def charge_funding(self, rates: Sequence[float], marks: Sequence[int], time: int) -> None:
        """Let longs pay shorts for one hour at the given hourly rates."""
        for account in self.accounts:
            for coin, position in account.positions.items():
                perp = self._coins[coin]
                if not position.lots or isinstance(perp, Pair):
                    continue
                paid = round(position.lots * marks[coin] * rates[coin])
                account.pocket(perp.dex).cash -= paid
                position.pay_funding(paid)
                account.charges.append(Charge(coin, time, rates[coin], position.lots, paid))


def copied(accounts: Sequence[Account]) -> list[Account]:
    """Return accounts that later trades do not change: what a node that stands still knows."""
    return [
        Account(
            index=a.index,
            leverage=a.leverage,
            pockets={dex: Pocket(p.cash, p.deposited) for dex, p in a.pockets.items()},
            balances={token: Balance(b.units, b.cost) for token, b in a.balances.items()},
            volume=a.volume,
            unified=a.unified,
            positions={coin: replace(p) for coin, p in a.positions.items()},
        )
        for a in accounts
    ]
