"""Thin out what is old: first to one row a while, then to the last word on every subject."""

from dataclasses import dataclass
from typing import Any, ClassVar

import structlog

from market_scraper.collecting import Pulse
from market_scraper.moments import milliseconds
from market_scraper.storage.repository import Repository
from market_scraper.storage.tables import Table
from shared_events.runtime.clock import Clock

log = structlog.get_logger()

_EVERY_SECONDS = 86_400.0
_FIRST_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Rule:
    """Of rows older than `age_ms` only the newest of each bucket stays; None: only the newest of all."""

    table: Table[Any]
    age_ms: int
    bucket_ms: int | None

    def before_ms(self, now_ms: int) -> int:
        """Return the moment before which rows are thinned; no bucket is cut in two by it.

        Examples
        --------
        >>> from market_scraper.storage.tables import POSITIONS
        >>> Rule(POSITIONS, age_ms=100, bucket_ms=60).before_ms(now_ms=350)
        240
        """
        oldest = now_ms - self.age_ms
        return oldest - oldest % (self.bucket_ms or 1)


class Compactor:
    """Applies the rules once a day, and a while after the start.

    Parameters
    ----------
    rules
        What is thinned.
    """

    name: ClassVar[str] = "compactor"

    def __init__(self, repository: Repository, clock: Clock, rules: tuple[Rule, ...]) -> None:
        self.pulse = Pulse()
        self._repository = repository
        self._clock = clock
        self._rules = rules

    async def collect(self) -> None:
        """Compact until cancelled."""
        await self._clock.sleep(_FIRST_SECONDS)
        while True:
            await self.compact()
            self.pulse.beat(self._clock.now(), _EVERY_SECONDS)
            await self._clock.sleep(_EVERY_SECONDS)

    async def compact(self) -> int:
        """Apply every rule once; return how many rows were dropped."""
        dropped = 0
        for rule in self._rules:
            before_ms = rule.before_ms(milliseconds(self._clock.now()))
            count = await self._repository.thin(rule.table, before_ms, rule.bucket_ms)
            dropped += count
            log.info("table_thinned", table=rule.table.name, dropped=count)
        return dropped
