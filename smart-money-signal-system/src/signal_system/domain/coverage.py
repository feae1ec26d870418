"""How much of the tracked weight was seen lately."""

from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from typing import NamedTuple


class _Seen(NamedTuple):
    weight: int
    at: datetime | None


class Coverage:
    """The fresh share of all weight, in amortised logarithmic time per trader and limit.

    Each fresh trader waits once in a heap for the moment it would grow stale; one that was seen
    again by then goes back to the heap, so an event costs nothing but a comparison.

    Parameters
    ----------
    limit
        How long a sight stays fresh.

    Examples
    --------
    >>> from datetime import UTC
    >>> noon, minute = datetime(2026, 1, 1, 12, tzinfo=UTC), timedelta(minutes=1)
    >>> coverage = Coverage(limit=30 * minute)
    >>> coverage.see("a", 3, noon), coverage.see("b", 1, None)
    (None, None)
    >>> coverage.share(noon), coverage.share(noon + 31 * minute)
    (0.75, 0.0)
    """

    def __init__(self, limit: timedelta) -> None:
        self._limit = limit
        self._known: dict[str, _Seen] = {}
        self._fresh: set[str] = set()
        self._waiting: set[str] = set()
        self._due: list[tuple[datetime, str]] = []
        self._weight = self._fresh_weight = 0

    @property
    def limit(self) -> timedelta:
        """How long a sight stays fresh."""
        return self._limit

    def see(self, address: str, weight: int, at: datetime | None) -> None:
        """Note that `address` counts `weight` (0 to forget it) and was last seen `at`, if it is."""
        old = self._known.get(address)
        if old is not None:
            self._weight -= old.weight
            if address in self._fresh:
                self._fresh_weight -= old.weight
        if not weight:
            self._known.pop(address, None)
            self._fresh.discard(address)
            return
        self._known[address] = _Seen(weight, at)
        self._weight += weight
        if at is None:
            self._fresh.discard(address)
        elif address in self._fresh:
            self._fresh_weight += weight
        else:
            self._fresh.add(address)
            self._fresh_weight += weight
            self._wait(address, at)

    def judge_by(self, limit: timedelta) -> None:
        """Judge every sight anew: the limit changed, or time went back."""
        self._limit = limit
        dated = [(known.at, address) for address, known in self._known.items() if known.at]
        self._fresh = {address for _, address in dated}
        self._fresh_weight = sum(self._known[address].weight for address in self._fresh)
        self._due = [(at + limit, address) for at, address in dated]
        self._waiting = set(self._fresh)
        heapify(self._due)

    def share(self, now: datetime) -> float | None:
        """Return the share of the weight that was seen within the limit; None without any."""
        while self._due and self._due[0][0] < now:
            self._review(heappop(self._due)[1], now)
        return self._fresh_weight / self._weight if self._weight else None

    def _review(self, address: str, now: datetime) -> None:
        self._waiting.discard(address)
        known = self._known.get(address)
        if known is None or known.at is None or address not in self._fresh:
            return
        if known.at + self._limit >= now:
            self._wait(address, known.at)
        else:
            self._fresh.remove(address)
            self._fresh_weight -= known.weight

    def _wait(self, address: str, at: datetime) -> None:
        if address not in self._waiting:
            self._waiting.add(address)
            heappush(self._due, (at + self._limit, address))
