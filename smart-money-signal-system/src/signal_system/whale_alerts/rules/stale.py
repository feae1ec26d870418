"""We do not see the traders well enough to say anything: silence must not look like calm."""

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from shared_events.types import Freshness
from signal_system.whale_alerts.rule import Finding, Rule


class Sight(Struct):
    """Whether we ever saw, and since when we do not; None while we do."""

    ever: bool = False
    blind_since: datetime | None = None


class Stale(Rule):
    """Positions or prices are older than the limit."""

    name = "data_stale"

    def __init__(self) -> None:
        self.memory: Sight = Sight()

    def seen(self, status: Freshness, now: datetime) -> Iterable[Finding]:
        """Find that we went blind; MEDIUM, HIGH and CRITICAL after 6, 20 and 60 minutes by default.

        Before anything was seen at all, a start is no news.
        """
        memory = self.memory
        if status != "STALE":
            memory.ever, memory.blind_since = True, None
        elif memory.ever:
            since = memory.blind_since = memory.blind_since or now
            minutes = (now - since).total_seconds() / 60
            yield Finding(
                thread=f"{self.name}:{round(since.timestamp() * 1000)}",
                magnitude=max(1.0, minutes / 2),
                message="positions are stale: no alert now means that nobody looks",
                at=now,
            )
