from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, strategies as st
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from signal_system.ml.arrays import Ints
from signal_system.ml.splits import CombinatorialPurged, PurgedWalkForward, Split

MS = timedelta(milliseconds=1)

walks = st.builds(
    PurgedWalkForward,
    folds=st.integers(1, 5),
    first_share=st.floats(0.1, 0.6),
    embargo=st.integers(0, 50).map(lambda n: n * MS),
    memory=st.none() | st.integers(1, 300).map(lambda n: n * MS),
)
choices = st.builds(
    CombinatorialPurged,
    groups=st.integers(3, 6),
    tested=st.integers(1, 2),
    embargo=st.integers(0, 50).map(lambda n: n * MS),
)
schemes = walks | choices


@st.composite
def labels(draw: st.DrawFn) -> tuple[Ints, Ints]:
    """Draw when labels began and ended: irregular, overlapping, of any length."""
    steps = draw(st.lists(st.integers(1, 20), min_size=12, max_size=80))
    began = np.cumsum(steps)
    length = draw(st.lists(st.integers(1, 60), min_size=len(began), max_size=len(began)))
    return began, began + np.array(length)


def blocks(test: Ints) -> Iterator[Ints]:
    """Yield the runs of consecutive rows in `test`."""
    yield from np.split(test, np.flatnonzero(np.diff(test) > 1) + 1)


@given(labels(), schemes)
def test_no_label_that_teaches_overlaps_a_test_or_comes_closer_than_the_embargo(
    of: tuple[Ints, Ints], scheme: PurgedWalkForward | CombinatorialPurged
) -> None:
    began, ended = of
    margin = scheme.embargo // MS

    for split in scheme.splits(began, ended):
        for test in blocks(split.test):
            start, end = began[test].min() - margin, ended[test].max() + margin
            assert not np.any((ended[split.train] > start) & (began[split.train] < end))


@given(labels(), walks)
def test_walking_forward_learns_from_the_past_alone_and_judges_every_label_after_it_once(
    of: tuple[Ints, Ints], walk: PurgedWalkForward
) -> None:
    began, ended = of

    splits = list(walk.splits(began, ended))

    first = int(len(began) * walk.first_share)
    assert np.array_equal(np.concatenate([s.test for s in splits]), np.arange(first, len(began)))
    for split in splits:
        assert np.all(ended[split.train] <= began[split.test[0]])
        if walk.memory is not None:
            assert np.all(began[split.train] >= began[split.test[0]] - walk.memory // MS)


@given(labels(), st.integers(0, 40))
def test_what_comes_after_a_fold_does_not_change_what_it_learns_from(
    of: tuple[Ints, Ints], later: int
) -> None:
    began, ended = of
    walk = PurgedWalkForward(folds=3, first_share=0.4)

    for split in walk.splits(began, ended):
        start = split.test[0]
        moved, longer = began.copy(), ended.copy()
        moved[start + 1 :] += later
        longer[start:] += later
        again = next(s for s in walk.splits(moved, longer) if s.test[0] == start)
        assert np.array_equal(again.train, split.train)


@given(labels(), choices)
def test_every_path_judges_every_label_once(
    of: tuple[Ints, Ints], scheme: CombinatorialPurged
) -> None:
    began, ended = of

    tests = [split.test for split in scheme.splits(began, ended)]
    numbers = list(scheme.path_numbers(began))

    for path in range(scheme.paths):
        rows = [test[number == path] for test, number in zip(tests, numbers, strict=True)]
        assert np.array_equal(np.sort(np.concatenate(rows)), np.arange(len(began)))


def test_fewer_labels_than_folds_are_refused() -> None:
    with pytest.raises(ValueError, match="2 labels cannot be cut into 3"):
        list(PurgedWalkForward(3, 0).splits(np.arange(2), np.arange(2) + 1))


def auc(split: Split, features: np.ndarray, target: Ints) -> float:
    model = LogisticRegression().fit(features[split.train], target[split.train])
    said = model.predict_proba(features[split.test])[:, 1]
    return float(roc_auc_score(target[split.test], said))


@pytest.mark.parametrize(
    "scheme", [PurgedWalkForward(5, 0.3), CombinatorialPurged(6, 2)], ids=["walk", "combinations"]
)
def test_a_permuted_target_cannot_be_told(
    scheme: PurgedWalkForward | CombinatorialPurged,
) -> None:
    random = np.random.default_rng(0)
    walk = np.cumsum(random.normal(size=1_500))  # features as smooth as real ones
    features = np.column_stack([walk, np.gradient(walk)])
    target = (np.roll(walk, -10) > walk).astype(np.int64)
    began = np.arange(1_500)

    splits = list(scheme.splits(began, began + 10))
    with threadpool_limits(1):  # small matrices: more threads wait for each other
        found = [
            np.mean([auc(split, features, permuted) for split in splits])
            for permuted in (random.permutation(target) for _ in range(16))
        ]

    error = np.std(found, ddof=1) / len(found) ** 0.5
    assert abs(np.mean(found) - 0.5) < 2 * error


def test_without_purging_a_smooth_feature_would_seem_to_know() -> None:
    """Labels that overlap the test are what purging is for: neighbours share most of an outcome."""
    random = np.random.default_rng(1)
    shocks = random.normal(size=3_000)
    outcome = np.array([shocks[n : n + 50].sum() for n in range(2_950)])
    began = np.arange(2_950)
    purged = CombinatorialPurged(10, 1, 50 * MS)

    def skill(scheme: CombinatorialPurged, ended: Ints) -> float:
        errors, plain = 0.0, 0.0
        for split in scheme.splits(began, ended):
            near = np.searchsorted(split.train, split.test).clip(0, len(split.train) - 1)
            errors += float(np.sum((outcome[split.test] - outcome[split.train][near]) ** 2))
            plain += float(np.sum(outcome[split.test] ** 2))
        return 1 - errors / plain

    leaking = CombinatorialPurged(100, 1)
    assert skill(leaking, began + 1) > 0.3
    assert skill(purged, began + 50) < 0.05


def test_cuts_are_as_equal_as_can_be() -> None:
    splits = list(CombinatorialPurged(3, 1).splits(np.arange(10), np.arange(10) + 1))

    sizes = [len(split.test) for split in splits]
    assert max(sizes) - min(sizes) <= 1
    assert all(a.test[-1] < b.test[0] for a, b in pairwise(splits))
