"""How the turns of a market were noticed: the market's bulls and bears are dated in hindsight."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from signal_system.ml.arrays import Floats, Ints
from signal_system.ml.standing import STATES
from signal_system.ml.turning_points import swings
from signal_system.training.regime_data import DAY_MS, RegimeData
from signal_system.training.resampling import Estimate, by_day, estimate

TABLES = {"20/20": (0.2, 0.2), "40/40": (0.4, 0.4), "100/50": (1.0, 0.5)}
"""The rise and the fall that end a market (Lunde and Timmermann); no one of them is right."""

BULL, BEAR = STATES.index("bull"), STATES.index("bear")


@dataclass(frozen=True, slots=True)
class Turn:
    """A day that a market turned on, to what, and how long until the state said so; None: never."""

    day: str
    to: str
    lag_days: float | None


@dataclass(frozen=True, slots=True)
class Noticed:
    """Agreement with one dating, "bull" against anything else, and its turns one by one."""

    matthews: Estimate
    balanced_accuracy: float | None
    median_lag_days: float | None
    missed: int
    turns: tuple[Turn, ...]


def noticed(data: RegimeData, rows: slice, codes: Ints, table: str) -> Noticed:
    """Judge what was said on `rows` by the dating called `table`."""
    truth = _dated(data, *TABLES[table])[rows]
    said, true, known = codes == BULL, truth == BULL, truth >= 0
    counts = [
        known & said & true,
        known & said & ~true,
        known & ~said & true,
        known & ~said & ~true,
    ]
    sums = by_day(data.days[rows], *[count.astype(float) for count in counts])
    turns = _turns(data.closed[rows], codes, truth)
    lags = [turn.lag_days for turn in turns if turn.lag_days is not None]
    return Noticed(
        matthews=estimate(sums, _matthews),
        balanced_accuracy=estimate(sums, _balanced).value,
        median_lag_days=float(np.median(lags)) if lags else None,
        missed=len(turns) - len(lags),
        turns=turns,
    )


def _dated(data: RegimeData, rise: float, fall: float) -> Ints:
    """Return for each row whether its day lay in a bull or a bear market, -1 where nobody knows."""
    labels = swings(data.daily_closes.tolist(), rise, fall)
    numbers = np.array([-1 if label is None else BULL if label else BEAR for label in labels])
    return numbers[np.searchsorted(data.daily_days, data.days)]


def _turns(closed: Ints, codes: Ints, truth: Ints) -> tuple[Turn, ...]:
    known = np.flatnonzero(truth >= 0)
    starts = known[1:][np.diff(truth[known]) != 0]
    turns = []
    for start, end in pairwise([*starts, len(truth)]):
        agreed = np.flatnonzero(codes[start:end] == truth[start])
        lag = (closed[start + agreed[0]] - closed[start]) / DAY_MS if len(agreed) else None
        day = np.datetime64(int(closed[start]) - 1, "ms").astype("datetime64[D]")
        turns.append(Turn(str(day), STATES[truth[start]], None if lag is None else float(lag)))
    return tuple(turns)


def _matthews(sums: Floats) -> Floats:
    hits, alarms, misses, rejections = sums
    norm = (hits + alarms) * (hits + misses) * (rejections + alarms) * (rejections + misses)
    return np.asarray((hits * rejections - alarms * misses) / np.sqrt(norm))


def _balanced(sums: Floats) -> Floats:
    hits, alarms, misses, rejections = sums
    return np.asarray((hits / (hits + misses) + rejections / (rejections + alarms)) / 2)
