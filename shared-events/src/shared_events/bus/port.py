"""What a bus promises. `shared_events.testing.bus_contract` holds every bus to it.

* At least once: `StandardEvent.id` makes doing it twice harmless.
* Order per event type for first deliveries; a redelivery may come late. A batch over several types
  is in the order of `recorded_at`, while catching up as well.
* Every group sees every event of the types it reads; within a group each goes to one consumer.
* A delivery neither acknowledged nor rejected comes back with a higher `attempt`.
* A rejected one, one that came back too often and one that cannot be decoded go to the dead
  letters with the reason. A dead letter of an unknown type or version returns after the upgrade.
* A batch is published whole or not at all.
* What a group has not settled is kept for it, up to a limit; beyond it that group is declared lost.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from msgspec import Struct

from shared_events.envelope import StandardEvent


class Delivery(Struct, frozen=True, gc=False):
    """One attempt to hand one event to one group; `raw` is the event as it travelled.

    A struct, because building half a million dataclasses a second would be most of the work.
    """

    event: StandardEvent[Any]
    raw: bytes
    attempt: int
    token: tuple[str, str]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What was set aside, and why."""

    raw: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class LostGroup:
    """A group that fell so far behind that events of one type were trimmed before it saw them."""

    group: str
    event_type: str
    since: datetime


class Publisher(Protocol):
    """Takes events."""

    async def publish(self, events: Sequence[StandardEvent[Any]]) -> None:
        """Append `events`, in order, as one.

        Raises
        ------
        BusUnavailableError
            If the bus cannot be reached; whether it took the batch is unknown: publish it again.
        """
        ...

    async def ping(self) -> None:
        """Return if the bus answers, else raise `BusUnavailableError`."""
        ...


class Subscription(Protocol):
    """A group's place in the streams it reads."""

    async def batch(self) -> Sequence[Delivery]:
        """Wait for the next deliveries, oldest first; bounded in number.

        Asking for the next batch says that the last one is done with: what is still unsettled of it
        comes back later. May return an empty batch when nothing came for a while. Raises
        `BusUnavailableError`; the next call tries again, and nothing is lost in between.
        """
        ...

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Mark `deliveries` as done, in one call."""
        ...

    async def reject(self, delivery: Delivery, reason: str) -> None:
        """Move `delivery` to the dead letters."""
        ...


class EventBus(Publisher, Protocol):
    """A publisher that groups can read from."""

    def subscribe(
        self, group: str, types: Iterable[str]
    ) -> AbstractAsyncContextManager[Subscription]:
        """Open `group`'s subscription to `types`, from the oldest kept event on.

        Entering raises `BusUnavailableError` if the bus cannot be reached.
        """
        ...

    async def dead_letters(self, event_type: str) -> Sequence[DeadLetter]:
        """Return the newest dead letters of `event_type`, newest first, at most a thousand."""
        ...

    async def lag(self, group: str) -> Mapping[str, int]:
        """Return, by event type, how many events `group` has not settled."""
        ...

    async def lost_groups(self) -> Sequence[LostGroup]:
        """Return the groups that missed events and have not caught up since."""
        ...
