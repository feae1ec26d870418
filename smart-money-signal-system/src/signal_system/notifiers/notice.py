"""What is told to the outside: one alert, one turn of a signal, or that telling works."""

from datetime import datetime
from typing import Literal

from msgspec import Raw, Struct, json

from shared_events.payloads.decisions import Severity
from shared_events.types import Action

Kind = Literal["whale_alert", "signal_turn", "test"]

_HOUR = 3_600


class Alert(Struct, frozen=True):
    """The part of a whale alert that is needed to choose and to tell it."""

    rule: str
    severity: Severity
    message: str
    at: datetime
    coin: str | None = None


class Said(Struct, frozen=True):
    """The part of a signal that is needed to choose and to tell it."""

    coin: str
    horizon_seconds: int
    action: Action
    confidence: float
    calibrated: bool
    as_of: datetime
    journal_position: int
    reference_price: str | None = None


class Notice(Struct, frozen=True):
    """One thing to tell.

    Attributes
    ----------
    id
        That of the event it tells of: what is told twice has the same one.
    text
        A sentence or two.
    previous_action
        What a signal said before; None of anything else, and of the first there is.
    data
        The payload as it went to the bus; empty for a test.
    """

    id: str
    type: Kind
    at: datetime
    text: str
    previous_action: Action | None = None
    data: Raw = Raw(b"null")

    def body(self) -> bytes:
        """Return it as JSON: the same bytes each time."""
        return json.encode(self)


def of_alert(event_id: str, alert: Alert, data: Raw) -> Notice:
    """Return how `alert` is told."""
    about = "all coins" if alert.coin is None else alert.coin
    text = f"{alert.severity} {alert.rule} ({about}): {alert.message}"
    return Notice(event_id, "whale_alert", alert.at, text, data=data)


def of_turn(event_id: str, said: Said, previous: Action | None, data: Raw) -> Notice:
    """Return how it is told that a signal turned from `previous` into what is `said`.

    Examples
    --------
    >>> at = datetime.fromisoformat("2026-01-01T00:00:00Z")
    >>> of_turn(
    ...     "1", Said("BTC", 14_400, "BUY", 0.5, False, at, 7, "90000"), "SELL", Raw(b"{}")
    ... ).text
    'BTC over 4 h: BUY after SELL at 90000, confidence 50 % (a base rate, not calibrated yet)'
    """
    before = "" if previous is None else f" after {previous}"
    price = "" if said.reference_price is None else f" at {said.reference_price}"
    doubt = "" if said.calibrated else " (a base rate, not calibrated yet)"
    text = (
        f"{said.coin} over {said.horizon_seconds / _HOUR:g} h: {said.action}{before}{price},"
        f" confidence {said.confidence:.0%}{doubt}"
    ).replace("%", " %")
    return Notice(event_id, "signal_turn", said.as_of, text, previous, data)


def of_test(at: datetime) -> Notice:
    """Return a message that asks for nothing but to arrive."""
    return Notice(
        f"test-{int(at.timestamp() * 1_000)}",
        "test",
        at,
        "This is a test of the smart money signal system: whale alerts and signals arrive here.",
    )
