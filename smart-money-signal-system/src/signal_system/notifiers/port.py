"""What the outbox needs of somebody who is told something."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from shared_events.errors import TransientError
from signal_system.notifiers.notice import Notice


class DeliveryError(TransientError):
    """Nobody confirmed to have taken the notices; they may have arrived all the same."""


class Notifier(Protocol):
    """Brings notices to one receiver."""

    @property
    def batch(self) -> int:
        """How many notices it takes at a time."""
        ...

    def hold(self, now: datetime) -> float:
        """Return for how many seconds to collect what else there is before telling any of it."""
        ...

    async def send(self, notices: Sequence[Notice]) -> None:
        """Bring `notices` there.

        Raises
        ------
        TransientError
            If that is not certain; its sentence carries no secret.
        """
        ...
