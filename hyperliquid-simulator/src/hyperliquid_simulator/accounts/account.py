"""One account: what it holds, what trades do to it, and its last fills and charges."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hyperliquid_simulator.accounts.fill_log import FillLog
from hyperliquid_simulator.accounts.holdings import Balance, Pocket, Position
from hyperliquid_simulator.accounts.trades import Fill, Trade
from hyperliquid_simulator.coins.catalogue import Perp
from hyperliquid_simulator.coins.pairs import Pair
from hyperliquid_simulator.coins.tokens import UNITS, USDC
from hyperliquid_simulator.wire import MICRO


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
    fills: FillLog = field(default_factory=FillLog)

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
