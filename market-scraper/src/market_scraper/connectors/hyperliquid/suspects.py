"""Which subscription makes the venue close the whole connection, as an unknown coin does. Pure.

The venue does not say which. So what was waiting for its confirmation when a connection broke is asked for
last from then on, first a few at a time, then alone; what is alone when it breaks again is the one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

_TOGETHER = 16

S = TypeVar("S")


@dataclass(slots=True)
class Suspects(Generic[S]):
    """How often each subscription was there when a connection broke."""

    _strikes: dict[S, int] = field(default_factory=dict)

    def broke(self, pending: Iterable[S]) -> S | None:
        """Note that a connection broke while `pending` were asked for; return the culprit if it is known."""
        waiting = list(pending)
        if len(waiting) == 1 and self._strikes.get(waiting[0]):
            self.cleared(waiting[0])
            return waiting[0]
        for each in waiting:
            self._strikes[each] = self._strikes.get(each, 0) + 1
        return None

    def cleared(self, subscription: S) -> None:
        """Note that the venue confirmed it."""
        self._strikes.pop(subscription, None)

    def next(self, wanted: Iterable[S], *, pending: bool) -> list[S]:
        """Return what of `wanted` to ask for now: suspects when nothing else waits, and few at a time."""
        waiting = list(wanted)
        plain = [each for each in waiting if each not in self._strikes]
        if plain or pending or not waiting:
            return plain
        mildest = min(self._strikes[each] for each in waiting)
        alike = [each for each in waiting if self._strikes[each] == mildest]
        return alike[: _TOGETHER if mildest == 1 else 1]
