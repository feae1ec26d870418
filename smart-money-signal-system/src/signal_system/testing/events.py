"""Events by the second: the fields a test cares about, the rest sensible."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from shared_events.envelope import StandardEvent, event
from shared_events.payloads import (
    Candle,
    MarketContext,
    Position,
    Quality,
    SourceStatus,
    TrackedTrader,
    TradeFlow,
    TraderPositions,
    TraderProfile,
)
from shared_events.testing.factories import NOON, an_address

Event = StandardEvent[Any]
Number = Decimal | int | str | float

VENUE = "venue"


def told(data: Any, second: float = 0) -> Event:
    """Return `data` as an event that was recorded `second` seconds after noon."""
    moment = NOON + timedelta(seconds=second)
    return event(data, source="test", time=moment, recorded_at=moment)


def status(second: float = 0, said: str = "LIVE", **fields: Any) -> Event:
    """Return a heartbeat of the source of positions."""
    at = NOON + timedelta(seconds=second)
    given: dict[str, Any] = {"name": VENUE, "at": at, "status": said, "tracked": 1}
    return told(SourceStatus(**given | fields), second)


def member(trader: int, score: Number | None = 100, second: float = 0, **fields: Any) -> Event:
    """Return that the trader with that number is tracked with that score."""
    given: dict[str, Any] = {
        "address": an_address(trader),
        "tracked": True,
        "reason": "test",
        "at": NOON + timedelta(seconds=second),
        "score": None if score is None else Decimal(str(score)),
    }
    return told(TrackedTrader(**given | fields), second)


def price(coin: str, mark: Number | None, second: float = 0, **fields: Any) -> Event:
    """Return a market context with that mark price."""
    given: dict[str, Any] = {
        "coin": coin,
        "at": NOON + timedelta(seconds=second),
        "mark": None if mark is None else Decimal(str(mark)),
    }
    return told(MarketContext(**given | fields), second)


def book(
    trader: int,
    sequence: int,
    sizes: Mapping[str, Number],
    second: float = 0,
    *,
    full: bool = True,
    quality: Quality = "anchored",
    **fields: Any,
) -> Event:
    """Return what the trader with that number holds, whole or in part."""
    positions = tuple(
        Position(coin=coin, size=Decimal(str(size)), quality=quality)
        for coin, size in sizes.items()
    )
    data = TraderPositions(
        address=an_address(trader),
        sequence=sequence,
        as_of=NOON + timedelta(seconds=second),
        full=full,
        positions=positions,
        **fields,
    )
    return told(data, second)


def profile(trader: int, second: float = 0, *, master: int | None = None, **fields: Any) -> Event:
    """Return whom the trader with that number belongs to."""
    given: dict[str, Any] = {
        "address": an_address(trader),
        "at": NOON + timedelta(seconds=second),
        "role": "user" if master is None else "subAccount",
        "master": None if master is None else an_address(master),
    }
    return told(TraderProfile(**given | fields), second)


def candle(
    coin: str, hour: float, close: Number, second: float | None = None, **fields: Any
) -> Event:
    """Return the closed candle of the hour that began `hour` hours after noon."""
    opened = NOON + timedelta(hours=hour)
    shut = Decimal(str(close))
    given: dict[str, Any] = {
        "coin": coin,
        "interval": "1h",
        "open_time": opened,
        "close_time": opened + timedelta(hours=1),
        "open": shut,
        "high": shut,
        "low": shut,
        "close": shut,
        "volume": Decimal(1),
        "trades": 1,
        "closed": True,
        "origin": "rest",
    }
    return told(Candle(**given | fields), 3600 * (hour + 1) if second is None else second)


def flow(coin: str, second: float, bought: Number, sold: Number, **fields: Any) -> Event:
    """Return what was traded in that second after noon, heard two seconds after its end."""
    given: dict[str, Any] = {
        "coin": coin,
        "second": NOON + timedelta(seconds=second),
        "buy_volume": Decimal(str(bought)),
        "sell_volume": Decimal(str(sold)),
        "trades": 1,
    }
    return told(TradeFlow(**given | fields), second + 3)
