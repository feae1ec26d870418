"""Where everything that comes in can be listened to before anybody reads it."""

from typing import Literal, Protocol

Kind = Literal["open", "close", "sent", "frame", "answer", "page", "roster", "settings", "begin"]
"""What a note is of.

``open``, ``close``, ``sent``, ``frame``: a websocket, named by its place. ``answer``: of the venue, to the
request in its place. ``page``: of the source its place names. ``roster``: who is followed from then
on. ``settings``: by which events are made. ``begin``: a new run.
"""


class Tap(Protocol):
    """Told of everything that comes in, as it came."""

    def __call__(self, kind: Kind, place: str, body: bytes) -> None:
        """Take note; must be quick and must not raise."""
        ...


def untapped(kind: Kind, place: str, body: bytes) -> None:
    """Take no note."""
