import numpy as np
import pytest
from sklearn.metrics import (  # type: ignore[import-untyped]
    brier_score_loss,
    log_loss,
    matthews_corrcoef,
    roc_auc_score,
)

from signal_system.ml.arrays import Floats
from signal_system.testing.direction_walk import planted
from signal_system.training.direction_judge import Judge, taken

ROWS = np.arange(500, 2_500)


def said(seed: int = 0) -> Floats:
    """Return made-up probabilities, a few of them equal."""
    return np.random.default_rng(seed).dirichlet((3, 3, 5), len(ROWS)).round(2) + 0.01


def judge(cost: float = 0.001) -> Judge:
    base = np.tile([[0.25, 0.25, 0.5]], (len(ROWS), 1))
    return Judge(planted(), ROWS, base, cost)


def certain(*, right: bool) -> Floats:
    truth = np.eye(3)[planted().classes[ROWS]]
    return np.asarray(0.98 * (truth if right else truth[:, [1, 0, 2]]) + 0.01 * 2 / 3)


def test_the_scores_are_those_of_scikit_learn() -> None:
    told, classes = said(), planted().classes[ROWS]
    told = told / told.sum(axis=1, keepdims=True)

    verdict = judge().verdict(told)

    outcomes, lean = planted().labels.outcomes[ROWS], np.log(told[:, 0]) - np.log(told[:, 1])
    moved = outcomes != 0
    even = moved & (told[:, 0] != told[:, 1])
    assert verdict.log_loss.value == pytest.approx(log_loss(classes, told))
    assert verdict.brier.value == pytest.approx(
        brier_score_loss(classes, told, scale_by_half=False)
    )
    assert verdict.auc.value == pytest.approx(roc_auc_score(outcomes[moved] > 0, lean[moved]))
    assert verdict.matthews.value == pytest.approx(
        matthews_corrcoef(outcomes[even] > 0, lean[even] > 0)
    )
    ended = planted().labels.returns[ROWS] > 0
    assert verdict.auc_of_sign.value == pytest.approx(roc_auc_score(ended, lean), abs=1e-3)


def test_intervals_hold_their_value() -> None:
    verdict = judge().verdict(said())

    for each in (verdict.log_loss, verdict.gain, verdict.auc, verdict.matthews, verdict.brier):
        assert each.value is not None
        assert each.low is not None
        assert each.high is not None
        assert each.low <= each.value <= each.high


def test_the_base_rate_gains_nothing_on_itself() -> None:
    own = judge()

    verdict = own.verdict(own.base)

    assert verdict.gain.value == 0.0
    assert verdict.auc.value == 0.5
    assert verdict.gated.trades_per_year == 0.0
    assert verdict.gated.net.value is None


def test_who_knows_everything_is_paid_and_who_knows_it_wrong_pays() -> None:
    right, wrong = (judge().verdict(certain(right=each)) for each in (True, False))

    assert (right.auc.value, wrong.auc.value) == (1.0, 0.0)
    assert right.gated.paid > 0 > wrong.gated.paid
    assert right.calibration_error < 0.02
    assert right.gated.fall < wrong.gated.fall


def test_costs_are_taken_off_once_a_trade() -> None:
    told = certain(right=True)
    sides = judge().worthwhile(told)
    labels = planted().labels.rows(ROWS)
    chosen = taken(sides, labels)

    gross, net = judge().daily(sides)

    assert gross.sum() == pytest.approx((labels.returns * sides)[chosen].sum())
    assert (gross - net).sum() == pytest.approx(0.001 * len(chosen))


def test_there_is_never_more_than_one_position() -> None:
    labels = planted().labels.rows(ROWS)

    chosen = taken(np.ones(len(ROWS), dtype=np.int64), labels)

    assert (labels.began[chosen][1:] >= labels.ended[chosen][:-1]).all()


def test_what_is_not_worth_its_costs_is_left_alone() -> None:
    told = np.tile([[0.34, 0.33, 0.33]], (len(ROWS), 1))

    assert not judge(cost=0.01).worthwhile(told).any()
    assert (judge(cost=0.0).worthwhile(told) == 1).all()
