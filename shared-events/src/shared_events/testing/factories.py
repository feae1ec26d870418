"""Valid events with the one field you care about set."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from shared_events.envelope import StandardEvent, event
from shared_events.payloads import MarketContext, Position, TraderPositions

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def an_address(number: int = 1) -> str:
    """Return the address with the given number."""
    return f"0x{number:040x}"


def a_position(**fields: Any) -> Position:
    """Return a long of 1.5 BTC, with `fields` set."""
    given: dict[str, Any] = {"coin": "BTC", "size": Decimal("1.5"), "quality": "anchored"}
    return Position(**given | fields)


def trader_positions(**fields: Any) -> TraderPositions:
    """Return a whole book of one position, with `fields` set."""
    given: dict[str, Any] = {
        "address": an_address(),
        "sequence": 1,
        "as_of": NOON,
        "full": True,
        "positions": (a_position(),),
    }
    return TraderPositions(**given | fields)


def a_market_context(**fields: Any) -> MarketContext:
    """Return a context of BTC at 100,000 USD, with `fields` set."""
    given: dict[str, Any] = {"coin": "BTC", "at": NOON, "mark": Decimal(100_000)}
    return MarketContext(**given | fields)


def an_event(data: Any = None, *, time: datetime = NOON, **fields: Any) -> StandardEvent[Any]:
    """Return `data`, or any book, in an envelope."""
    fact = trader_positions() if data is None else data
    return event(fact, source="test", time=time, recorded_at=fields.pop("recorded_at", time))
