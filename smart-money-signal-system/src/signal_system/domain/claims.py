"""What may be said about a coin that time will tell."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct

from shared_events.payloads import Odds
from shared_events.types import Action

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Bet(Struct, frozen=True):
    """What a prediction claims: which of two prices is reached first, and how surely.

    Attributes
    ----------
    model
        Whose record it counts for.
    above, below
        The prices that make ``buy`` and ``sell`` right.
    probabilities
        Of each class.
    """

    model: str
    above: Decimal
    below: Decimal
    probabilities: dict[str, float]


class ClosedBar(NamedTuple):
    """A bar that is over."""

    coin: str
    opened_at: datetime
    closed_at: datetime
    high: Decimal
    low: Decimal
    close: Decimal


class Claim(Struct, frozen=True):
    """Something said about a coin that time will tell.

    Attributes
    ----------
    id
        Of the event that said it.
    said_at
        Event time.
    reference_price
        What it is scored from.
    bet
        If it is about which price comes first; then `said_at` is when the bar closed that the
        reference price is of.
    score, base
        Of a signal, what calibration learns from: the log-odds it stated, and the base rates.
    """

    id: str
    coin: str
    action: Action
    said_at: datetime
    horizon_seconds: int
    reference_price: Decimal
    bet: Bet | None = None
    score: float = 0.0
    base: Odds | None = None

    @property
    def due(self) -> datetime:
        """When the horizon ends."""
        return self.said_at + timedelta(seconds=self.horizon_seconds)

    @property
    def window(self) -> int:
        """Which window of the horizon's length it was said in; of a bet, which bar it is about."""
        if self.bet is None:
            return window_of(self.said_at, self.horizon_seconds)
        return (self.said_at - _EPOCH) // _MILLISECOND


def window_of(moment: datetime, horizon_seconds: int) -> int:
    """Return which window of the horizon's length `moment` is in; they begin at multiples in UTC."""
    return (moment - _EPOCH) // timedelta(seconds=horizon_seconds)
