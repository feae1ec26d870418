"""What the service needs to have kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from shared_events.errors import TransientError


class StorageError(TransientError):
    """The store did not take or give what it was asked for; nothing of the call was done."""


class Place(NamedTuple):
    """Where an issued event stands: the journal position that led to it, and its number there."""

    position: int
    ordinal: int


BEFORE_ALL = Place(-1, -1)
AFTER_ALL = Place(2**63 - 1, 2**63 - 1)


TURN = 0
"""The horizon of what has none: that a regime turned."""

ALERT = -1
"""The horizon of an alert, which none is kept by."""


class About(NamedTuple):
    """What a signal, a turn of a regime or an alert is found by.

    Attributes
    ----------
    coin
        Or the scope of the regime; empty for an alert about none.
    horizon_seconds
        `TURN` for a regime, `ALERT` for an alert.
    decided_at
        The journal position that a signal states, or that led to the turn.
    """

    coin: str
    horizon_seconds: int
    decided_at: int


class Scored(NamedTuple):
    """What an event is to the track record: a forecast, or the outcome of one.

    Attributes
    ----------
    signal_id
        The event that carried the signal.
    number
        The forecast's place; None of an outcome.
    """

    signal_id: str
    number: int | None


class KeptForecast(NamedTuple):
    """A forecast as it was published, and its outcome; None while there is none."""

    number: int
    signal_id: str
    raw: bytes
    outcome: bytes | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One issued event; `signal` is None for one that nobody looks for by itself."""

    place: Place
    at: datetime
    signal: About | None
    raw: bytes
    scored: Scored | None = None


class KeptBar(NamedTuple):
    """A bar that features follow from, too many to be part of every snapshot.

    Attributes
    ----------
    series
        Which coin's, and of which length.
    open_ms
        When it opened.
    oldest_ms
        From when on bars of the series are still needed.
    """

    series: str
    open_ms: int
    oldest_ms: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is kept in one transaction: a snapshot, all it led to, and how far was published.

    Attributes
    ----------
    bars
        Those that came or changed since the checkpoint before.
    """

    position: int
    snapshot: bytes
    entries: Sequence[Entry]
    published: Place
    bars: Sequence[KeptBar] = ()


class Store(Protocol):
    """Keeps snapshots and issued events. Every call may raise `StorageError`."""

    def snapshot(self) -> bytes | None:
        """Return the newest snapshot; None if there is none."""
        ...

    def series(self) -> Sequence[str]:
        """Return whose bars are kept with the newest snapshot."""
        ...

    def bars(self, series: str) -> Sequence[bytes]:
        """Return the bars of a series in their order."""
        ...

    def published(self) -> Place:
        """Return the place of the last event that the bus is known to have taken."""
        ...

    def commit(self, checkpoint: Checkpoint) -> None:
        """Keep `checkpoint`, whole or not at all; entries that are there already stay."""
        ...

    def forget_from(self, position: int) -> None:
        """Drop the snapshot and every event from journal position `position` on."""
        ...

    def forget_before(self, moment: datetime, limit: int) -> int:
        """Drop up to `limit` events issued before `moment`, turns and alerts apart; return how many."""
        ...

    def after(self, place: Place, limit: int) -> Sequence[tuple[Place, bytes]]:
        """Return up to `limit` issued events that come after `place`, in order."""
        ...

    def history(
        self, coin: str, horizon_seconds: int, *, limit: int, before: int | None
    ) -> Sequence[bytes]:
        """Return a coin's issued signals, newest first, from before journal position `before`."""
        ...

    def alerts(self, before: Place, limit: int) -> Sequence[tuple[Place, bytes]]:
        """Return up to `limit` alerts that come before `before`, newest first."""
        ...

    def forecasts(self, number: int, limit: int) -> Sequence[KeptForecast]:
        """Return up to `limit` forecasts from `number` on, in order; they are kept for ever."""
        ...

    def ping(self) -> None:
        """Return if the store answers."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...
