"""What the person at the terminal sees, as values; how it is drawn is `screen`'s business."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

FAVOURITES = ("BTC", "ETH", "SOL")
OPINIONS = frozenset({"BUY", "SELL"})


@dataclass(frozen=True, slots=True)
class SignalRow:
    """One coin's signal; None is what the API does not know."""

    coin: str
    action: str
    confidence: float | None
    calibrated: bool
    voters: float | None
    as_of: datetime | None
    regime: str | None
    why_not: str | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "SignalRow":
        """Return what a row of ``/api/v1/signals`` says."""
        as_of = row.get("as_of")
        return cls(
            coin=str(row["coin"]),
            action=str(row["action"]),
            confidence=row.get("confidence"),
            calibrated=bool(row.get("calibrated")),
            voters=row.get("independent_voters", row.get("voters")),
            as_of=datetime.fromisoformat(as_of) if as_of else None,
            regime=row.get("regime"),
            why_not=row.get("failed_gate"),
        )

    def age(self, now: datetime) -> float | None:
        """Return the seconds since the data it speaks of; None if unknown."""
        return None if self.as_of is None else (now - self.as_of).total_seconds()


@dataclass(slots=True)
class PartRow:
    """One part: where it runs and what it last said of itself."""

    name: str
    where: str
    pid: int | None = None
    state: str = "waiting for its turn"


@dataclass(slots=True)
class View:
    """Everything on the screen."""

    title: str
    api: str
    parts: dict[str, PartRow] = field(default_factory=dict)
    signals: tuple[SignalRow, ...] = ()
    warnings: deque[str] = field(default_factory=lambda: deque(maxlen=4))
    closing: str | None = None


def in_order(signals: tuple[SignalRow, ...]) -> list[SignalRow]:
    """Return the signals as a reader wants them: the majors, then opinions by confidence, then the rest."""
    rank = {coin: place for place, coin in enumerate(FAVOURITES)}
    return sorted(
        signals,
        key=lambda s: (
            rank.get(s.coin, len(rank)),
            s.action == "NEUTRAL",
            -(s.confidence or 0.0),
            s.coin,
        ),
    )


def turns(before: tuple[SignalRow, ...], now: tuple[SignalRow, ...]) -> Iterator[SignalRow]:
    """Yield the signals whose action is another than before."""
    actions = {signal.coin: signal.action for signal in before}
    yield from (signal for signal in now if actions.get(signal.coin) != signal.action)


def opinions(signals: tuple[SignalRow, ...]) -> set[str]:
    """Return which of BUY and SELL are said of the majors."""
    return {s.action for s in signals if s.coin in FAVOURITES} & OPINIONS
