from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays
from jumpmodels.jump import JumpModel  # type: ignore[import-untyped]

from signal_system.ml.arrays import Floats
from signal_system.ml.jump_model import (
    Search,
    cheapest,
    cheapest_paths,
    costs,
    fitted,
    losses_of,
    nearness,
    step,
    values_of,
)

THOROUGH = Search(starts=20, descents=10, rounds=200, tolerance=0.0)

numbers = st.floats(-5, 5, allow_subnormal=False)
penalties = st.floats(0.01, 20)


def tables(time: int, states: int) -> st.SearchStrategy[Floats]:
    return arrays(float, (time, states, 1), elements=st.floats(0, 30))


def regimes(seed: int, length: int = 600, features: int = 2) -> Floats:
    """Return rows that stay around one of three places for a while."""
    random = np.random.default_rng(seed)
    places = random.normal(0, 3, (3, features))
    state = np.repeat(random.integers(3, size=length // 40 + 1), 40)[:length]
    return places[state] + random.normal(size=(length, features))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("penalty", [0.5, 5.0, 50.0])
def test_it_is_the_jump_model_of_the_reference_implementation(seed: int, penalty: float) -> None:
    rows = regimes(seed)
    reference = JumpModel(n_components=3, jump_penalty=penalty, random_state=seed, n_init=20)
    reference.fit(rows)

    centres = fitted(rows[..., None], 3, np.array([penalty]), THOROUGH)

    price = np.array([penalty])
    path = cheapest_paths(losses_of(rows[..., None], centres), price)
    ours = costs(rows[..., None], centres, path, price)[0]
    theirs = costs(
        rows[..., None], reference.centers_[..., None], reference.labels_[:, None], price
    )
    assert theirs[0] == pytest.approx(reference.val_), "the same objective"
    assert ours <= reference.val_ * 1.001, "and as good a solution"


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("penalty", [0.5, 5.0, 50.0])
def test_with_the_same_centres_both_paths_are_those_of_the_reference(
    seed: int, penalty: float
) -> None:
    rows, later = regimes(seed), regimes(seed + 100)
    reference = JumpModel(n_components=3, jump_penalty=penalty, random_state=seed).fit(rows)
    centres, price = reference.centers_[..., None], np.array([penalty])

    whole = cheapest_paths(losses_of(later[..., None], centres), price)[:, 0]
    online = cheapest(values_of(losses_of(later[..., None], centres), price))[:, 0]

    assert np.array_equal(whole, reference.predict(later))
    assert np.array_equal(online, reference.predict_online(later))


@given(
    arrays(float, (40, 3, 1), elements=numbers),
    arrays(float, (3, 3, 1), elements=numbers),
    penalties,
)
def test_bar_by_bar_and_all_at_once_are_equal_in_every_bit(
    rows: Floats, centres: Floats, penalty: float
) -> None:
    losses = losses_of(rows, centres)
    values = values_of(losses, np.array([penalty]))

    memory: tuple[float, ...] = (0.0, 0.0, 0.0)
    for t, row in enumerate(rows[..., 0].tolist()):
        near = nearness(row, centres[..., 0].tolist())
        memory = step(memory, near, penalty)
        assert near == tuple(losses[t, :, 0])
        assert memory == tuple(values[t, :, 0])
        assert memory.index(min(memory)) == cheapest(values)[t, 0]


@settings(max_examples=50)
@given(tables(6, 3), penalties)
def test_no_path_is_cheaper_than_the_cheapest(losses: Floats, penalty: float) -> None:
    def price(path: tuple[int, ...]) -> float:
        stay = sum(losses[t, state, 0] for t, state in enumerate(path))
        return float(stay) + penalty * sum(a != b for a, b in pairwise(path))

    found = tuple(cheapest_paths(losses, np.array([penalty]))[:, 0].tolist())

    best = min(price(path) for path in product(range(3), repeat=6))
    assert price(found) == pytest.approx(best)


@given(tables(30, 2), tables(30, 2), st.integers(1, 29), penalties)
def test_what_comes_later_changes_no_state(
    losses: Floats, others: Floats, cut: int, penalty: float
) -> None:
    changed = np.concatenate([losses[:cut], others[cut:]])

    states = cheapest(values_of(losses, np.array([penalty])))

    assert np.array_equal(cheapest(values_of(changed, np.array([penalty])))[:cut], states[:cut])
    assert np.array_equal(cheapest(values_of(losses[:cut], np.array([penalty]))), states[:cut])


def test_problems_solved_side_by_side_are_solved_as_if_alone() -> None:
    rows = np.stack([regimes(seed) for seed in range(4)], axis=-1)
    prices = np.array([1.0, 5.0, 5.0, 30.0])

    together = fitted(rows, 3, prices)
    paths = cheapest_paths(losses_of(rows, together), prices)

    for problem in range(4):
        one = slice(problem, problem + 1)
        alone = cheapest_paths(losses_of(rows[..., one], together[..., one]), prices[one])
        assert np.array_equal(alone[:, 0], paths[:, problem])


def test_the_same_seed_finds_the_same_centres() -> None:
    rows = regimes(1)[..., None]

    first, second = (fitted(rows, 3, np.array([5.0])) for _ in range(2))

    assert np.array_equal(first, second)


def test_planted_regimes_are_found() -> None:
    rows = regimes(3, length=2_000)
    state = np.repeat(np.random.default_rng(3).integers(3, size=51), 40)
    del state

    centres = fitted(rows[..., None], 3, np.array([5.0]), THOROUGH)[..., 0]
    path = cheapest_paths(losses_of(rows[..., None], centres[..., None]), np.array([5.0]))[:, 0]

    assert np.abs(rows - centres[path]).mean() < 0.9  # the mean distance of a normal deviate is 0.8
