"""One interval of one coin, with everything that was known of it when it closed."""

from typing import Literal

from msgspec import Struct

from shared_events.payloads.market import Interval

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

_INFINITE = float("inf")

Flaw = Literal["corrupt", "off_grid", "premature"]


class Bar(Struct, frozen=True, array_like=True):
    """Prices and volume of one interval; volumes are in the coin, moments UTC in milliseconds.

    Attributes
    ----------
    buy_volume, sell_volume
        Volume by the taker's side; None if the trades were not seen, or not all of them.
    available_ms
        When it was learned; None for a history that does not say, which counts as its close.
    revision
        Grows with each correction of the closed bar.
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
        if not (inside and self.low > 0 and self.high < _INFINITE and 0 <= self.volume < _INFINITE):
            return "corrupt"
        if self.open_ms % interval_ms:
            return "off_grid"
        early = self.available_ms is not None and self.available_ms + SKEW_MS < (
            self.open_ms + interval_ms
        )
        return "premature" if early else None
