"""One move out of many trades: what a trader does in one direction of one coin without pausing.

A TWAP order trades every 30 seconds and a large market order in dozens of fills; judged one by one
they would be dozens of small moves.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec import Struct

from shared_events.payloads import ChangeKind, PositionChange
from shared_events.types import Side

_EVIDENCE = 8
_CENT = Decimal("0.01")
_PRICE_DIGITS = Decimal("1E-8")


class Episode(Struct, kw_only=True):
    """A move, so far.

    Attributes
    ----------
    id
        Names it: trader, coin, side and the millisecond it began.
    before, after
        Signed sizes.
    notional
        USD traded; what no trade told of counts at the mark price.
    liquidation
        Whether the venue closed some of it.
    evidence
        Ids of the events it follows from: the first one and the newest.
    """

    id: str
    address: str
    coin: str
    side: Side
    began_at: datetime
    last_at: datetime
    before: Decimal
    after: Decimal
    notional: Decimal = Decimal(0)
    size: Decimal = Decimal(0)
    liquidation: bool = False
    evidence: tuple[str, ...] = ()

    @property
    def kind(self) -> ChangeKind:
        """What all of it together amounts to."""
        if not self.before:
            return "open"
        if not self.after:
            return "close"
        if (self.before > 0) != (self.after > 0):
            return "flip"
        return "increase" if abs(self.after) > abs(self.before) else "reduce"

    @property
    def price(self) -> Decimal | None:
        """The average price; None while nothing of it was worth anything."""
        return (self.notional / self.size).quantize(_PRICE_DIGITS) if self.size else None

    def grow(self, change: PositionChange, mark: Decimal | None, at: datetime, event: str) -> None:
        """Take what the event with that id tells of it."""
        moved = abs(change.size_after - change.size_before)
        worth = change.notional
        if worth is None and mark is not None:
            worth = moved * mark
        if worth is not None:
            self.notional += worth.quantize(_CENT)
            self.size += moved
        self.after, self.last_at = change.size_after, max(self.last_at, at)
        self.liquidation |= bool(change.liquidation)
        if event not in self.evidence:
            self.evidence = (*self.evidence[:1], *self.evidence[1:][-_EVIDENCE + 2 :], event)


class Episodes(Struct):
    """The moves that may still go on, by trader and coin, the one that rested longest first."""

    going: dict[str, Episode] = {}

    def interrupted(
        self, address: str, change: PositionChange, at: datetime, gap: timedelta
    ) -> Episode | None:
        """Forget, and return, the move that `change` does not go on with; None if there is none."""
        key = _key(address, change.coin)
        going = self.going.get(key)
        if going is None or (going.side == _side(change) and at - going.last_at <= gap):
            return None
        return self.going.pop(key)

    def begin_or_go_on(self, address: str, change: PositionChange, at: datetime) -> Episode:
        """Return the move that `change` is part of, a new one if nothing is going on."""
        key = _key(address, change.coin)
        episode = self.going.pop(key, None) or Episode(
            id=f"{key}:{_side(change)}:{round(at.timestamp() * 1000)}",
            address=address,
            coin=change.coin,
            side=_side(change),
            began_at=at,
            last_at=at,
            before=change.size_before,
            after=change.size_before,
        )
        self.going[key] = episode
        return episode

    def over(self, now: datetime, gap: timedelta) -> Iterator[Episode]:
        """Forget, and yield, the moves that rested for longer than `gap`."""
        while self.going:
            key = next(iter(self.going))
            if now - self.going[key].last_at <= gap:
                return
            yield self.going.pop(key)


def _key(address: str, coin: str) -> str:
    return f"{address}:{coin}"


def _side(change: PositionChange) -> Side:
    return "buy" if change.size_after > change.size_before else "sell"
