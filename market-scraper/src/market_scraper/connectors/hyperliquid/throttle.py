"""Wait for a place in the weight budget, the urgent first."""

from dataclasses import dataclass
from enum import IntEnum
from itertools import count

from market_scraper.connectors.hyperliquid.breaker import Breaker, Circuit
from market_scraper.connectors.hyperliquid.budget import MINUTE, Lease, WeightBudget
from market_scraper.connectors.hyperliquid.shared_budget import Grant, SharedBudget
from shared_events.runtime.clock import Clock

_LOOK_AGAIN_SECONDS = 0.05
_ALONE_SHARE = 0.4
"""Of the budget, while nobody knows what other processes spend: two of them stay inside together."""


class Urgency(IntEnum):
    """Who goes first when the budget is short."""

    MARKET = 0
    DOUBT = 1
    ANCHOR = 2
    AUDIT = 3
    BACKFILL = 4


_CEILINGS = {Urgency.ANCHOR: 0.9, Urgency.AUDIT: 0.8, Urgency.BACKFILL: 0.7}
"""How much of the budget may be in use for a request to be let in; the rest waits for the urgent."""
_HURRIED_AUDITS = 0.2
_FLOORS = {Urgency.AUDIT: 0.1, Urgency.BACKFILL: 0.1}
"""How much of it the less urgent have whoever waits, so that nothing stands still for ever."""


@dataclass(frozen=True, slots=True)
class Place:
    """A reservation: what a request may cost at most, until `Throttle.settle` corrects it."""

    lease: Lease
    grant: Grant | None


class Throttle:
    """The one door to the venue's REST interface.

    Parameters
    ----------
    budget
        What this process may spend.
    clock
        Measures the minute.
    shared
        What all processes may spend together; None: there is no other.
    least
        How urgent a request is at most.

    Attributes
    ----------
    few_audits
        Whether audits get a quarter of what they usually may.
    """

    def __init__(
        self,
        budget: WeightBudget,
        clock: Clock,
        shared: SharedBudget | None = None,
        least: Urgency = Urgency.MARKET,
    ) -> None:
        self._budget = budget
        self._clock = clock
        self._shared = shared
        self._least = least
        self.few_audits = False
        self._waiting: list[tuple[Urgency, int]] = []
        self._count = count()
        self._breaker = Breaker()

    @property
    def circuit(self) -> Circuit:
        """Whether requests pass, after what the venue refused."""
        return self._breaker.circuit(self._now())

    @property
    def alone(self) -> bool:
        """Whether others may spend, too, and nobody knows how much."""
        return self._shared is not None and self._shared.away

    @property
    def limit(self) -> int:
        """The weight that this process may spend in any minute now."""
        return int(self._budget.limit * _ALONE_SHARE) if self.alone else self._budget.limit

    @property
    def used_share(self) -> float:
        """How much of the budget the last minute took, by whomever, in [0, 1]."""
        ours = self._budget.used(self._now()) / self._budget.limit
        return ours if self._shared is None else max(ours, self._shared.used_share)

    async def enter(self, weight: int, urgency: Urgency) -> Place:
        """Wait until `weight` may be spent, and reserve it."""
        urgency = max(urgency, self._least)
        ticket = (urgency, next(self._count))
        self._waiting.append(ticket)
        try:
            while True:
                seconds = self._seconds(ticket, weight)
                if seconds <= 0:
                    answer = await self._reserved(weight, urgency)
                    if isinstance(answer, Place):
                        return answer
                    seconds = answer
                await self._clock.sleep(seconds)
        finally:
            self._waiting.remove(ticket)

    def seconds_for(self, weight: int) -> float:
        """Return in how many seconds `weight` could be spent, if nobody else spent any."""
        whole_minutes, rest = divmod(weight, self.limit)
        return whole_minutes * MINUTE + self._budget.wait(rest, self._now())

    async def settle(self, place: Place, weight: int) -> None:
        """Correct what was reserved to what the request cost; the venue answered."""
        self._budget.settle(place.lease, weight)
        self._breaker.answered()
        if self._shared is not None and place.grant is not None:
            await self._shared.settle(place.grant, weight)

    async def hold(self, seconds: float) -> None:
        """Let no other process spend anything for so long."""
        if self._shared is not None:
            await self._shared.hold(seconds)

    async def refused(self, retry_after: float | None) -> float:
        """Hold everything back after a 429, in all processes; return for how many seconds."""
        seconds = self._breaker.refused(self._now(), retry_after)
        if self._shared is not None:
            await self._shared.hold(seconds)
        return seconds

    async def _reserved(self, weight: int, urgency: Urgency) -> Place | float:
        """Reserve `weight` here and with the others, or return in how many seconds to ask again."""
        lease, alone = self._budget.take(weight, self._now()), self.alone
        grant = await self._granted(weight, urgency)
        if isinstance(grant, float) or self.alone > alone:
            self._budget.settle(lease, 0)
            return grant if isinstance(grant, float) else _LOOK_AGAIN_SECONDS
        self._breaker.passed(self._now())
        return Place(lease, grant)

    async def _granted(self, weight: int, urgency: Urgency) -> Grant | float | None:
        if self._shared is None:
            return None
        ceiling, floor = self._ceiling(urgency), _FLOORS.get(urgency, 0.0)
        return await self._shared.take(weight, urgency, ceiling=ceiling, floor=floor)

    def _ceiling(self, urgency: Urgency) -> float:
        if urgency is Urgency.AUDIT and self.few_audits:
            return _HURRIED_AUDITS
        return _CEILINGS.get(urgency, 1.0)

    def _seconds(self, ticket: tuple[Urgency, int], weight: int) -> float:
        if min(self._waiting) < ticket:
            return _LOOK_AGAIN_SECONDS
        if held := self._breaker.wait(self._now()):
            return held
        ceiling = self._ceiling(ticket[0]) if ticket[0] > self._least else 1.0
        kept_back = self._budget.limit - int(self.limit * ceiling)
        return self._budget.wait(weight + kept_back, self._now())

    def _now(self) -> float:
        return self._clock.now().timestamp()
