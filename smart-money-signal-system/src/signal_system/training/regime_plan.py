"""How a walk goes: what each refit learns from, and on which bars after it it is judged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from signal_system.ml.jump_regime import JumpInterval


@dataclass(frozen=True, slots=True)
class Plan:
    """What is fixed before anything is looked at.

    Attributes
    ----------
    window, step
        Rows that a refit learns from, and rows until the next one.
    horizon
        Bars ahead whose volatility the states are judged by.
    states, penalties
        Of the jump model; the penalty is chosen among these on the first part of the walk.
    dwell_bars
        For how many bars a state must show.
    least_dwell
        A penalty whose median state lasts fewer bars is not chosen.
    most_switches_per_year
        A candidate that changes more often is not promoted.
    choosing_share
        The share of the walk that choosing may look at; the rest is reported, and looked at once.
    """

    interval: JumpInterval
    window: int
    step: int
    horizon: int
    states: int
    penalties: Sequence[float]
    dwell_bars: int
    least_dwell: int
    most_switches_per_year: float
    choosing_share: float = 0.4

    @property
    def least_rows(self) -> int:
        """With fewer rows there is nothing to choose by, or nothing left to report."""
        return self.window + 8 * self.step


_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_YEAR = timedelta(days=365.25)


def plan_for(interval: JumpInterval, window: timedelta, step: timedelta | None = None) -> Plan:
    """Return the published plan for bars of `interval`, with refits on `window` every `step`."""
    if interval == "1h":
        return Plan(
            interval="1h",
            window=window // _HOUR,
            step=(step or timedelta(days=30)) // _HOUR,
            horizon=24,
            states=3,
            penalties=(5.0, 10.0, 20.0, 40.0, 80.0),
            dwell_bars=3,
            least_dwell=24,
            most_switches_per_year=0.5 * (_YEAR / _DAY),
        )
    return Plan(
        interval="1d",
        window=window // _DAY,
        step=(step or timedelta(days=91)) // _DAY,
        horizon=7,
        states=2,
        penalties=(1.0, 2.0, 5.0, 10.0),
        dwell_bars=1,
        least_dwell=10,
        most_switches_per_year=6.0,
    )


WINDOW: Final = timedelta(days=730)


@dataclass(frozen=True, slots=True)
class Window:
    """Rows from `start` teach, those from `split` to before `end` judge."""

    start: int
    split: int
    end: int


def windows(rows: int, plan: Plan) -> list[Window]:
    """Return the windows that fit into so many rows; the last one ends with the last row.

    Examples
    --------
    >>> windows(6_000, plan_for("1h", timedelta(days=100), timedelta(days=60)))[0]
    Window(start=720, split=3120, end=4560)
    """
    count = max(0, rows - plan.window) // plan.step
    splits = [rows - plan.step * back for back in range(count, 0, -1)]
    return [Window(split - plan.window, split, split + plan.step) for split in splits]
