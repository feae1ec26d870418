from datetime import timedelta
from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import chi2  # type: ignore[import-untyped]  # no stubs

from shared_events.testing.factories import NOON
from signal_system.ml.direction import Seen
from signal_system.ml.drift import (
    LEAST_PSI,
    WINDOW_ROWS,
    _chi_square,
    losses,
    stability,
)
from signal_system.ml.model_record import MISSING, Loss

EDGES = tuple(NormalDist().inv_cdf(k / 10) for k in range(1, 10))
SEEN = Seen(name="a", edges=EDGES, shares=(0.1,) * 10, missing=0.0)
TAUGHT = 20_000


def bins(seed: int, *, alike: float = 0.0, shift: float = 0.0) -> np.ndarray:
    """Return a window of a column that resembles the row before as much, moved by so many sigma."""
    random, value, found = np.random.default_rng(seed), 0.0, []
    value = random.normal()
    for noise in random.normal(size=WINDOW_ROWS):
        value = alike * value + (1 - alike**2) ** 0.5 * noise
        found.append(int(np.searchsorted(EDGES, value + shift, side="right")))
    return np.array(found)


def share_named(*, alike: float, shift: float, runs: int = 100) -> float:
    found = [stability(bins(seed, alike=alike, shift=shift), SEEN, TAUGHT) for seed in range(runs)]
    return sum(each.psi > each.limit for each in found) / runs


@pytest.mark.parametrize("alike", [0.0, 0.5, 0.9])
def test_without_drift_hardly_a_window_is_named_however_alike_its_rows_are(alike: float) -> None:
    assert share_named(alike=alike, shift=0.0) <= 0.03


@pytest.mark.parametrize(("alike", "shift"), [(0.0, 0.5), (0.5, 1.0), (0.9, 2.0)])
def test_a_shift_is_named_once_it_is_larger_than_what_chance_makes(
    alike: float, shift: float
) -> None:
    assert share_named(alike=alike, shift=shift) >= 0.85


def test_the_usual_limit_would_name_what_only_resembles_itself() -> None:
    """The reason for a limit of our own: 0.25 is passed by chance in every third window."""
    found = [stability(bins(seed, alike=0.9), SEEN, TAUGHT).psi > 0.25 for seed in range(100)]

    assert sum(found) > 20


def test_fewer_rows_need_a_larger_change() -> None:
    window = bins(1)

    assert stability(window[:40], SEEN, TAUGHT).limit > stability(window, SEEN, TAUGHT).limit
    assert stability(np.tile(window, 50), SEEN, TAUGHT).limit == LEAST_PSI


def test_values_that_went_missing_are_drift() -> None:
    window = bins(1)
    window[::2] = MISSING

    found = stability(window, SEEN, TAUGHT)

    assert found.psi > found.limit


def test_a_column_that_never_changes_tells_little() -> None:
    found = stability(np.full(WINDOW_ROWS, 9), SEEN, TAUGHT)

    assert found.effective_rows == pytest.approx(1)
    assert found.psi < found.limit


@pytest.mark.parametrize("free", [1, 2, 9, 30])
def test_the_quantile_is_near_the_true_one(free: int) -> None:
    assert _chi_square(free, 0.9996) == pytest.approx(chi2.ppf(0.9996, free), rel=0.05)


def a_loss(hour: int, value: float) -> Loss:
    return Loss(NOON + timedelta(hours=4 * hour), value, "hold")


def noise(count: int, mean: float, seed: int = 0) -> list[float]:
    random = np.random.default_rng(seed)
    return [float(x) for x in np.clip(random.normal(mean, 0.3, count), 0.01, None)]


def test_steady_losses_raise_no_alarm() -> None:
    for seed in range(20):
        told = losses([a_loss(n, x) for n, x in enumerate(noise(500, 1.0, seed))])
        assert told.risen_at is None


def test_losses_that_rise_are_found_soon_after() -> None:
    values = [*noise(300, 0.9), *noise(200, 1.4, 1)]

    told = losses([a_loss(n, x) for n, x in enumerate(values)])

    assert told.risen_at is not None
    assert NOON + timedelta(hours=4 * 300) < told.risen_at
    assert told.before is not None
    assert told.since is not None
    assert told.since > told.before + 0.2


def test_losses_that_fall_are_no_reason_to_train() -> None:
    values = [*noise(300, 1.4), *noise(200, 0.9, 1)]

    assert losses([a_loss(n, x) for n, x in enumerate(values)]).risen_at is None


def test_a_few_losses_tell_nothing() -> None:
    told = losses([a_loss(n, 1.0) for n in range(29)])

    assert (told.losses, told.since, told.risen_at) == (29, None, None)
