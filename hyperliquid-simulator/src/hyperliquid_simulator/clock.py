"""Venue time: the wall's, faster or slower, or moved by hand, from a chosen start.

Three scales meet here. *Venue time* is what blocks, frames and states are stamped with. *Elapsed*
venue seconds since the start are what limits, faults and the age of sockets are counted in, so that
an accelerated venue is neither stricter nor more patient than a real one. *Waited* seconds are those
of the clients' own timers, which know of no acceleration: silence is counted in them.
"""

from collections.abc import Callable
from time import monotonic
from typing import Protocol


class Clock(Protocol):
    """What the venue needs to know of time."""

    skew_ms: float
    """How far the venue's time stamps run ahead of its clock, behind if negative."""

    def now_ms(self) -> float:
        """Return the venue's time in epoch milliseconds."""
        ...

    def elapsed(self) -> float:
        """Return venue seconds since the start, without skew."""
        ...

    def waited(self) -> float:
        """Return the seconds that a client's timers counted since the start."""
        ...

    def seconds_until(self, venue_ms: float) -> float:
        """Return how long clients wait for a moment of venue time, 0 if it has passed."""
        ...


class WallClock:
    """Venue time that runs with the wall's at a fixed speed.

    ``began`` is what ``wall`` said when venue time was ``start_ms``.
    """

    def __init__(
        self, start_ms: int, speed: float, began: float, wall: Callable[[], float] = monotonic
    ) -> None:
        self.speed = speed
        self.skew_ms = 0.0
        self._start_ms = start_ms
        self._wall = wall
        self._began = began

    def now_ms(self) -> float:
        """Return the venue's time in epoch milliseconds."""
        return self._start_ms + self.elapsed() * 1000.0 + self.skew_ms

    def elapsed(self) -> float:
        """Return venue seconds since the start, without skew."""
        return self.waited() * self.speed

    def waited(self) -> float:
        """Return wall seconds since the start."""
        return self._wall() - self._began

    def seconds_until(self, venue_ms: float) -> float:
        """Return wall seconds until a moment of venue time, 0 if it has passed."""
        return max(0.0, (venue_ms - self.now_ms()) / 1000.0 / self.speed)


class SteppedClock:
    """Venue time that stands still until somebody moves it; clients wait as long as it moves."""

    def __init__(self, start_ms: int) -> None:
        self.skew_ms = 0.0
        self._start_ms = start_ms
        self._elapsed = 0.0

    def now_ms(self) -> float:
        """Return the venue's time in epoch milliseconds."""
        return self._start_ms + self._elapsed * 1000.0 + self.skew_ms

    def elapsed(self) -> float:
        """Return the seconds that passed, all together."""
        return self._elapsed

    def waited(self) -> float:
        """Return the same: nobody but the test decides how long anything takes."""
        return self._elapsed

    def seconds_until(self, venue_ms: float) -> float:
        """Return how many seconds must pass before a moment of venue time, 0 if it has passed."""
        return max(0.0, (venue_ms - self.now_ms()) / 1000.0)

    def pass_by(self, seconds: float) -> None:
        """Let that much time pass."""
        self._elapsed += seconds
