import numpy as np
import pytest

from signal_system.evaluation.metrics import long_or_flat, sharpe
from signal_system.ml.standing import STATES
from signal_system.testing.walk import small_data
from signal_system.training.regime_judge import Judge
from signal_system.training.regime_plan import Window
from signal_system.training.ways import Said

BULL, BEAR = STATES.index("bull"), STATES.index("bear")
DATA = small_data()
WINDOWS = [Window(0, 1_000, 1_400), Window(400, 1_400, 1_800), Window(800, 1_800, 2_200)]


@pytest.fixture
def judge() -> Judge:
    return Judge(DATA, WINDOWS, cost=0.001)


def saying(states: np.ndarray) -> list[Said]:
    """Return that every refit says `states`, one for each row of the data."""
    return [Said(states[w.start : w.end], STATES) for w in WINDOWS]


def alternating(bars: int) -> np.ndarray:
    return np.where(np.arange(len(DATA)) // bars % 2 == 0, BULL, BEAR)


def test_runs_switches_and_shares_are_of_the_tests_alone(judge: Judge) -> None:
    verdict = judge.verdict(saying(alternating(100)))

    assert verdict.dwells == (100,) * 12
    assert verdict.median_dwell_bars == 100
    assert verdict.switches_per_year == pytest.approx(11 / 1_200 * 365.25 * 24)
    assert verdict.shares == {"bull": 0.5, "bear": 0.5}
    assert verdict.transitions["bull"]["bear"] == pytest.approx(6 / 600)


def test_refits_that_say_the_same_agree_and_a_change_of_names_counts(judge: Judge) -> None:
    said = saying(alternating(100))
    renamed = [*said[:2], Said(said[2].states, (*STATES[:1], "unknown", *STATES[2:]))]
    switched = [*said[:2], Said(BULL + BEAR - said[2].states, STATES)]

    assert judge.agreements(said) == [1.0, 1.0]
    assert judge.agreements(renamed)[0] == 1.0
    assert judge.agreements(switched) == [1.0, 0.0]


def test_states_that_part_the_volatility_ahead_explain_it_and_noise_does_not(judge: Judge) -> None:
    knowing = (DATA.ahead > np.nanmedian(DATA.ahead)).astype(np.int64)
    random = np.random.default_rng(1).integers(0, 2, len(DATA))

    known, guessed = judge.volatility_r2(saying(knowing)), judge.volatility_r2(saying(random))

    assert known.value is not None
    assert guessed.value is not None
    assert guessed.low is not None
    assert known.value > 0.5
    assert guessed.value < 0.02
    assert guessed.low < 0


def test_what_states_explain_is_learned_before_the_test(judge: Judge) -> None:
    """The states of the tests part the volatility; those of training do not: nothing is learned."""
    random = np.random.default_rng(2)
    said = []
    for window in WINDOWS:
        states = random.integers(0, 2, window.end - window.start)
        ahead = DATA.ahead[window.split : window.end]
        states[window.split - window.start :] = ahead > np.nanmedian(ahead)
        said.append(Said(states, STATES))

    value = judge.volatility_r2(said).value
    assert value is not None
    assert value < 0.05


def test_holding_is_counted_as_the_other_evaluations_do(judge: Judge) -> None:
    states = alternating(50)

    held = judge.verdict(saying(states)).held

    rows = judge.rows
    closes = np.exp(np.cumsum(DATA.returns[rows]))
    said = [bool(each) for each in states[rows] == BULL]
    for each in held:
        expected = long_or_flat(
            said, [1.0, *closes[1:] / closes[0]], cost=0.001, delay=each.delay_bars
        )
        reference = sharpe(expected, 365.25 * 24)
        assert reference is not None
        assert each.sharpe.value == pytest.approx(reference, abs=0.02)
    assert held[0].delay_bars < held[1].delay_bars
