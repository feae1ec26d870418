"""Run the collectors, outlive their troubles, start and stop each on demand."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Literal

import structlog

from market_scraper.collecting import OURS, Collector, Patience
from shared_events.errors import AppError, DataError, TransientError
from shared_events.runtime.clock import Clock

log = structlog.get_logger()

State = Literal["stopped", "running", "waiting", "resting"]
"""Waiting after a failure; resting after so many that the source is left alone."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """The last error of a collector."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Status:
    """How a collector is; `failures` counts those in a row, `errors` all; None: never, or not known."""

    name: str
    state: State
    since: datetime
    succeeded_at: datetime | None
    due_at: datetime | None
    failures: int
    errors: int
    trouble: Trouble | None


class UnknownCollectorError(DataError):
    """There is no collector of that name."""


@dataclass(slots=True)
class _Kept:
    """A registered collector and how it goes."""

    collector: Collector
    patience: Patience
    since: datetime
    state: State = "stopped"
    wanted: bool = True
    task: asyncio.Task[None] | None = None
    failures: int = 0
    errors: int = 0
    trouble: Trouble | None = None
    again_at: datetime | None = None


class CollectorManager:
    """Keeps every collector going; the one loop that knows what to do about their errors.

    Collectors start in the order in which they were added and stop in the opposite one.

    Parameters
    ----------
    clock
        Waits between attempts.
    seed
        Of the spread between attempts.
    """

    def __init__(self, clock: Clock, seed: int = 0) -> None:
        self._clock = clock
        self._chance = Random(seed)  # noqa: S311 -- spreads attempts, keeps no secret
        self._kept: dict[str, _Kept] = {}
        self._tasks: asyncio.TaskGroup | None = None

    @property
    def troubles(self) -> Mapping[str, Trouble]:
        """The last error of every collector that had one."""
        return {name: kept.trouble for name, kept in self._kept.items() if kept.trouble}

    def statuses(self) -> list[Status]:
        """Return how every collector is, in the order of their start."""
        return [self._status(name, kept) for name, kept in self._kept.items()]

    def status(self, name: str) -> Status:
        """Return how one collector is."""
        return self._status(name, self._of(name))

    def add(self, name: str, collector: Collector, patience: Patience = OURS) -> None:
        """Register `collector`; it starts at once if the others run, else with them."""
        if name in self._kept:
            raise ValueError(f"a collector {name!r} is already there")
        self._kept[name] = _Kept(collector, patience, since=self._clock.now())
        if self._tasks is not None:
            self.start(name)

    async def remove(self, name: str) -> None:
        """Stop the collector and forget it."""
        await self.stop(name)
        del self._kept[name]

    def start(self, name: str) -> None:
        """Let the collector run, with a clean record; one that runs goes on."""
        kept = self._of(name)
        kept.wanted = True
        if self._tasks is not None and kept.task is None:
            kept.failures, kept.trouble = 0, None
            self._become(kept, "running")
            kept.task = self._tasks.create_task(self._keep(name, kept), name=name)

    async def stop(self, name: str) -> None:
        """End the collector and wait until it has ended; it stays stopped until it is started."""
        kept = self._of(name)
        kept.wanted = False
        await self._end(kept)

    async def run(self) -> None:
        """Run the collectors until cancelled; a bug in any ends them all."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                for name, kept in self._kept.items():
                    if kept.wanted:
                        self.start(name)
                await asyncio.Event().wait()
            finally:
                for kept in reversed(self._kept.values()):
                    await self._end(kept)
                self._tasks = None

    async def _end(self, kept: _Kept) -> None:
        task, kept.task = kept.task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        self._become(kept, "stopped")

    async def _keep(self, name: str, kept: _Kept) -> None:
        while True:
            self._become(kept, "running")
            before = kept.collector.pulse.succeeded_at
            try:
                await kept.collector.collect()
            except (TransientError, DataError) as e:
                if kept.collector.pulse.succeeded_at != before:
                    kept.failures = 0
                seconds = self._failed(kept, e)
                log.warning(
                    "collector_waits", collector=name, reason=str(e), wait=round(seconds, 1)
                )
                await self._clock.sleep(seconds)
            else:
                kept.task = None
                self._become(kept, "stopped")
                return

    def _failed(self, kept: _Kept, error: AppError) -> float:
        """Note a failure; return for how long to leave the source alone."""
        now = self._clock.now()
        kept.failures, kept.errors = kept.failures + 1, kept.errors + 1
        kept.trouble = Trouble(now, str(error))
        seconds = kept.patience.seconds(kept.failures, self._chance.random())
        if isinstance(error, TransientError) and error.retry_after is not None:
            seconds = max(seconds, error.retry_after)
        self._become(kept, "resting" if kept.patience.broken(kept.failures) else "waiting")
        kept.again_at = now + timedelta(seconds=seconds)
        return seconds

    def _become(self, kept: _Kept, state: State) -> None:
        if kept.state != state:
            kept.state, kept.since = state, self._clock.now()
        kept.again_at = None

    def _status(self, name: str, kept: _Kept) -> Status:
        pulse, trouble = kept.collector.pulse, kept.trouble
        over = trouble and pulse.succeeded_at and pulse.succeeded_at > trouble.at
        return Status(
            name=name,
            state=kept.state,
            since=kept.since,
            succeeded_at=pulse.succeeded_at,
            due_at=kept.again_at or (pulse.due_at if kept.state == "running" else None),
            failures=0 if over else kept.failures,
            errors=kept.errors,
            trouble=trouble,
        )

    def _of(self, name: str) -> _Kept:
        try:
            return self._kept[name]
        except KeyError:
            known = ", ".join(self._kept)
            raise UnknownCollectorError(
                f"there is no collector {name!r}; there are {known}"
            ) from None
