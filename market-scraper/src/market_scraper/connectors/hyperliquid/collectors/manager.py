"""Run the collectors, and outlive their troubles."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from shared_events.errors import DataError, TransientError
from shared_events.runtime.clock import Clock

log = structlog.get_logger()

_FIRST_WAIT_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 60.0
_STEADY_SECONDS = 120.0


class Collector(Protocol):
    """Collects one kind of fact until cancelled."""

    async def collect(self) -> None:
        """Collect.

        Raises
        ------
        TransientError
            If the source is away; `collect` is called again later.
        DataError
            If the source sent nonsense; it is reported and `collect` called again later.
        """
        ...


@dataclass(frozen=True, slots=True)
class Trouble:
    """The last error of a collector."""

    at: datetime
    reason: str


class CollectorManager:
    """Keeps every collector going; the one loop that knows what to do about their errors.

    Parameters
    ----------
    collectors
        By the key they are registered under.
    clock
        Waits between attempts.
    """

    def __init__(self, collectors: Mapping[str, Collector], clock: Clock) -> None:
        self.collectors = dict(collectors)
        self._clock = clock
        self.troubles: dict[str, Trouble] = {}

    async def run(self) -> None:
        """Run all collectors until cancelled; a bug in any ends them all."""
        async with asyncio.TaskGroup() as tasks:
            for name, collector in self.collectors.items():
                tasks.create_task(self._keep(name, collector), name=name)

    async def _keep(self, name: str, collector: Collector) -> None:
        wait = _FIRST_WAIT_SECONDS
        while True:
            began = self._clock.now()
            try:
                await collector.collect()
            except (TransientError, DataError) as e:
                if (self._clock.now() - began).total_seconds() > _STEADY_SECONDS:
                    wait = _FIRST_WAIT_SECONDS
                asked = e.retry_after if isinstance(e, TransientError) else None
                seconds = asked or wait
                self.troubles[name] = Trouble(self._clock.now(), str(e))
                log.warning("collector_waits", collector=name, reason=str(e), wait=seconds)
                await self._clock.sleep(seconds)
                wait = min(wait * 2, _LONGEST_WAIT_SECONDS)
            else:
                return
