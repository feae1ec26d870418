"""What an account holds: positions at average cost, tokens, money. Integers, so nothing is ever lost."""

from dataclasses import dataclass


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
