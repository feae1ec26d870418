"""The one way out: facts in, envelopes on the bus."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from shared_events.bus.buffered import BufferedPublisher
from shared_events.envelope import event
from shared_events.runtime.clock import Clock

SOURCE = "hyperliquid"
_AT_ONCE = 100
"""Facts that are put in envelopes in one go: a few milliseconds."""


class Outlet:
    """Puts facts in envelopes and hands them on; waits only while the bus is far behind.

    Parameters
    ----------
    publisher
        Publishes in the background, in order, through any absence of the bus.
    clock
        Says when a fact was learned.
    """

    def __init__(self, publisher: BufferedPublisher, clock: Clock) -> None:
        self._publisher = publisher
        self._clock = clock
        self.told = 0
        self.on_told: list[Callable[[Sequence[Any]], None]] = []

    @property
    def waiting(self) -> int:
        """How many envelopes the bus has not taken yet."""
        return self._publisher.waiting

    @property
    def limit(self) -> int:
        """How many may wait at most."""
        return self._publisher.limit

    async def tell(self, facts: Iterable[Any], source: str = SOURCE) -> None:
        """Publish `facts`, in order, as learned from `source` now; many hold nobody else up."""
        learned, rest = self._clock.now(), iter(facts)
        while news := list(islice(rest, _AT_ONCE)):
            await self._publisher.publish(
                [
                    event(fact, source=source, time=happened(fact), recorded_at=learned)
                    for fact in news
                ]
            )
            self.told += len(news)
            for listen in self.on_told:
                listen(news)
            if len(news) == _AT_ONCE:
                await asyncio.sleep(0)

    async def ping(self) -> None:
        """Return if the bus answers."""
        await self._publisher.ping()


def happened(fact: Any) -> datetime:
    """Return when `fact` says it happened."""
    for name in ("as_of", "at", "second", "close_time"):
        at = getattr(fact, name, None)
        if isinstance(at, datetime):
            return at
    raise TypeError(f"{type(fact).__name__} does not say when it happened")
