"""Slow indicators from other people's services: read now and then, told where they changed.

A source is one module with a `ContextSource` in it, and one line in `connectors.registry`.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import NamedTuple, Protocol

from market_scraper.collecting import Pulse
from market_scraper.errors import WireFormatError
from market_scraper.moments import EPOCH, milliseconds
from market_scraper.outlet import Outlet
from market_scraper.storage.repository import Repository
from market_scraper.storage.tables import METRICS
from shared_events.payloads import ContextMetric
from shared_events.runtime.clock import Clock

MOST_READINGS = 500_000
_EARLIEST = datetime(2009, 1, 1, tzinfo=EPOCH.tzinfo)
_AHEAD = timedelta(days=2)
_MOST_DIGITS = 30
_AT_ONCE = 500


class Pages(Protocol):
    """Reads a URL."""

    async def read(self, url: str) -> bytes | None:
        """Return what it holds; None if that is what it held the last time."""
        ...


class Reading(NamedTuple):
    """One value of one indicator, of the moment `at`."""

    metric: str
    at: datetime
    value: Decimal
    unit: str


@dataclass(frozen=True)
class ContextSource:
    """Where indicators are found and what its answers mean.

    Parameters
    ----------
    name
        Under which it is switched on, and which its events name as their source.
    base_url
        Where it is unless the settings say otherwise.
    every_seconds
        How often it is read.
    pages
        Returns the URLs to read, from the base URL, the first day that is wanted, and today.
    parse
        Returns the readings in one answer; raises `WireFormatError` or `SourceUnavailableError`.
    """

    name: str
    base_url: str
    every_seconds: float
    pages: Callable[[str, date, date], Sequence[str]]
    parse: Callable[[bytes], Iterable[Reading]]


class Told(NamedTuple):
    """What was last told of an indicator's moment, and how often that was corrected."""

    value: Decimal
    revision: int


Memory = dict[tuple[str, int], Told]


def news(
    told: Mapping[tuple[str, int], Told],
    readings: Iterable[Reading],
    since: datetime,
    now: datetime,
) -> list[ContextMetric]:
    """Return what of `readings` is new or was corrected, oldest first.

    Providers rewrite the past, above all the last days. A value that is another one than was told
    is a revision; one that is told already is nothing.

    Raises
    ------
    WireFormatError
        If a reading cannot be one: not a number of this world, before there was a market, or of
        the future.
    """
    fresh: dict[tuple[datetime, str], ContextMetric] = {}
    for reading in islice(readings, MOST_READINGS):
        _check(reading, now)
        if reading.at < since:
            continue
        before = told.get((reading.metric, milliseconds(reading.at)))
        if before is None or before.value != reading.value:
            fresh[reading.at, reading.metric] = ContextMetric(
                metric=reading.metric,
                at=reading.at,
                value=reading.value,
                unit=reading.unit,
                revision=before.revision + 1 if before else 0,
            )
    return [fresh[key] for key in sorted(fresh)]


def remember(told: Memory, facts: Iterable[ContextMetric]) -> None:
    """Note in `told` that `facts` were told."""
    told |= {(m.metric, milliseconds(m.at)): Told(m.value, m.revision) for m in facts}


class ContextMetricsCollector:
    """Reads one source and tells what changed.

    Parameters
    ----------
    pages
        Reads the source's URLs.
    repository
        Knows what was told in earlier runs.
    days
        How far back readings are told.
    """

    def __init__(
        self,
        source: ContextSource,
        pages: Pages,
        outlet: Outlet,
        repository: Repository,
        clock: Clock,
        *,
        days: int,
    ) -> None:
        self.name = source.name
        self.pulse = Pulse()
        self._source = source
        self._pages = pages
        self._outlet = outlet
        self._repository = repository
        self._clock = clock
        self._kept = timedelta(days=days)
        self._told: Memory | None = None

    async def collect(self) -> None:
        """Read and tell until cancelled."""
        while True:
            now = self._clock.now()
            since = now - self._kept
            for url in self._source.pages(self._source.base_url, since.date(), now.date()):
                raw = await self._pages.read(url)
                if raw is not None:
                    await self._tell(raw, since)
            self.pulse.beat(self._clock.now(), self._source.every_seconds)
            await self._clock.sleep(self._source.every_seconds)

    async def _tell(self, raw: bytes, since: datetime) -> None:
        told = await self._memory(since)
        parse, now = self._source.parse, self._clock.now()
        fresh = await asyncio.to_thread(lambda: news(told, parse(raw), since, now))
        for start in range(0, len(fresh), _AT_ONCE):
            some = fresh[start : start + _AT_ONCE]
            await self._outlet.tell(some, source=self.name)
            remember(told, some)

    async def _memory(self, since: datetime) -> Memory:
        if self._told is None:
            rows = await self._repository.find(METRICS, since_ms=milliseconds(since))
            self._told = {(row.metric, row.at_ms): Told(row.value, row.revision) for row in rows}
        return self._told


def _check(reading: Reading, now: datetime) -> None:
    value = reading.value
    if not (value.is_finite() and abs(value.adjusted()) < _MOST_DIGITS):
        raise WireFormatError(f"{reading.metric} of {str(value)[:50]!r} is no reading")
    if not _EARLIEST <= reading.at <= now + _AHEAD:
        raise WireFormatError(f"{reading.metric} has a reading of {reading.at}")
