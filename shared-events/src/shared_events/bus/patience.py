"""Trying again: how long to wait, and a publisher that never gives up on its events."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import TypeVar

import structlog

from shared_events.errors import BusUnavailableError
from shared_events.runtime.clock import Clock

log = structlog.get_logger()

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double up to a cap; `jitter` is the share of each that is left to chance.

    Chance comes from the caller, so that a test or a replay can repeat it.
    """

    first_seconds: float = 0.1
    cap_seconds: float = 30.0
    jitter: float = 0.5

    def wait(self, failures: int, chance: Random) -> float:
        """Return how many seconds to wait after so many failures in a row.

        Examples
        --------
        >>> [Backoff(jitter=0).wait(n, Random(1)) for n in (1, 2, 3, 20)]
        [0.1, 0.2, 0.4, 30.0]
        """
        longest = min(self.first_seconds * 2.0 ** min(failures - 1, 32), self.cap_seconds)
        return longest * (1 - self.jitter * chance.random())


BACKOFF = Backoff()


async def patiently(
    call: Callable[[], Awaitable[T]],
    *,
    clock: Clock,
    backoff: Backoff = BACKOFF,
    chance: Random | None = None,
) -> T:
    """Return what `call` returns, trying again for as long as the bus is away."""
    chance = chance or Random()  # noqa: S311 -- spreads reconnects, guards nothing
    failures = 0
    while True:
        try:
            return await call()
        except BusUnavailableError as e:
            failures += 1
            wait = max(backoff.wait(failures, chance), e.retry_after or 0.0)
            log.warning("bus_away", wait=round(wait, 2), failures=failures, reason=str(e))
            await clock.sleep(wait)
