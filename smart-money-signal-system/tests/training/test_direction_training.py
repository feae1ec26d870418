from dataclasses import replace

import numpy as np

from signal_system.ml.manifest import Gate
from signal_system.testing.direction_walk import PLAN, hours, outcome_of, planted
from signal_system.training.classifiers import BASE_RATE, TREES
from signal_system.training.direction_gates import exact_prefixes
from signal_system.training.direction_plan import walk
from signal_system.training.direction_training import Outcome, choose


def gates(outcome: Outcome) -> dict[str, Gate]:
    return {gate.name: gate for gate in outcome.gates}


def test_what_is_planted_is_found_and_is_too_good_to_be_true() -> None:
    outcome = outcome_of(0.5)
    verdict, gate = outcome.verdicts[TREES], gates(outcome)

    assert verdict.auc.low is not None
    assert verdict.auc.low > 0.6
    assert gate["base rate"].passed
    assert gate["direction"].passed
    assert not gate["too good: direction"].passed
    assert not gate["too good: return"].passed


def test_in_a_market_of_chance_nothing_is_found_and_no_gate_of_skill_opens() -> None:
    outcome = outcome_of(0.0)
    verdict, gate = outcome.verdicts[TREES], gates(outcome)

    assert verdict.auc.low is not None
    assert verdict.auc.high is not None
    assert verdict.auc.low < 0.5 < verdict.auc.high
    assert not gate["direction"].passed
    assert not gate["deflated Sharpe"].passed
    assert gate["too good: direction"].passed


def test_shuffled_labels_teach_nothing_even_where_much_is_to_be_learned() -> None:
    outcome = outcome_of(0.5)

    assert outcome.shuffled.is_chance
    assert gates(outcome)["shuffled labels"].passed


def test_what_is_chosen_is_chosen_before_what_is_reported() -> None:
    outcome = outcome_of(0.5)

    assert outcome.chosen_on[-1] < outcome.reported_on[0]
    assert len(outcome.trials) == len(PLAN.shapes)
    assert min(outcome.trials, key=lambda each: each.log_loss).shape == outcome.shape


def test_every_variant_counts_against_luck() -> None:
    outcome = outcome_of(0.5)

    assert outcome.variants == len(outcome.deflated) + len(PLAN.shapes)
    assert {each.trials for each in outcome.deflated.values()} == {outcome.variants}


def test_outcomes_of_the_reported_part_change_nothing_that_was_chosen() -> None:
    data = planted()
    early = walk(data, PLAN)[:2]
    until = early[-1].test[-1] + 1
    others = data.classes.copy()
    others[until:] = (others[until:] + 1) % 3

    before = choose(data, early, PLAN)
    after = choose(replace(data, classes=others), early, PLAN)

    assert before == after


def test_rows_stay_as_they_were_whatever_comes_later() -> None:
    assert exact_prefixes(hours(0.5), planted().spec, PLAN) == 1.0


def test_the_column_that_was_planted_is_the_one_that_is_worth_most() -> None:
    found = outcome_of(0.5).importances

    best = max(found.columns, key=lambda each: each.permutation.value)
    group = next(each for each in found.clusters if best.name in each.columns)
    assert "return_1" in group.columns or best.name == "return_1"
    assert group.above_control
    assert {"trade_imbalance", "vpin_50"} <= set(found.remove)
    assert found.unknown == ("trade_imbalance", "vpin_50")


def test_forms_of_the_same_trees_agree() -> None:
    gate = gates(outcome_of(0.5))

    assert gate["parity"].passed
    assert gate["additivity"].passed
    assert gate["prefix invariance"].value == 1.0


def test_the_base_rate_knows_no_direction() -> None:
    verdict = outcome_of(0.5).verdicts[BASE_RATE]

    assert verdict.gain.value == 0.0
    assert np.isfinite(verdict.calibration_error)
