"""What a vault tells about itself: its windows, who owns which part, what could be taken out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hyperliquid_simulator.accounts.stakes import COMMISSION, Stake
from hyperliquid_simulator.answers.views import Json
from hyperliquid_simulator.coins.market import DAY_MS
from hyperliquid_simulator.wire import MICRO, dollars, noisy

LOCKUP_DAYS: Final = 4
MONTHS: Final = 12
MOST_FOLLOWERS: Final = 100


@dataclass(frozen=True, slots=True)
class Vault:
    """One vault now; ``equity`` and ``withdrawable`` micro-dollars, its children included."""

    name: str
    address: str
    leader: str
    stakes: Mapping[str, Stake]
    equity: int
    withdrawable: int
    portfolio: Sequence[Sequence[Any]]
    relationship: Json
    time: int

    def details(self, user: str | None) -> Json:
        """Return what anybody may know, and what ``user`` has in it."""
        largest = sorted(self.stakes, key=lambda who: -self.stakes[who].shares)
        led = self.stakes[self.leader].shares if self.leader in self.stakes else 0
        return {
            "name": self.name,
            "vaultAddress": self.address,
            "leader": self.leader,
            "description": "Rests orders on both sides of every book.",
            "portfolio": self.portfolio,
            "apr": self._yearly_return(),
            "followerState": self._follower(user) if user and user in self.stakes else None,
            "leaderFraction": led / self._shares,
            "leaderCommission": COMMISSION,
            "followers": [self._follower(who) for who in largest[:MOST_FOLLOWERS]],
            "maxDistributable": self.withdrawable / MICRO,
            "maxWithdrawable": self.withdrawable / MICRO,
            "isClosed": False,
            "relationship": self.relationship,
            "allowDeposits": True,
            "alwaysCloseOnWithdraw": False,
        }

    def equity_of(self, user: str) -> Json:
        """Return what ``user`` has in the vault, as one of the list of all vaults they are in."""
        state = self._follower(user)
        return {
            "vaultAddress": self.address,
            "equity": state["vaultEquity"],
            "lockedUntilTimestamp": state["lockupUntil"],
        }

    def _follower(self, user: str) -> Json:
        stake = self.stakes[user]
        worth = self.equity * stake.shares // self._shares
        profit = dollars(worth - stake.basis)
        return {
            "user": user,
            "vaultEquity": dollars(worth),
            "pnl": profit,
            "allTimePnl": profit,
            "daysFollowing": (self.time - stake.since) // DAY_MS,
            "vaultEntryTime": stake.since,
            "lockupUntil": stake.since + LOCKUP_DAYS * DAY_MS,
        }

    @property
    def _shares(self) -> int:
        return sum(stake.shares for stake in self.stakes.values())

    def _yearly_return(self) -> float:
        """Return twelve times the last month's profit over what the vault was worth before it."""
        month = next(window for name, window in self.portfolio if name == "month")
        profit = float(month["pnlHistory"][-1][1])
        before = self.equity / MICRO - profit
        return float(noisy(MONTHS * profit / before)) if before > 0 else 0.0
