"""Which of the issued events one receiver is told of: alerts that pass, and turns of signals."""

from collections.abc import Callable

from msgspec import Raw, Struct, json

from shared_events.types import Action
from signal_system.notifiers.notice import Alert, Notice, Said, of_alert, of_turn
from signal_system.notifiers.receivers import Receiver

Before = Callable[[Said], Action | None]
"""What the signal before the given one said, of the same coin and horizon; None if there is none."""


class _Event(Struct):
    id: str
    type: str
    data: Raw


_event = json.Decoder(_Event)
_alert = json.Decoder(Alert)
_said = json.Decoder(Said)


class Choice:
    """Reads events in the order they were issued in, and chooses for `receiver`.

    Parameters
    ----------
    before
        Asked once for each coin and horizon: where reading begins, the past is in the store.
    """

    def __init__(self, receiver: Receiver, before: Before) -> None:
        self._receiver, self._before = receiver, before
        self._newest: dict[tuple[str, int], Said] = {}

    def of(self, raw: bytes) -> Notice | None:
        """Return how the event in `raw` is told; None if it is not."""
        event = _event.decode(raw)
        if event.type == "whale_alerts":
            alert = _alert.decode(event.data)
            wanted = self._receiver.wants_alert(alert)
            return of_alert(event.id, alert, event.data) if wanted else None
        return self._turn(event) if event.type == "signals" else None

    def _turn(self, event: _Event) -> Notice | None:
        said = _said.decode(event.data)
        if not self._receiver.follows(said):
            return None
        key = said.coin, said.horizon_seconds
        known = self._newest.get(key)
        if known is not None and known.journal_position < said.journal_position:
            previous: Action | None = known.action
        else:  # the first since the start, or one that is read again
            previous = self._before(said)
        self._newest[key] = said
        # a coin that nothing was said about had no opinion, which is what NEUTRAL says
        if said.action == (previous or "NEUTRAL"):
            return None
        return of_turn(event.id, said, previous, event.data)
