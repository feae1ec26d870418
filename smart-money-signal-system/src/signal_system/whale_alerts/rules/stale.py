"""We do not see the traders well enough to say anything: silence must not look like calm."""

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from shared_events.types import Freshness
from signal_system.whale_alerts.rule import Finding, Rule


class Blind(Struct):
    """Since when; None while we see."""

    since: datetime | None = None


class Stale(Rule):
    """Positions or prices are older than the limit."""

    name = "data_stale"

    def __init__(self) -> None:
        self.memory: Blind = Blind()

    def seen(self, status: Freshness, now: datetime) -> Iterable[Finding]:
        """Find that we went blind; graver the longer it lasts: after 5 minutes, 15 and 60."""
        if status != "STALE":
            self.memory.since = None
            return
        since = self.memory.since = self.memory.since or now
        minutes = (now - since).total_seconds() / 60
        thread = f"{self.name}:{round(since.timestamp() * 1000)}"
        text = "positions are stale: no alert means that nobody looks, not that nothing happens"
        yield Finding(thread, max(1.0, minutes / 2), text, now)
