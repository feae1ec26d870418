from dataclasses import replace

import numpy as np
import pytest

from signal_system.ml.standing import STATES
from signal_system.testing.walk import small_data
from signal_system.training.regime_data import RegimeData
from signal_system.training.turns import BEAR, BULL, Noticed, noticed

UNKNOWN = STATES.index("unknown")
PRICES = [100, 120, 150, 120, 80, 60, 90, 130, 180, 120, 100]  # up, down by 60 %, up by 200 %, down
DAY_MS = 86_400_000


def market(per_day: int = 4) -> RegimeData:
    """Return eleven days of four rows each."""
    days = np.arange(len(PRICES)) + 100
    closed = (np.arange(len(PRICES) * per_day) + 1) * (DAY_MS // per_day) + 100 * DAY_MS
    return replace(
        small_data(),
        closed=closed,
        daily_days=days,
        daily_closes=np.array(PRICES, dtype=float),
    )


def judged(said: list[int]) -> Noticed:
    return noticed(market(), slice(0, 44), np.repeat(said, 4), "40/40")


def test_who_says_what_hindsight_says_is_right_at_once() -> None:
    truth = [BULL] * 3 + [BEAR] * 3 + [BULL] * 3 + [UNKNOWN] * 2

    found = judged(truth)

    assert found.matthews.value == pytest.approx(1)
    assert found.balanced_accuracy == pytest.approx(1)
    assert [(turn.day, turn.to, turn.lag_days) for turn in found.turns] == [
        ("1970-04-14", "bear", 0.0),
        ("1970-04-17", "bull", 0.0),
        ("1970-04-20", "bear", None),
    ]


def test_lags_are_counted_from_the_turn_and_what_never_comes_is_missed() -> None:
    late = [BULL] * 5 + [BEAR] + [BEAR] * 5

    found = judged(late)

    assert [turn.lag_days for turn in found.turns] == [2.0, None, 0.0]
    assert (found.missed, found.median_lag_days) == (1, 1.0)


def test_who_never_changes_their_mind_has_no_correlation() -> None:
    assert judged([BULL] * 11).matthews.value is None
