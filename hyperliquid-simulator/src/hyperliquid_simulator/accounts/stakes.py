"""Who owns which part of a vault, from the movements into it and out of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from hyperliquid_simulator.accounts.movements import Kind, Movement

COMMISSION: Final = 0.1
"""Part of a follower's profit that goes to the leader."""

PAID_IN: Final = frozenset({Kind.VAULT_CREATE, Kind.VAULT_DEPOSIT})


@dataclass(frozen=True, slots=True)
class Stake:
    """One follower's part of a vault; ``basis`` micro-dollars is what it cost."""

    shares: int
    basis: int
    since: int

    def grown(self, shares: int, usd: int) -> "Stake":
        """Return the stake after more was paid in."""
        return Stake(self.shares + shares, self.basis + usd, self.since)

    def repaid(self, usd: int) -> "Stake":
        """Return the stake after the vault gave some of its money back."""
        return Stake(self.shares, self.basis - usd, self.since)

    def reduced(self, shares: int) -> "Stake":
        """Return the stake after some was taken out; the rest cost its share of the whole."""
        left = self.shares - shares
        return Stake(left, self.basis * left // self.shares, self.since)


def stakes(vault: int, rows: Iterable[Movement]) -> dict[int, Stake]:
    """Return who owns which part of a vault after these movements.

    A first share is worth a micro-dollar; later ones cost what the vault was worth by then.
    """
    found: dict[int, Stake] = {}
    for row in rows:
        sender, receiver = row.sender, row.receiver
        shares = int(row.details.get("shares", row.usd))
        if row.kind in PAID_IN and receiver == vault and sender is not None:
            found[sender] = found.get(sender, Stake(0, 0, row.time)).grown(shares, row.usd)
        elif row.kind is Kind.VAULT_DISTRIBUTION and sender == vault and receiver is not None:
            found[receiver] = found[receiver].repaid(row.usd)
        elif row.kind is Kind.VAULT_WITHDRAW and sender == vault and receiver is not None:
            found[receiver] = found[receiver].reduced(shares)
    return {who: stake for who, stake in found.items() if stake.shares}
