"""Moves of traders: the fields a test cares about, the rest sensible."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from shared_events.payloads import (
    ChangeKind,
    Position,
    PositionChange,
    TradeRef,
    TraderPositions,
    WhaleAlert,
)
from shared_events.testing.factories import NOON, an_address
from signal_system.testing.events import Event, Number, told


def a_change(
    coin: str, before: Number, after: Number, *, notional: Number | None = 1, **fields: Any
) -> PositionChange:
    """Return that a position went from one signed size to another."""
    sizes = Decimal(str(before)), Decimal(str(after))
    given: dict[str, Any] = {
        "coin": coin,
        "kind": _kind(*sizes),
        "size_before": sizes[0],
        "size_after": sizes[1],
        "cause": "trade",
        "notional": None if notional is None else Decimal(str(notional)),
    }
    return PositionChange(**given | fields)


def a_move(
    trader: int,
    sequence: int,
    changes: Iterable[PositionChange],
    second: float = 0,
    *,
    equity: Number | None = None,
    **position: Any,
) -> Event:
    """Return that the trader with that number made `changes` in that second after noon.

    Parameters
    ----------
    position
        Further fields of every changed coin's position.
    """
    at, changes = NOON + timedelta(seconds=second), tuple(changes)
    data = TraderPositions(
        address=an_address(trader),
        sequence=sequence,
        as_of=at,
        full=False,
        account_value=None if equity is None else Decimal(str(equity)),
        positions=tuple(
            Position(coin=each.coin, size=each.size_after, quality="derived", **position)
            for each in changes
        ),
        changes=changes,
    )
    return told(data, second)


def a_trade(at: datetime, tid: int = 1) -> TradeRef:
    """Return which trade a change follows from."""
    return TradeRef(time=at, tid=tid)


def _kind(before: Decimal, after: Decimal) -> ChangeKind:
    if not before:
        return "open"
    if not after:
        return "close"
    if (before > 0) != (after > 0):
        return "flip"
    return "increase" if abs(after) > abs(before) else "reduce"


def an_alert(number: int = 1, **fields: Any) -> WhaleAlert:
    """Return an alert that was raised `number` minutes after noon."""
    given: dict[str, Any] = {
        "alert_id": f"{number:020x}",
        "rule": "large_open",
        "rule_version": "1",
        "severity": "LOW",
        "episode": f"move:{number}",
        "address": an_address(number),
        "coin": "BTC",
        "side": "buy",
        "at": NOON + timedelta(minutes=number),
        "message": "somebody opened a BTC long",
    }
    return WhaleAlert(**given | fields)
