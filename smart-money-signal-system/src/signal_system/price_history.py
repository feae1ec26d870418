"""What closed candles say: how often a coin moves beyond the costs, and which regime it is in."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from shared_events.payloads import Candle
from signal_system.domain.market import usable
from signal_system.domain.moves import Moves
from signal_system.domain.rules import Rules
from signal_system.ml.regime_detection import (
    INTERVALS,
    MarketRegimeDetector,
    RegimeModel,
    Standing,
)

MARKET = "market"
"""The scope of the regime that every coin is in, for want of its own."""

EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
MAX_COINS = 5_000

_SKEW = timedelta(minutes=1)


class PriceHistory(Struct):
    """Counts and regimes by coin; a part of the state, and of its snapshot as it is."""

    moves: dict[str, Moves] = {}
    regimes: dict[str, MarketRegimeDetector] = {}

    def hear(self, told: Candle, rules: Rules, model: RegimeModel) -> Collection[str]:
        """Take a final candle; return the scopes whose regime turned."""
        price = usable(told.close)
        if price is None:
            return ()
        if told.coin not in self.moves and len(self.moves) >= MAX_COINS:
            return ()
        moves = self.moves.setdefault(told.coin, Moves())
        if told.interval == "1h":
            moves.close(told.open_time, float(price), rules.round_trip_cost)
        bar = _bar(told, model)
        return () if bar is None else self._turned(told.coin, bar, float(price), rules, model)

    def regime_of(self, coin: str, rules: Rules) -> tuple[str, Standing] | None:
        """Return the scope and standing that `coin` is in: its own, else the market's."""
        for scope, name in ((coin, coin), (MARKET, rules.market_coin)):
            detector = self.regimes.get(name)
            if detector is not None and detector.standing.state != "unknown":
                return scope, detector.standing
        return None

    def _turned(
        self, coin: str, bar: datetime, close: float, rules: Rules, model: RegimeModel
    ) -> Collection[str]:
        detector = self.regimes.setdefault(coin, MarketRegimeDetector())
        before = detector.standing.state
        detector.close(bar, close, model)
        if detector.standing.state == before:
            return ()
        return (coin, MARKET) if coin == rules.market_coin else (coin,)


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


def _bar(told: Candle, model: RegimeModel) -> datetime | None:
    """Return when the regime's bar opened that `told` closes."""
    if told.interval == model.interval:
        return told.open_time
    return model.bar_closed_by(told.open_time) if told.interval == "1h" else None
