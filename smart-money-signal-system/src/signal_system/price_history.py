"""What closed candles say of a coin by itself: how often it moves beyond the costs."""

from datetime import UTC, datetime, timedelta

from msgspec import Struct

from shared_events.payloads import Candle
from signal_system.domain.moves import Moves
from signal_system.domain.rules import Rules
from signal_system.ml.regime_detection import INTERVALS

EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
MAX_COINS = 5_000

_SKEW = timedelta(minutes=1)


class PriceHistory(Struct):
    """Counts by coin; a part of the state, and of its snapshot as it is."""

    moves: dict[str, Moves] = {}

    def hear(self, told: Candle, price: float, rules: Rules) -> None:
        """Take a final candle that closed at `price`."""
        if told.coin not in self.moves and len(self.moves) >= MAX_COINS:
            return
        moves = self.moves.setdefault(told.coin, Moves())
        if told.interval == "1h":
            moves.close(told.open_time, price, rules.round_trip_cost)


def is_final(told: Candle, at: datetime) -> bool:
    """Tell whether `told`, recorded `at`, is a whole bar that was over by then.

    Two clocks may differ by `_SKEW`; a bar that claims to be further ahead is not of this world.
    """
    length = INTERVALS.get(told.interval)
    return (
        told.closed
        and length is not None
        and told.open_time > EARLIEST
        and not (told.open_time - EARLIEST) % length
        and told.open_time + length == told.close_time <= min(at + _SKEW, LATEST)
    )
