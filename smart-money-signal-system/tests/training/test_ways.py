from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from signal_system.ml.band import Band
from signal_system.ml.regime_detection import MarketRegimeDetector
from signal_system.ml.standing import STATES
from signal_system.testing.walk import PLAN, small_data
from signal_system.training.regime_data import DAY_MS
from signal_system.training.regime_plan import Window
from signal_system.training.ways import CHALLENGERS, Way, band

DATA = small_data()
WINDOWS = [Window(0, 1_440, 1_800), Window(360, 1_800, 2_160)]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Let the libraries' threads not wait for each other on small matrices."""
    with threadpool_limits(1):
        yield


@pytest.fixture(params=list(CHALLENGERS.values()), ids=list(CHALLENGERS))
def way(request: pytest.FixtureRequest) -> Way:
    found: Way = request.param
    return found


def test_every_way_says_something_of_every_row(way: Way) -> None:
    said = way(DATA, WINDOWS, PLAN)

    assert [len(each.states) for each in said] == [1_800, 1_800]
    for each in said:
        assert set(each.names) <= set(STATES)
        assert each.states.min() >= 0
        assert each.states.max() < len(each.names)


def test_no_way_knows_what_comes_after_a_row(way: Way) -> None:
    """Change everything after a row within a test: nothing that was said up to it changes."""
    cut = 1_600
    random = np.random.default_rng(1)

    def changed(values: np.ndarray) -> np.ndarray:
        later = values.copy()
        later[cut:] = random.permutation(later[cut:])
        return later

    days = DATA.daily_days * DAY_MS >= DATA.closed[cut - 1]
    closes = np.where(days, DATA.daily_closes[::-1], DATA.daily_closes)
    other = replace(
        DATA,
        features=changed(DATA.features),
        returns=changed(DATA.returns),
        daily_closes=closes,
    )

    before, after = (way(each, WINDOWS[:1], PLAN)[0] for each in (DATA, other))

    assert np.array_equal(before.codes[:cut], after.codes[:cut])


def test_the_band_is_the_one_that_the_service_falls_back_to() -> None:
    [said] = band(DATA, [Window(0, 2_000, 3_000)], PLAN)

    detector, states = MarketRegimeDetector(Band()), {}
    for day, close in zip(DATA.daily_days.tolist(), DATA.daily_closes.tolist(), strict=True):
        detector.close(day * DAY_MS, close)
        states[(day + 1) * DAY_MS] = detector.standing.state
    known = sorted(states)
    for row in range(0, 3_000, 37):
        closed = [at for at in known if at <= DATA.closed[row]]
        expected = states[closed[-1]] if closed else "unknown"
        assert STATES[said.codes[row]] == expected
