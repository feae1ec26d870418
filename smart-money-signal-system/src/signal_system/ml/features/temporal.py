"""Where in the day and in the week a bar closes, on circles, so that midnight is next to midnight."""

from dataclasses import dataclass
from math import cos, pi, sin
from typing import ClassVar

from signal_system.ml.features.bar import Bar
from signal_system.ml.features.feature import Column, Feature, Handle, History, Values

_DAY_MS = 86_400_000
_WEEK_MS = 7 * _DAY_MS
_MONDAY_MS = 4 * _DAY_MS  # 1970 began on a Thursday


@dataclass(frozen=True)
class Clock(Feature):
    """The time of day and of week, of a bar's opening, UTC."""

    source: ClassVar[str] = "calendar"

    @property
    def columns(self) -> tuple[Column, ...]:
        """Four columns."""
        day, week = "2π · hour / 24", "2π · day / 7, Monday is 0, fractions count"
        return (
            Column("hour_sin", f"sin({day})", "ratio", -1, 1),
            Column("hour_cos", f"cos({day})", "ratio", -1, 1),
            Column("weekday_sin", f"sin({week})", "ratio", -1, 1),
            Column("weekday_cos", f"cos({week})", "ratio", -1, 1),
        )

    @property
    def lookback(self) -> int:
        """The bar alone."""
        return 0

    def open(self, _: History) -> Handle:
        """Need nothing of the past."""
        return _Time()


class _Time:
    def update(self, bar: Bar) -> Values:
        hour = 2 * pi * (bar.open_ms % _DAY_MS) / _DAY_MS
        day = 2 * pi * ((bar.open_ms - _MONDAY_MS) % _WEEK_MS) / _WEEK_MS
        return sin(hour), cos(hour), sin(day), cos(day)

    peek = update
