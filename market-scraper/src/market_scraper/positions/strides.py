"""Whose turn it is if some are worth asking more often than others: in logarithmic time, and nobody starves.

Everybody walks a line in strides of ``1 / worth``; whoever is furthest behind is next and makes a stride. So
turns are dealt out in proportion to worth times age, whatever the budget is, and between two turns of one
nobody else has more than ``MOST_WORTH / LEAST_WORTH + 1`` (C. Waldspurger and W. Weihl, "Stride Scheduling",
1995, with bounded strides).
"""

import heapq
from dataclasses import dataclass, field

from market_scraper.positions.anchors import BookId

LEAST_WORTH = 0.25
MOST_WORTH = 4.0


@dataclass(frozen=True, slots=True, order=True)
class _Turn:
    key: BookId
    asked: float
    place: float


@dataclass(slots=True)
class Strides:
    """Everybody's place on the line.

    Parameters
    ----------
    rest_seconds
        How long somebody is left alone after a turn, at least.
    """

    rest_seconds: float
    _current: dict[BookId, _Turn] = field(default_factory=dict)
    _resting: list[tuple[float, BookId, _Turn]] = field(default_factory=list)
    _ready: list[tuple[float, BookId, _Turn]] = field(default_factory=list)
    _front: float = 0.0
    _hastened: float = float("-inf")

    def done(self, key: BookId, now: float, worth: float) -> None:
        """Note that `key` had its turn at `now`, and how much the next one is worth."""
        bounded = min(MOST_WORTH, max(LEAST_WORTH, worth))
        turn = _Turn(key, now, self._front + 1 / bounded)
        self._current[key] = turn
        heapq.heappush(self._resting, (now, key, turn))

    def leave(self, key: BookId) -> None:
        """Forget `key`."""
        self._current.pop(key, None)

    def hasten(self, now: float) -> None:
        """Let nobody rest who had its turn before `now`: something happened that may concern anyone."""
        self._hastened = now

    def next(self, now: float) -> BookId | None:
        """Return whose turn it is, or None if all of them rest; it has no other until `done`."""
        while self._resting and self._rested(self._resting[0][0], now):
            _, key, turn = heapq.heappop(self._resting)
            if self._current.get(key) is turn:
                heapq.heappush(self._ready, (turn.place, key, turn))
        while self._ready:
            place, key, turn = heapq.heappop(self._ready)
            if self._current.get(key) is turn:
                self._front = max(self._front, place)
                del self._current[key]
                return key
        return None

    def _rested(self, asked: float, now: float) -> bool:
        return asked + self.rest_seconds <= now or asked < self._hastened
