"""All accounts together: trades settled on both sides, funding, and the open interest of every coin."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec.structs import replace

from hyperliquid_simulator.accounts.account import Account
from hyperliquid_simulator.accounts.charges import ChargedHour, Charges
from hyperliquid_simulator.accounts.columns import Positions, positions, sums
from hyperliquid_simulator.accounts.trades import SETTLED, SPLIT, Cause, Fill, Trade
from hyperliquid_simulator.coins.catalogue import Perp
from hyperliquid_simulator.coins.dexes import OWN
from hyperliquid_simulator.coins.market import Ints
from hyperliquid_simulator.coins.pairs import Listed, Pair
from hyperliquid_simulator.coins.tokens import UNITS, USDC
from hyperliquid_simulator.wire import MICRO, ZERO_HASH

TAKER_FEE: Final = 450
MAKER_FEE: Final = 150
REBATE: Final = -30
"""Fees in millionths of the notional; professional makers receive a rebate."""

SPOT_TAKER_FEE: Final = 700
SPOT_MAKER_FEE: Final = 400
SPOT_REBATE: Final = -20


class Ledger:
    """Every account of the venue, and the long side of every coin's open interest."""

    def __init__(
        self, accounts: Sequence[Account], makers: frozenset[int], coins: Sequence[Listed]
    ) -> None:
        self.accounts = list(accounts)
        self._makers = makers
        self._coins = coins
        self.charges = Charges()
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
        return replace(fills[1], start=start), replace(fills[-1], start=start)

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
        held = ((account, self._closable(account, coin)) for account in self.accounts)
        fills = [
            self._alone(account, coin, -lots, (ticks, time, order), SETTLED)
            for account, lots in held
            if lots
        ]
        self.open_interest[coin] = 0
        return fills

    def split(
        self, sides: Sequence[tuple[int, int]], lots: int, time: int, order: int
    ) -> list[tuple[int, Fill]]:
        """Let every maker turn dollars into both sides of a question; returns (account, fill) rows.

        ``sides`` are coins with their prices, which add up to a dollar. Nobody turns more than a
        quarter of its dollars.
        """
        fills = []
        for account in (self.accounts[index] for index in sorted(self._makers)):
            able = min(lots, account.balance(USDC.index).units // UNITS // MICRO // 4)
            for coin, ticks in sides if able else ():
                fills.append(self._alone(account, coin, able, (ticks, time, order), SPLIT))
        return fills

    def _alone(
        self, account: Account, coin: int, lots: int, at: tuple[int, int, int], cause: Cause
    ) -> tuple[int, Fill]:
        """Let an account take signed lots from nobody, at (price, time, order)."""
        ticks, time, order = at
        trade = Trade(
            coin=coin,
            side="B" if lots > 0 else "A",
            ticks=ticks,
            lots=abs(lots),
            time=time,
            hash=ZERO_HASH,
            tid=0,
            buyer=account.index,
            seller=account.index,
            buyer_order=order,
            seller_order=order,
            cause=cause,
        )
        fill = self._side(trade, account, 1 if lots > 0 else -1)
        account.fills.append(fill)
        return account.index, fill

    def _closable(self, account: Account, coin: int) -> int:
        """Return how many lots of a coin an account has."""
        listed = self._coins[coin]
        if isinstance(listed, Perp):
            return account.lots(coin)
        balance = account.balances.get(listed.base.index)
        return balance.units // listed.lot if balance else 0

    def charge_funding(self, rates: Sequence[float], marks: Sequence[int], time: int) -> None:
        """Let longs pay shorts for one hour at the given hourly rates."""
        book = positions(self.accounts)
        paid = np.rint(book.worth(marks) * np.array(rates)[book.coin]).astype(np.int64)
        for position, usd in zip(book.held, paid.tolist(), strict=True):
            position.pay_funding(usd)
        self._take_from_pockets(book, paid)
        open_now = book.lots != 0
        columns = (book.owner, book.coin, book.lots, paid)
        self.charges.add(ChargedHour(time, rates, *(column[open_now] for column in columns)))

    def _take_from_pockets(self, book: Positions, paid: Ints) -> None:
        """Let every pocket pay for all positions that it margins."""
        dexes = np.array([coin.dex if isinstance(coin, Perp) else OWN for coin in self._coins])
        for dex in set(dexes.tolist()):
            mine = dexes[book.coin] == dex
            due = sums(paid[mine], book.owner[mine], len(self.accounts))
            paying = np.flatnonzero(due)
            for who, usd in zip(paying.tolist(), due[paying].tolist(), strict=True):
                self.accounts[who].pocket(dex).cash -= usd
