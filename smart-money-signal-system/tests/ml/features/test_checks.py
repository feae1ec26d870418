"""The checks find what they are for: each is shown a feature that does what must not be."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import ClassVar

import numpy as np
import pytest

from signal_system.ml.features.bar import Bar
from signal_system.ml.features.checks import (
    Labels,
    Matrix,
    future_perturbation,
    prefix_invariance,
    restarts,
    shuffled_labels,
    warm_up_sensitivity,
)
from signal_system.ml.features.feature import Column, Feature, Handle, History, Values
from signal_system.ml.features.regime import EwVolatility
from signal_system.ml.features.series import Row, rows
from signal_system.ml.features.spec import FeatureSpec
from signal_system.testing.bars import walk

BARS = walk(3, 400)
CUTS = (120, 200, 333)


@dataclass(frozen=True)
class _Test(Feature):
    """A feature that only these tests know."""

    source: ClassVar[str] = "test"

    @property
    def columns(self) -> tuple[Column, ...]:
        return (Column("honest_or_not", "", ""),)

    @property
    def lookback(self) -> int:
        return 1


class Counting:
    def __init__(self, counted: int) -> None:
        self._counted = counted

    def update(self, bar: Bar) -> Values:
        self._counted += 1
        return (float(self._counted),)

    def peek(self, bar: Bar) -> Values:
        return (float(self._counted + 1),)


class Knowing:
    def __init__(self, bars: Sequence[Bar]) -> None:
        self._closes = {now.open_ms: later.close for now, later in pairwise(bars)}

    def update(self, bar: Bar) -> Values:
        return (self._closes.get(bar.open_ms, 0.0),)

    peek = update


def spec(feature: Feature) -> FeatureSpec:
    return FeatureSpec("one", "1h", (feature,), 60, 60, 24)


def told(feature: Feature) -> list[Row]:
    return list(rows(spec(feature), BARS))


def test_an_honest_feature_passes() -> None:
    honest = EwVolatility(5)

    assert not list(prefix_invariance(spec(honest), BARS, told(honest), CUTS))
    assert not list(future_perturbation(spec(honest), BARS, told(honest), CUTS, Random(1)))
    assert not list(restarts(spec(honest), BARS, told(honest), {5, 99, 250}))


def test_what_depends_on_the_rest_of_the_history_is_found_by_its_prefix() -> None:
    honest = EwVolatility(5)
    peeking = [row._replace(values=row.values * np.float32(1 + 1e-7)) for row in told(honest)]

    broken = list(prefix_invariance(spec(honest), BARS, peeking, CUTS))

    assert [each.column for each in broken] == ["log_volatility_5"] * 3
    assert [each.event_ms for each in broken] == [BARS[cut].open_ms for cut in CUTS]


def test_what_looks_at_the_next_bar_is_found_by_another_future() -> None:
    class Peeking(_Test):
        def open(self, history: History) -> Handle:
            return Knowing(BARS)

    class Honest(_Test):
        def open(self, history: History) -> Handle:
            return Knowing([])

    seen, unseen = told(Peeking()), told(Honest())

    assert not list(future_perturbation(spec(Peeking()), BARS, seen, CUTS, Random(1)))
    assert list(future_perturbation(spec(Honest()), BARS, seen, CUTS, Random(1)))
    assert list(prefix_invariance(spec(Honest()), BARS, seen, CUTS))
    assert not list(prefix_invariance(spec(Honest()), BARS, unseen, CUTS))


def test_what_counts_since_the_process_began_is_found_by_a_restart() -> None:
    opened = []

    class Forgetful(_Test):
        def open(self, history: History) -> Handle:
            opened.append(1)
            return Counting(len(opened))

    counting = Forgetful()

    assert list(restarts(spec(counting), BARS, told(counting), {150}))


def test_a_row_that_is_not_there_any_more_is_found() -> None:
    honest = EwVolatility(5)

    broken = list(prefix_invariance(spec(honest), BARS, [], CUTS))

    assert len(broken) == 3


def test_sensitivity_falls_with_the_half_life_and_is_zero_for_what_forgets() -> None:
    found = list(warm_up_sensitivity(spec(EwVolatility(20)), BARS, (380, 390), (60, 120, 240)))

    percents = [each.percent or 0.0 for each in found]
    assert [each.bars for each in found] == [60, 120, 240]
    assert percents[0] > percents[1] > percents[2] > 0


def auc(scores: Matrix, labels: Labels) -> float:
    order = scores[:, 0].argsort().argsort()
    ones = labels == 1
    return float((order[ones].mean() - order[~ones].mean()) / len(labels) + 0.5)


def test_shuffled_labels_leave_nothing_to_learn() -> None:
    matrix = np.random.default_rng(1).normal(size=(2_000, 1)).astype(np.float32)
    labels = (matrix[:, 0] > 0).astype(np.int64)

    honest = shuffled_labels(auc, matrix, labels, runs=12, seed=1)

    assert auc(matrix, labels) == pytest.approx(1.0, abs=0.01)
    assert honest.is_chance
    assert honest.mean == pytest.approx(0.5, abs=0.02)


def test_a_score_that_learns_from_what_it_is_judged_on_is_found() -> None:
    matrix = np.random.default_rng(1).normal(size=(2_000, 1)).astype(np.float32)
    labels = (matrix[:, 0] > 0).astype(np.int64)

    def leaking(features: Matrix, truth: Labels) -> float:
        return auc(features + truth[:, None] * np.float32(0.5), truth)

    assert not shuffled_labels(leaking, matrix, labels, runs=12, seed=1).is_chance
