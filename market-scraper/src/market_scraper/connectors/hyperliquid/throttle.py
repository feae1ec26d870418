"""Wait for a place in the weight budget, the urgent first."""

from enum import IntEnum
from itertools import count

from market_scraper.connectors.hyperliquid.breaker import Breaker, Circuit
from market_scraper.connectors.hyperliquid.budget import MINUTE, Lease, WeightBudget
from shared_events.runtime.clock import Clock

_LOOK_AGAIN_SECONDS = 0.05


class Urgency(IntEnum):
    """Who goes first when the budget is short."""

    MARKET = 0
    DOUBT = 1
    ANCHOR = 2
    AUDIT = 3


_SHARES = {Urgency.ANCHOR: 0.9, Urgency.AUDIT: 0.8}
"""How much of the budget may be in use for a request to be let in; the rest waits for the urgent."""


class Throttle:
    """The one door to the venue's REST interface.

    Parameters
    ----------
    budget
        What may be spent.
    clock
        Measures the minute.
    """

    def __init__(self, budget: WeightBudget, clock: Clock) -> None:
        self._budget = budget
        self._clock = clock
        self._waiting: list[tuple[Urgency, int]] = []
        self._count = count()
        self._breaker = Breaker()

    @property
    def circuit(self) -> Circuit:
        """Whether requests pass, after what the venue refused."""
        return self._breaker.circuit(self._now())

    @property
    def used_share(self) -> float:
        """How much of the budget the last minute took, in [0, 1]."""
        return self._budget.used(self._now()) / self._budget.limit

    async def enter(self, weight: int, urgency: Urgency) -> Lease:
        """Wait until `weight` may be spent, and reserve it."""
        ticket = (urgency, next(self._count))
        self._waiting.append(ticket)
        try:
            while (seconds := self._seconds(ticket, weight)) > 0:
                await self._clock.sleep(seconds)
            self._breaker.passed(self._now())
            return self._budget.take(weight, self._now())
        finally:
            self._waiting.remove(ticket)

    def seconds_for(self, weight: int) -> float:
        """Return in how many seconds `weight` could be spent, if nobody else spent any."""
        whole_minutes, rest = divmod(weight, self._budget.limit)
        return whole_minutes * MINUTE + self._budget.wait(rest, self._now())

    def settle(self, lease: Lease, weight: int) -> None:
        """Give back what the request did not cost; the venue answered."""
        self._budget.settle(lease, weight)
        self._breaker.answered()

    def refused(self, retry_after: float | None) -> float:
        """Hold everything back after a 429; return for how many seconds."""
        return self._breaker.refused(self._now(), retry_after)

    def _seconds(self, ticket: tuple[Urgency, int], weight: int) -> float:
        if min(self._waiting) < ticket:
            return _LOOK_AGAIN_SECONDS
        if held := self._breaker.wait(self._now()):
            return held
        kept_back = int(self._budget.limit * (1 - _SHARES.get(ticket[0], 1.0)))
        return self._budget.wait(weight + kept_back, self._now())

    def _now(self) -> float:
        return self._clock.now().timestamp()
