"""What moves between accounts beside the market: positions without a public trade, and money."""

from collections.abc import Callable, Sequence
from typing import Any

from hyperliquid_simulator.accounts.ledger import Ledger
from hyperliquid_simulator.accounts.movements import Kind, Movement
from hyperliquid_simulator.accounts.trades import Cause, Fill, Trade
from hyperliquid_simulator.coins.dexes import Dex
from hyperliquid_simulator.coins.market import Market
from hyperliquid_simulator.coins.tokens import UNITS, USDC, Token
from hyperliquid_simulator.wire import dollars, exact, trade_id, transaction_hash
from hyperliquid_simulator.world.cashbook import Cashbook


class Clearing:
    """Carries out such changes, and keeps what those of one block came to.

    ``numbered`` returns an order id not used before. ``touched`` are the accounts whose margin may
    have changed since somebody last cleared it.
    """

    def __init__(
        self,
        ledger: Ledger,
        cashbook: Cashbook,
        market: Market,
        seed: int,
        numbered: Callable[[], int],
    ) -> None:
        self.ledger = ledger
        self.cashbook = cashbook
        self._market = market
        self._seed = seed
        self._numbered = numbered
        self.touched: set[int] = set()
        self.begin(0, 0)

    def begin(self, time: int, height: int) -> None:
        """Begin a block, at the marks of the market."""
        self.time, self._height = time, height
        self.marks = [quote.mark for quote in self._market.quotes]
        self.transactions = 0
        self.fills: list[tuple[int, Fill]] = []
        self.movements: list[Movement] = []

    def hash(self) -> str:
        """Return the hash of the next transaction of the block."""
        self.transactions += 1
        return transaction_hash(self._seed, self._height, self.transactions)

    def hand_over(
        self, coin: int, lots: int, ticks: int, parties: tuple[int, int], why: Cause
    ) -> None:
        """Let the second account take signed lots from the first at a price, hidden and free.

        The first account counts as the taker.
        """
        self.touched.update(parties)
        giver, taker = parties
        buyer, seller = (taker, giver) if lots > 0 else (giver, taker)
        bought, sold = self._numbered(), self._numbered()
        self.fills += self.ledger.settle(
            Trade(
                coin=coin,
                side="A" if lots > 0 else "B",
                ticks=ticks,
                lots=abs(lots),
                time=self.time,
                hash=self.hash(),
                tid=trade_id(bought, sold),
                buyer=buyer,
                seller=seller,
                buyer_order=bought,
                seller_order=sold,
                cause=why,
            )
        )

    def settle(self, coin: int, ticks: int) -> None:
        """End every position in a coin at a price, against nobody."""
        fills = self.ledger.close_out(coin, ticks, self.time, self._numbered())
        self.touched.update(account for account, _ in fills)
        self.fills += fills

    def split(self, sides: Sequence[tuple[int, int]], lots: int) -> None:
        """Let makers turn dollars into both sides of a question, which are coins with prices."""
        fills = self.ledger.split(sides, lots, self.time, self._numbered())
        self.touched.update(account for account, _ in fills)
        self.fills += fills

    def seize(self, dex: str, usd: int, loser: int, winner: int) -> None:
        """Move cash between pockets as profit and loss: nobody deposited or took it out."""
        self.touched |= {loser, winner}
        self.ledger.accounts[loser].pocket(dex).cash -= usd
        self.ledger.accounts[winner].pocket(dex).cash += usd

    def move(
        self,
        kind: Kind,
        sender: int | None,
        receiver: int | None,
        usd: int,
        *,
        fee: int = 0,
        details: dict[str, Any] | None = None,
    ) -> None:
        """Move money between the main pockets of accounts, None being the world outside."""
        row = Movement(kind, self.time, self.hash(), sender, receiver, usd, fee, details or {})
        for account in row.parties:
            self.ledger.accounts[account].pocket("").receive(row.perp_change(account))
        self.enter(row)

    def change_side(self, account: int, usd: int, *, to_perp: bool) -> None:
        """Move dollars between the main pocket and the spot balance of an account."""
        units = usd * UNITS
        self.ledger.accounts[account].balance(USDC.index).units += -units if to_perp else units
        self.move(Kind.ACCOUNT_CLASS_TRANSFER, account, account, usd, details={"toPerp": to_perp})

    def send(self, account: int, usd: int, source: Dex, destination: Dex) -> None:
        """Move collateral between the pockets of an account on two perp dexes."""
        pockets = self.ledger.accounts[account]
        pockets.pocket(source.name).receive(-usd)
        pockets.pocket(destination.name).receive(usd)
        details = {
            "sourceDex": source.name,
            "destinationDex": destination.name,
            "token": destination.collateral.name,
        }
        row = Movement(Kind.SEND, self.time, self.hash(), account, account, usd, 0, details)
        self.enter(row)

    def give_tokens(self, sender: int, receiver: int, token: Token, units: int, usd: int) -> None:
        """Send tokens to somebody else; what they had cost goes with them."""
        given = self.ledger.accounts[sender].balance(token.index).sell(units)
        taken = self.ledger.accounts[receiver].balance(token.index)
        taken.units, taken.cost = taken.units + units, taken.cost + given
        details = {
            "token": token.name,
            "amount": exact(units, token.wei_decimals),
            "usdcValue": dollars(usd),
        }
        name = self.hash()
        self.enter(Movement(Kind.SPOT_TRANSFER, self.time, name, sender, receiver, 0, 0, details))

    def enter(self, row: Movement) -> None:
        """Put an entry into the ledgers of those who took part."""
        self.touched |= row.parties
        self.cashbook.add(row)
        self.movements.append(row)
