"""What a vault tells about itself: its windows, its owner and what could be taken out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from hyperliquid_simulator.archive import DAY_MS, Deposit
from hyperliquid_simulator.views import Json
from hyperliquid_simulator.wire import MICRO, dollars, noisy

COMMISSION: Final = 0.1
LOCKUP_DAYS: Final = 4
MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class Vault:
    """One vault now; the leader's deposit is all the money it ever received."""

    address: str
    leader: str
    deposit: Deposit
    equity: int
    withdrawable: float
    portfolio: Sequence[Sequence[Any]]
    time: int

    def details(self, user: str | None) -> Json:
        """Return what anybody may know, and what ``user`` has in it."""
        owner = self._owner()
        return {
            "name": "Simulated Liquidity Provider",
            "vaultAddress": self.address,
            "leader": self.leader,
            "description": "Rests orders on both sides of every book.",
            "portfolio": self.portfolio,
            "apr": self._yearly_return(),
            "followerState": owner if user == self.leader else None,
            "leaderFraction": 1.0,
            "leaderCommission": COMMISSION,
            "followers": [owner],
            "maxDistributable": self.withdrawable,
            "maxWithdrawable": self.withdrawable,
            "isClosed": False,
            "relationship": {"type": "normal"},
            "allowDeposits": False,
            "alwaysCloseOnWithdraw": False,
        }

    def equity_of(self, user: str) -> list[Json]:
        """Return what ``user`` has in the vault, as the list of all vaults they are in."""
        if user != self.leader:
            return []
        owner = self._owner()
        return [
            {
                "vaultAddress": self.address,
                "equity": owner["vaultEquity"],
                "lockedUntilTimestamp": owner["lockupUntil"],
            }
        ]

    def _owner(self) -> Json:
        profit = dollars(self.equity - self.deposit.amount)
        return {
            "user": self.leader,
            "vaultEquity": dollars(self.equity),
            "pnl": profit,
            "allTimePnl": profit,
            "daysFollowing": (self.time - self.deposit.time) // DAY_MS,
            "vaultEntryTime": self.deposit.time,
            "lockupUntil": self.deposit.time + LOCKUP_DAYS * DAY_MS,
        }

    def _yearly_return(self) -> float:
        """Return twelve times the last month's profit over what the vault was worth before it."""
        month = next(window for name, window in self.portfolio if name == "month")
        profit = float(month["pnlHistory"][-1][1])
        before = self.equity / MICRO - profit
        return float(noisy(MONTHS * profit / before)) if before > 0 else 0.0
