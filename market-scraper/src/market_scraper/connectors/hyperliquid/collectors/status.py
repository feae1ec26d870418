"""Say how well the venue is seen: every few seconds, and at once when that changes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Literal

from market_scraper.collecting import Pulse
from market_scraper.connectors.hyperliquid.following import Following
from market_scraper.connectors.hyperliquid.venue_time import VenueTime
from market_scraper.outlet import SOURCE, Outlet
from shared_events.payloads import SourceStatus
from shared_events.runtime.clock import Clock

QUIET_SECONDS = 15.0
"""Of all coins together: on a venue with trades every second, longer means that we do not see them."""
LOST_SECONDS = 300.0
_LOOK_SECONDS = 0.25
_SHARE = Decimal("0.0001")

Condition = Literal["LIVE", "PARTIAL", "STALE", "LOST"]


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen of the venue now."""

    tracked: int
    anchored: int
    doubtful: int
    anchored_weight: float
    sockets_open: int
    sockets_needed: int
    subscribed: bool
    gaps_found: int
    gaps_closed: int
    budget_used: float | None
    quiet_seconds: float | None
    notes: tuple[str, ...] = ()
    """What is done less well than it could be, and why."""
    reduced: bool = False
    """Whether something is given up because there is too much to do."""

    @property
    def condition(self) -> Condition:
        """Sum it up in one word."""
        quiet = self.quiet_seconds
        if quiet is None or not self.sockets_open:
            return "LOST" if quiet is None or quiet > LOST_SECONDS else "STALE"
        if quiet > QUIET_SECONDS:
            return "STALE"
        whole = self.anchored == self.tracked > 0 and self.sockets_open == self.sockets_needed
        complete = self.subscribed and self.gaps_closed == self.gaps_found and not self.reduced
        return "LIVE" if whole and complete else "PARTIAL"

    @property
    def coverage(self) -> Decimal | None:
        """The share of the tracked traders whose book is known; None if nobody is tracked."""
        if not self.tracked:
            return None
        return (Decimal(self.anchored) / self.tracked).quantize(_SHARE)

    def progress(self, seconds_left: float | None) -> str:
        """Say in a sentence how far the start has come.

        Examples
        --------
        >>> sight = Sight(10, 3, 0, 0.34, 4, 4, True, 0, 0, 0.5, 1.0)
        >>> sight.progress(110)
        'anchored 34 % of weight, done in about 2 min'
        """
        if not self.tracked:
            return "nobody is tracked yet"
        if self.anchored == self.tracked:
            return f"all {self.tracked} traders anchored"
        left = "" if seconds_left is None else f", done in about {_rounded(seconds_left)}"
        return f"anchored {self.anchored_weight:.0%} of weight{left}".replace("%", " %")


class StatusCollector:
    """Publishes `SourceStatus`.

    Parameters
    ----------
    look
        Returns what is seen now.
    every_seconds
        How long to say nothing while nothing changes.
    """

    name: ClassVar[str] = "source_status"

    def __init__(
        self,
        look: Callable[[], Sight],
        outlet: Outlet,
        venue_time: VenueTime,
        clock: Clock,
        *,
        every_seconds: float = 5.0,
    ) -> None:
        self.pulse = Pulse()
        self._look = look
        self._outlet = outlet
        self._venue_time = venue_time
        self._clock = clock
        self._every_seconds = every_seconds

    async def collect(self) -> None:
        """Look and tell until cancelled."""
        said, said_at = None, 0.0
        while True:
            sight, now = self._look(), self._clock.now().timestamp()
            essence = (sight.condition, sight.gaps_found, sight.gaps_closed, sight.notes)
            if essence != said or now - said_at >= self._every_seconds:
                said, said_at = essence, now
                await self._outlet.tell([status_of(sight, self._venue_time.now())])
                self.pulse.beat(self._clock.now(), self._every_seconds)
            await self._clock.sleep(_LOOK_SECONDS)


def sight_of(
    following: Following,
    *,
    sockets_open: int,
    sockets_needed: int,
    subscribed: bool,
    budget_used: float | None,
    quiet_seconds: float | None,
) -> Sight:
    """Return what is seen of whom is followed, over connections of which so many stand."""
    books, weight = following.books, following.weight
    return Sight(
        tracked=len(following.members),
        anchored=books.anchored,
        doubtful=books.doubtful,
        anchored_weight=float(following.known_weight / weight) if weight else 0.0,
        sockets_open=sockets_open,
        sockets_needed=sockets_needed,
        subscribed=subscribed,
        gaps_found=following.gaps_found,
        gaps_closed=following.gaps_closed,
        budget_used=budget_used,
        quiet_seconds=quiet_seconds,
    )


def status_of(sight: Sight, at: datetime, *, recording: bool = False) -> SourceStatus:
    """Return `sight` as it is told at `at`."""
    used = sight.budget_used
    return SourceStatus(
        name=SOURCE,
        at=at,
        status=sight.condition,
        detail="; ".join([sight.progress(None), *sight.notes]),
        recording=recording,
        gaps_found=sight.gaps_found,
        gaps_closed=sight.gaps_closed,
        budget_used=None if used is None else Decimal(min(1.0, used)).quantize(_SHARE),
        coverage=sight.coverage,
        tracked=sight.tracked,
        anchored=sight.anchored,
    )


def _rounded(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"  # noqa: PLR2004
