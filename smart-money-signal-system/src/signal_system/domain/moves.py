"""How often one coin's price moved further than a round trip costs: counts over closed hours."""

from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec import Struct

HOUR = timedelta(hours=1)
HORIZONS = (3_600, 14_400, 86_400)
"""What a signal speaks about, in seconds: 1 h, 4 h, 24 h."""

_CHANGE_SCALE = 10**8
_KEPT_HOURS = 72  # the longest horizon, and two days for corrections and late redeliveries


class Count(NamedTuple):
    """Past windows of one horizon: all of them, and those that rose or fell beyond the cost.

    Attributes
    ----------
    moved, drifted
        Sums of the changes without and with their sign, in hundred-millionths of the price:
        integers, which any order of candles leads to.
    """

    windows: int = 0
    rose: int = 0
    fell: int = 0
    moved: int = 0
    drifted: int = 0

    @property
    def typical(self) -> float | None:
        """The mean size of a change; None before the first window."""
        return self.moved / self.windows / _CHANGE_SCALE if self.windows else None

    @property
    def drift(self) -> float | None:
        """The mean change; None before the first window."""
        return self.drifted / self.windows / _CHANGE_SCALE if self.windows else None


class Moves(Struct):
    """Counts of one coin, kept up hour by hour.

    A candle that comes late or corrected within two days changes the counts as if it had been
    right and on time; an older one is ignored.
    """

    closes: dict[datetime, float] = {}
    counts: dict[int, Count] = {}

    def close(self, hour: datetime, price: float, cost: float) -> bool:
        """Take the closing price of the hour that began at `hour`; False if it says nothing new."""
        newest = max(self.closes, default=hour)
        if hour <= newest - _KEPT_HOURS * HOUR or self.closes.get(hour) == price:
            return False
        if hour in self.closes:
            self._count(hour, cost, -1)
        self.closes[hour] = price
        self._count(hour, cost, 1)
        self._forget(max(newest, hour) - _KEPT_HOURS * HOUR)
        return True

    def over(self, horizon_seconds: int) -> Count:
        """Return the counts of one horizon."""
        return self.counts.get(horizon_seconds, Count())

    def _count(self, hour: datetime, cost: float, sign: int) -> None:
        for seconds in HORIZONS:
            span = timedelta(seconds=seconds)
            for start, end in ((hour - span, hour), (hour, hour + span)):
                before, after = self.closes.get(start), self.closes.get(end)
                if before is not None and after is not None:
                    self._add(seconds, after / before - 1, cost, sign)

    def _add(self, seconds: int, change: float, cost: float, sign: int) -> None:
        old, units = self.over(seconds), round(change * _CHANGE_SCALE)
        self.counts[seconds] = Count(
            old.windows + sign,
            old.rose + sign * (change > cost),
            old.fell + sign * (change < -cost),
            old.moved + sign * abs(units),
            old.drifted + sign * units,
        )

    def _forget(self, until: datetime) -> None:
        for hour in [hour for hour in self.closes if hour <= until]:
            del self.closes[hour]
