import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from signal_system.weighting_engine.columns import Floats, Ints
from signal_system.weighting_engine.crowding import (
    bounded,
    capped,
    clusters,
    correlations,
    echo,
    effective,
    uniqueness,
)
from signal_system.weighting_engine.following import Following, Move

shares = st.sampled_from((0.05, 0.15, 0.3))
raws = st.lists(st.one_of(st.just(0.0), st.floats(1e-6, 1e6)), min_size=1, max_size=60).map(
    np.array
)
HOUR = 3_600.0


def some_echoes(seed: int, voters: int = 12, bars: int = 120) -> Ints:
    random = np.random.default_rng(seed)
    return echo(random.standard_normal((voters, bars)), np.ones((voters, bars)))


@given(raws, shares)
def test_no_entity_has_more_than_its_share_unless_too_few_vote(raw: Floats, share: float) -> None:
    weights = capped(raw, share)

    assert ((weights >= 0) & (weights <= 1)).all()
    assert ((weights > 0) == (raw > 0)).all()
    if weights.any():
        most = max(share, 1 / (weights > 0).sum())
        assert weights.max() / weights.sum() <= most * (1 + 1e-9)


@given(raws, shares)
def test_who_weighed_more_never_weighs_less_afterwards(raw: Floats, share: float) -> None:
    order = np.argsort(raw, kind="stable")

    assert (np.diff(capped(raw, share)[order]) >= -1e-12).all()


@settings(deadline=None)
@given(raws, st.integers(0, 1_000), shares)
def test_neither_an_entity_nor_a_cluster_has_more_than_its_share(
    raw: Floats, seed: int, share: float
) -> None:
    label = np.random.default_rng(seed).integers(0, len(raw), len(raw))

    weights = bounded(raw, label, entity=0.05, cluster=share)

    assert ((weights >= 0) & (weights <= 1)).all()
    if weights.any():
        entities = (weights > 0).sum()
        groups = np.bincount(label, weights)
        assert weights.max() / weights.sum() <= max(0.05, 1 / entities) * (1 + 1e-6)
        assert groups.max() / groups.sum() <= max(share, _least_share(label, weights)) * 1.05


def _least_share(label: Ints, weights: Floats) -> float:
    """Return the share that the largest cluster has if all that vote weigh the same."""
    members = np.bincount(label[weights > 0])
    return float(members.max() / members.sum())


@given(st.integers(0, 1_000), st.integers(1, 8))
def test_copies_of_one_voter_share_one_voice(seed: int, copies: int) -> None:
    alone = some_echoes(seed)
    crowd = np.concatenate([alone, np.repeat(alone[:1], copies, axis=0)])

    before, after = (uniqueness(correlations(each), 6) for each in (alone, crowd))

    voice = after[0] + after[len(alone) :].sum()
    assert voice == pytest.approx(before[0], rel=0.02)
    assert after[1 : len(alone)] == pytest.approx(before[1:], rel=0.02)


@given(st.integers(0, 1_000))
def test_voices_are_counted_between_one_and_all_of_them(seed: int) -> None:
    alike = correlations(some_echoes(seed))
    weights = np.random.default_rng(seed).random(len(alike))

    assert 1 - 1e-9 <= effective(weights, alike) <= len(weights) + 1e-9


def test_nobody_is_no_voice() -> None:
    assert effective(np.zeros(3), np.eye(3)) == 0.0
    assert capped(np.zeros(3), 0.05).tolist() == [0.0, 0.0, 0.0]


def test_a_chain_of_likenesses_is_one_cluster() -> None:
    alike = np.eye(5)
    for one, other in ((0, 1), (1, 2), (3, 4)):
        alike[one, other] = alike[other, one] = 0.95

    assert clusters(alike, 0.9).tolist() == [0, 0, 0, 3, 3]


def watched(*moves: tuple[int, float, int], within: float = HOUR) -> Following:
    following = Following()
    following.watch([(1, 2, 3)])
    for voter, at, side in moves:
        following.move(voter, Move("BTC", side, at), within)
    return following


def test_whoever_moves_after_another_again_and_again_follows_it() -> None:
    moves = [
        (voter, day * 24 * HOUR + lag, 1)
        for day in range(8)
        for voter, lag in ((1, 0.0), (2, 900.0))
    ]

    assert watched(*moves).followers(0.5) == {2: 1}


@pytest.mark.parametrize(("lag", "side"), [(2 * HOUR, 1), (900.0, -1)])
def test_a_move_much_later_or_to_the_other_side_is_no_copy(lag: float, side: int) -> None:
    moves = [
        move
        for day in range(8)
        for move in ((1, day * 24 * HOUR, 1), (2, day * 24 * HOUR + lag, side))
    ]

    assert not watched(*moves).followers(0.5)


def test_two_who_move_together_in_either_order_follow_nobody() -> None:
    moves = [
        (voter, day * 24 * HOUR + lag, 1)
        for day in range(20)
        for voter, lag in ((1 + day % 2, 0.0), (2 - day % 2, 60.0))
    ]

    assert not watched(*moves).followers(0.4)


def test_whoever_is_in_no_cluster_any_more_is_forgotten() -> None:
    following = watched((1, 0.0, 1), (2, 60.0, 1))

    following.watch([(2, 3)])

    assert following.mates == {2: [3], 3: [2]}
    assert (following.moves, following.after) == ({2: 1, 3: 0}, {2: {3: 0}, 3: {2: 0}})
