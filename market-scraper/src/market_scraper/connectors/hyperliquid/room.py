"""How much of what the venue allows one address by websocket there is for us. Pure."""

from dataclasses import dataclass
from typing import Final

_CONNECTIONS: Final = 10
_SUBSCRIPTIONS: Final = 1_000
_USERS: Final = 10
_MOST_LINES: Final = 4
_MOST_USERS: Final = 8


@dataclass(frozen=True, slots=True)
class Room:
    """How many there may be; while a line is handed over it is subscribed to twice."""

    lines: int
    subscriptions: int
    users: int


def room_for(share: float = 1.0, lines: int = _MOST_LINES) -> Room:
    """Return what there is room for, given our share of the address and the lines that are wished.

    Of ten users two are left to whoever else looks.

    Examples
    --------
    >>> room_for(), room_for(0.5)
    (Room(lines=4, subscriptions=800, users=8), Room(lines=4, subscriptions=400, users=5))
    """
    lines = max(1, min(lines, int(_CONNECTIONS * share) - 1))
    subscriptions = int(_SUBSCRIPTIONS * share) * lines // (lines + 1)
    return Room(lines, subscriptions, min(_MOST_USERS, int(_USERS * share)))
