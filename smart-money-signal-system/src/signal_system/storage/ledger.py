"""What is kept of who was told what."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from signal_system.storage.port import Place


class Delivery(NamedTuple):
    """One attempt to tell of an event.

    Attributes
    ----------
    attempt
        The how manieth.
    failure
        Why it is not certain that it arrived; None if it did.
    """

    event_id: str
    at: datetime
    attempt: int
    failure: str | None


class Ledger(Protocol):
    """Keeps how far each receiver was told, and the log. Every call may raise `StorageError`."""

    def cursor(self, receiver: str) -> Place | None:
        """Return how far `receiver` was told; None if it is new."""
        ...

    def move(self, receiver: str, place: Place) -> None:
        """Remember that `receiver` was told everything up to `place`."""
        ...

    def note(self, receiver: str, deliveries: Sequence[Delivery]) -> None:
        """Write down what became of `deliveries`; the oldest of all are forgotten."""
        ...

    def deliveries(self, receiver: str, limit: int) -> Sequence[Delivery]:
        """Return what became of the newest attempts to tell `receiver` something, newest first."""
        ...
