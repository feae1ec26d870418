"""How much of the venue's request allowance may be spent now: weights, in any minute.

The venue allows 1200 a minute and does not say how it counts the minute. Ours slides, so that no
minute, however it is cut, holds more than our share.
"""

from collections import deque
from dataclasses import dataclass, field

from market_scraper.connectors.hyperliquid.wire import Request

MINUTE = 60.0

_LIGHT = frozenset(
    {"l2Book", "allMids", "clearinghouseState", "orderStatus", "spotClearinghouseState"}
)
_PER_TWENTY = frozenset(
    {
        "recentTrades",
        "userFills",
        "userFillsByTime",
        "fundingHistory",
        "userFunding",
        "userNonFundingLedgerUpdates",
    }
)


def base_weight(request: Request) -> int:
    """Return what `request` costs before its rows are counted."""
    kind = request["type"]
    if kind == "userRole":
        return 60
    return 2 if kind in _LIGHT else 20


def row_weight(request: Request, rows: int) -> int:
    """Return what `rows` rows in the answer add, rounded up.

    Examples
    --------
    >>> row_weight({"type": "candleSnapshot"}, 4320)
    72
    """
    kind = request["type"]
    if kind == "candleSnapshot":
        return -(-rows // 60)
    return -(-rows // 20) if kind in _PER_TWENTY else 0


@dataclass(slots=True, eq=False)
class Lease:
    """A reservation: what a request may cost at most, until `WeightBudget.settle` corrects it."""

    at: float
    weight: int


@dataclass(slots=True)
class WeightBudget:
    """The reservations of the last minute, never more than `limit` together."""

    limit: int
    _leases: deque[Lease] = field(default_factory=deque)
    _used: int = 0

    def used(self, now: float) -> int:
        """Return the weight of the last minute."""
        while self._leases and self._leases[0].at <= now - MINUTE:
            self._used -= self._leases.popleft().weight
        return self._used

    def wait(self, weight: int, now: float) -> float:
        """Return the seconds until `weight` fits; 0 if it fits now."""
        wait = 0.0
        excess = self.used(now) + min(weight, self.limit) - self.limit
        for lease in self._leases:
            if excess <= 0:
                break
            excess -= lease.weight
            wait = max(wait, lease.at + MINUTE - now)
        return wait

    def room(self, now: float) -> int:
        """Return the weight that may be taken now."""
        return self.limit - self.used(now)

    def take(self, weight: int, now: float) -> Lease:
        """Reserve `weight`, which must fit."""
        lease = Lease(now, min(weight, self.limit))
        self._leases.append(lease)
        self._used += lease.weight
        return lease

    def settle(self, lease: Lease, weight: int) -> None:
        """Correct the reservation of `lease` to what its request cost."""
        spared = lease.weight - weight
        lease.weight = weight
        if lease in self._leases:
            self._used -= spared
