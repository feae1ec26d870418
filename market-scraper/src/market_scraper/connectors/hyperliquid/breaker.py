"""What to do when the venue says "too many requests" again and again. Pure.

A single refusal holds everything back for a moment. Repeated ones open the circuit: nothing is asked for a
while, then one request alone (half-open), and its answer decides between closing and twice the rest.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MOST_REFUSALS: Final = 3
_FIRST_HOLD_SECONDS = 2.0
_LONGEST_HOLD_SECONDS = 120.0
_TRIAL_SECONDS = 30.0
_LOOK_AGAIN_SECONDS = 0.25


class Circuit(StrEnum):
    """Whether requests pass."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(slots=True)
class Breaker:
    """Counts refusals in a row; what was under way when one came does not count again."""

    refusals: int = 0
    _held_until: float = 0.0
    _trial_until: float = 0.0

    def circuit(self, now: float) -> Circuit:
        """Return whether requests pass."""
        if self.refusals < MOST_REFUSALS:
            return Circuit.CLOSED
        return Circuit.OPEN if now < self._held_until else Circuit.HALF_OPEN

    def wait(self, now: float) -> float:
        """Return in how many seconds to look again whether a request may pass; 0 if one may now."""
        held = max(self._held_until - now, 0.0)
        if not held and self.circuit(now) is Circuit.HALF_OPEN and now < self._trial_until:
            return _LOOK_AGAIN_SECONDS
        return held

    def passed(self, now: float) -> None:
        """Note that a request passes; while half-open it is the trial."""
        if self.circuit(now) is Circuit.HALF_OPEN:
            self._trial_until = now + _TRIAL_SECONDS

    def answered(self) -> None:
        """Note an answer: all is well again."""
        self.refusals, self._trial_until = 0, 0.0

    def refused(self, now: float, retry_after: float | None) -> float:
        """Note a refusal; return for how many seconds everything is held back.

        Examples
        --------
        >>> breaker, now = Breaker(), 0.0
        >>> for _ in range(5):
        ...     seconds = breaker.refused(now, None)
        ...     print(seconds, breaker.circuit(now))
        ...     now += seconds
        2.0 closed
        4.0 closed
        8.0 open
        16.0 open
        32.0 open
        """
        if now >= self._held_until:
            self.refusals += 1
        growing = _FIRST_HOLD_SECONDS * 2.0 ** min(self.refusals - 1, 10)
        until = now + max(retry_after or 0.0, min(growing, _LONGEST_HOLD_SECONDS))
        if now >= self._held_until or retry_after:
            self._held_until = max(self._held_until, until)
        self._trial_until = 0.0
        return self._held_until - now
