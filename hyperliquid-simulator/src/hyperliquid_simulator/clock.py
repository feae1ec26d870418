"""Venue time: the wall's, faster or slower, from a chosen start."""

from collections.abc import Callable
from time import monotonic


class VenueClock:
    """Tells venue time in milliseconds; ``elapsed`` is wall time in seconds since the start."""

    def __init__(self, start_ms: int, speed: float, wall: Callable[[], float] = monotonic) -> None:
        self.start_ms = start_ms
        self.speed = speed
        self._wall = wall
        self._began = wall()

    def now_ms(self) -> float:
        """Return the venue's time."""
        return self.start_ms + self.elapsed() * 1000.0 * self.speed

    def elapsed(self) -> float:
        """Return wall seconds since the start."""
        return self._wall() - self._began

    def seconds_until(self, venue_ms: float) -> float:
        """Return wall seconds until a moment of venue time, 0 if it has passed."""
        return max(0.0, (venue_ms - self.now_ms()) / 1000.0 / self.speed)
