from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, strategies as st

from signal_system.ml.arrays import Floats
from signal_system.ml.jump_regime import JumpRegime
from signal_system.ml.regime_detection import MarketRegimeDetector
from signal_system.ml.standing import STATES, Sight, Standing
from signal_system.testing.regimes import bars_of, cycles, jump_parameters
from signal_system.testing.walk import small_data
from signal_system.training.jump_fit import Fit, matched, named, online
from signal_system.training.regime_data import regime_data
from signal_system.training.regime_plan import Window, plan_for, windows
from signal_system.training.ways import jump, settled


def a_fit(centres: Floats, scales: float = 1.0) -> Fit:
    count = centres.shape[1]
    return Fit(5.0, np.zeros(count), np.full(count, scales), centres, ("bear", "neutral", "bull"))


@pytest.mark.parametrize(
    ("centres", "names"),
    [
        ([-2.0, 0.1, 2.0], ("bear", "neutral", "bull")),
        ([-2.0, 2.0], ("bear", "bull")),
        ([-2.0, -1.0, 1.0, 2.0], ("bear", "neutral", "neutral", "bull")),
        ([0.5, 1.5, 3.0], ("unknown", "neutral", "bull")),
        ([-3.0, -2.0, 0.1], ("bear", "neutral", "unknown")),
        ([-2.0, 1.0, 1.2], ("bear", "unknown", "unknown")),
        ([-0.1, 0.0, 0.1], ("unknown", "unknown", "unknown")),
    ],
)
def test_states_are_named_by_where_the_price_had_been_going_or_not_at_all(
    centres: list[float], names: tuple[str, ...]
) -> None:
    assert named(np.array(centres), scale=1.0) == names


@given(st.permutations(range(3)), st.integers(0, 100))
def test_states_are_matched_by_what_they_are_and_not_by_their_number(
    order: list[int], seed: int
) -> None:
    random = np.random.default_rng(seed)
    before = np.array([[-3.0, 0.0], [0.0, 3.0], [3.0, 0.0]])
    after = before[order] + random.normal(0, 0.3, (3, 2))

    assert matched(a_fit(after), a_fit(before)) == tuple(order)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.integers(1, 5))
def test_what_is_settled_is_what_the_service_says(shown: list[int], dwell_bars: int) -> None:
    standing, said = Standing(), []
    for code in shown:
        standing = standing.after(Sight(STATES[code], {}), dwell_bars)
        said.append(STATES.index(standing.state))

    assert settled(np.array(shown), dwell_bars, STATES.index("unknown")).tolist() == said


def test_training_judges_by_the_very_states_that_the_service_would_have_said() -> None:
    closes = cycles(2_400)
    plan = plan_for("1h", window=timedelta(days=50))
    data = regime_data(bars_of(closes), "1h", plan.horizon)
    whole = Window(0, len(data), len(data))

    [said] = jump(data, [whole], [Fit.of(jump_parameters())], plan)

    detector, online_said = MarketRegimeDetector(JumpRegime("t", jump_parameters())), []
    for opened, close in closes:
        detector.close(opened, close)
        online_said.append(STATES.index(detector.standing.state))
    assert said.codes.tolist() == online_said[-len(data) :]


def test_a_fit_and_its_artefact_are_one_model() -> None:
    fit = Fit.of(jump_parameters())
    row = [[-5.0, 0.1, 0.3, 0.2]]

    ours = fit.standardised(np.array(row))[0].tolist()

    assert ours == list(JumpRegime("t", jump_parameters()).standardised(row[0]))


def test_windows_end_with_the_newest_row_and_judge_every_row_once() -> None:
    plan = plan_for("1h", window=timedelta(days=30))

    found = windows(720 * 5 + 17, plan)

    assert [w.end for w in found][-1] == 720 * 5 + 17
    assert all(a.end == b.split for a, b in pairwise(found))
    assert all(w.split - w.start == plan.window for w in found)


def test_several_windows_at_once_are_each_what_they_are_alone() -> None:
    data = small_data()
    some = [Window(0, 700, 900), Window(200, 900, 1_100)]
    fits = [Fit.of(jump_parameters()), Fit.of(jump_parameters(penalty=9.0))]

    together = online(data, some, fits)

    for window, fit, states in zip(some, fits, together, strict=True):
        assert np.array_equal(online(data, [window], [fit])[0], states)
