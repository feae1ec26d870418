from dataclasses import replace

import numpy as np
import pytest

from shared_events.errors import DataError
from signal_system.ml.bars import Bars
from signal_system.testing.walk import BARS, PLAN, small_outcome, walked
from signal_system.training import regime_training
from signal_system.training.regime_training import (
    JUMP,
    Trial,
    best_of,
    exact_prefixes,
)
from signal_system.training.ways import CHALLENGERS


def test_planted_regimes_are_found_and_every_way_is_judged_on_the_same_rows() -> None:
    outcome = small_outcome()
    assert list(outcome.verdicts) == [JUMP, *CHALLENGERS]
    assert {len(codes) for codes in outcome.codes.values()} == {
        outcome.reported_on[-1].end - outcome.reported_on[0].split
    }
    assert [state.name for state in outcome.parameters.states] == ["bear", "neutral", "bull"]
    verdict = outcome.verdicts[JUMP]
    assert verdict.median_dwell_bars > 24
    assert set(verdict.shares) >= {"bear", "bull"}


def test_what_is_reported_is_none_of_what_was_chosen_by() -> None:
    outcome = small_outcome()
    assert outcome.chosen_on[-1].end == outcome.reported_on[0].split
    assert len(outcome.trials) == len(outcome.plan.penalties)
    assert all(w.split <= outcome.chosen_on[-1].end for w in outcome.chosen_on)


def test_nothing_reported_before_a_change_of_the_future_knows_of_it() -> None:
    bars, plan, outcome = BARS, PLAN, small_outcome()
    """Other prices from the last refit on: the choice and every earlier state stay as they were."""
    cut = len(bars) - plan.step
    random = np.random.default_rng(1)
    closes = bars.closes.copy()
    closes[cut:] = closes[cut - 1] * np.exp(np.cumsum(random.normal(0, 0.02, plan.step)))
    other = walked(replace(bars, closes=closes))

    assert other.trials == outcome.trials
    for name, codes in outcome.codes.items():
        assert np.array_equal(other.codes[name][: -plan.step], codes[: -plan.step]), name


def test_the_same_bars_give_the_same_outcome() -> None:
    bars, outcome = BARS, small_outcome()
    again = walked(bars)

    assert again.parameters == outcome.parameters
    assert again.verdicts == outcome.verdicts
    assert again.gates == outcome.gates


def test_gates_say_what_they_saw_and_pass_by_it_alone() -> None:
    outcome = small_outcome()
    by_name = {gate.name: gate for gate in outcome.gates}

    assert by_name["prefix invariance"].value == 1.0
    agreement = by_name["refit agreement, mean"]
    assert agreement.value == outcome.verdicts[JUMP].agreement_mean
    assert agreement.passed == (agreement.value is not None and agreement.value >= 0.9)
    switches = by_name["switches a year"]
    assert switches.threshold == 0.5 * 365.25
    assert switches.passed == (outcome.verdicts[JUMP].switches_per_year <= switches.threshold)


def test_a_state_that_changed_with_the_future_would_shut_the_gate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bars, plan, outcome = BARS, PLAN, small_outcome()
    assert exact_prefixes(bars, plan, outcome.parameters) == 1.0

    def leaking(of: Bars, *rest: object) -> object:
        times, features, states = real(of, *rest)  # type: ignore[arg-type]  # passed on as they came
        return times, features, np.roll(states, -1)

    real = regime_training._judged  # noqa: SLF001
    monkeypatch.setattr(regime_training, "_judged", leaking)
    assert exact_prefixes(bars, plan, outcome.parameters) < 1.0


def a_trial(penalty: float, r2: float, *, admissible: bool) -> Trial:
    return Trial(penalty, 30.0, 0.95, 0.9, r2, admissible)


def test_a_stable_penalty_is_chosen_before_one_that_explains_more() -> None:
    stable, other = a_trial(5, 0.1, admissible=True), a_trial(9, 0.3, admissible=False)

    assert best_of([other, stable]) == stable
    assert best_of([other, replace(other, volatility_r2=0.4)]).volatility_r2 == 0.4


def test_too_little_history_is_refused_with_what_would_help() -> None:
    with pytest.raises(DataError, match="--window-days"):
        walked(BARS.rows(slice(1_500)))
