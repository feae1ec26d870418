"""One interval of one coin, with everything that was known of it when it closed."""

from typing import Literal

from msgspec import Struct, structs

from shared_events.payloads.market import Interval
from signal_system.ml.features.positioning import Context, Positioning

INTERVAL_MS: dict[Interval, int] = {
    "1m": 60_000,
    "5m": 300_000,
    "15m": 900_000,
    "1h": 3_600_000,
    "4h": 14_400_000,
    "1d": 86_400_000,
}

SKEW_MS = 60_000
"""How far two clocks may differ."""

_LOWEST, _HIGHEST = 1e-12, 1e15  # beyond them nothing costs or trades

Flaw = Literal["corrupt", "off_grid", "premature"]


class Bar(Struct, frozen=True, array_like=True):
    """Prices and volume of one interval; volumes are in the coin, moments UTC in milliseconds.

    Attributes
    ----------
    buy_volume, sell_volume
        Volume by the taker's side, as far as the trades were seen; None if none was.
    available_ms
        When it was learned; None for a history that does not say, which counts as its close.
    revision
        Grows with each correction of the closed bar.
    positioning, context
        Sampled when the bar was learned; None if that was long after it closed.
    """

    open_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    buy_volume: float | None = None
    sell_volume: float | None = None
    available_ms: int | None = None
    revision: int = 0
    positioning: Positioning | None = None
    context: Context | None = None

    def flow(self, least: float) -> tuple[float, float] | None:
        """Return what was bought and sold, None if less than the share `least` was seen.

        More than was traded is as wrong: then one of the two sources lacks something.

        Examples
        --------
        >>> bar = Bar(0, 1.0, 1.0, 1.0, 1.0, 100.0, buy_volume=60.0, sell_volume=30.0)
        >>> bar.flow(0.9), bar.flow(0.95)
        ((60.0, 30.0), None)
        >>> Bar(0, 1.0, 1.0, 1.0, 1.0, 50.0, buy_volume=60.0, sell_volume=30.0).flow(0.9)
        """
        if not self.volume:
            return 0.0, 0.0
        if self.buy_volume is None or self.sell_volume is None:
            return None
        seen = (self.buy_volume + self.sell_volume) / self.volume
        return (self.buy_volume, self.sell_volume) if least <= seen <= 2 - least else None

    def correcting(self, known: "Bar") -> "Bar":
        """Return this correction of `known`, with what only was seen when that was learned."""
        unseen = self.buy_volume is None
        return structs.replace(
            self,
            buy_volume=known.buy_volume if unseen else self.buy_volume,
            sell_volume=known.sell_volume if unseen else self.sell_volume,
            positioning=known.positioning,
            context=known.context,
        )

    def flaw(self, interval_ms: int) -> Flaw | None:
        """Return what makes this no bar of a market, None if it is one.

        Examples
        --------
        >>> Bar(0, 1.0, 2.0, 0.5, 1.5, 7.0).flaw(60_000)
        >>> Bar(0, 1.0, float("nan"), 0.5, 1.5, 7.0).flaw(60_000)
        'corrupt'
        >>> Bar(59_000, 1.0, 2.0, 0.5, 1.5, 7.0).flaw(60_000)
        'off_grid'
        >>> Bar(600_000, 1.0, 2.0, 0.5, 1.5, 7.0, available_ms=0).flaw(60_000)
        'premature'
        """
        inside = self.low <= self.open <= self.high and self.low <= self.close <= self.high
        if not (inside and self.low > _LOWEST and self.high < _HIGHEST):
            return "corrupt"
        if not 0 <= self.volume < _HIGHEST:
            return "corrupt"
        if self.open_ms % interval_ms:
            return "off_grid"
        early = self.available_ms is not None and self.available_ms + SKEW_MS < (
            self.open_ms + interval_ms
        )
        return "premature" if early else None
