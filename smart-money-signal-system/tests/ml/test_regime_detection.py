from random import Random

import pytest
from hypothesis import given, settings, strategies as st
from msgspec import json

from signal_system.ml.band import Band
from signal_system.ml.jump_regime import JumpRegime
from signal_system.ml.regime_detection import (
    LATE_BARS,
    Close,
    DetectorSnapshot,
    MarketRegimeDetector,
    RegimeModel,
)
from signal_system.testing.regimes import HOUR_MS, cycles, jump_parameters

BAND = Band(interval="1h", window=5, width=0.02)
MODEL = JumpRegime("test-1", jump_parameters())
CLOSES = cycles(2_600)

prices = st.lists(st.floats(50, 150), min_size=1, max_size=100)


@pytest.fixture(params=[BAND, MODEL], ids=["band", "jump model"])
def rule(request: pytest.FixtureRequest) -> RegimeModel:
    rule: RegimeModel = request.param
    return rule


def bars(prices: list[float]) -> list[Close]:
    return [(n * HOUR_MS, price) for n, price in enumerate(prices)]


def test_it_tells_rise_rest_and_fall_apart() -> None:
    detector, said = MarketRegimeDetector(MODEL), []
    for bar in CLOSES:
        detector.close(*bar)
        said.append(detector.standing.state)

    assert set(said[:500]) == {"unknown"}, "until it is warmed up"
    assert said[900] == "bear"
    assert said[1_480] == "bull"
    assert {"bull", "neutral", "bear"} <= set(said[505:])


def test_probabilities_add_up_and_the_likeliest_is_what_shows() -> None:
    detector = MarketRegimeDetector(MODEL)
    for bar in CLOSES[:1_500]:
        detector.close(*bar)
        standing = detector.standing
        if standing.probabilities:
            shown = standing.candidate or standing.state
            assert sum(standing.probabilities.values()) == pytest.approx(1)
            assert standing.probabilities[shown] == max(standing.probabilities.values())


def test_what_comes_later_changes_nothing_that_was_said(rule: RegimeModel) -> None:
    whole, said = MarketRegimeDetector(rule), []
    for bar in CLOSES[:1_200]:
        whole.close(*bar)
        said.append(whole.standing)

    for cut in (504, 700, 1_199):
        assert MarketRegimeDetector.opened(rule, CLOSES[:cut]).standing == said[cut - 1]


def test_restored_from_canonical_json_it_goes_on_as_if_nothing_had_happened(
    rule: RegimeModel,
) -> None:
    whole = MarketRegimeDetector(rule)
    restored = MarketRegimeDetector(rule)
    for n, bar in enumerate(CLOSES[:1_200]):
        whole.close(*bar)
        restored.close(*bar)
        if n % 97 == 0:
            raw = json.encode(restored.snapshot())
            restored = MarketRegimeDetector(rule, json.decode(raw, type=DetectorSnapshot))
            assert json.encode(restored.snapshot()) == raw

    assert restored.standing == whole.standing
    assert json.encode(restored.snapshot()) == json.encode(whole.snapshot())


@given(prices, st.randoms(use_true_random=False))
def test_bars_that_come_late_are_put_in_their_place(prices: list[float], random: Random) -> None:
    in_order = bars(prices[-LATE_BARS:])
    shuffled = random.sample(in_order, len(in_order))

    late, whole = (MarketRegimeDetector.opened(BAND, each) for each in (shuffled, in_order))

    assert late.standing == whole.standing


@settings(max_examples=5, deadline=None)
@given(st.integers(1, LATE_BARS - 1), st.floats(0.9, 1.1))
def test_a_late_or_corrected_bar_leads_to_what_it_would_have_led_to_in_time(
    back: int, factor: float
) -> None:
    told = CLOSES[:2_500]
    place = len(told) - 1 - back
    corrected = [*told[:place], (told[place][0], told[place][1] * factor), *told[place + 1 :]]
    late = [*told[:place], *told[place + 1 :], corrected[place]]

    whole = MarketRegimeDetector.opened(MODEL, corrected)
    once_wrong = MarketRegimeDetector.opened(MODEL, told)
    once_wrong.close(*corrected[place])

    assert once_wrong.standing == whole.standing
    assert MarketRegimeDetector.opened(MODEL, late).standing == whole.standing


def test_memory_is_bounded(rule: RegimeModel) -> None:
    detector = MarketRegimeDetector.opened(rule, CLOSES)

    saved = detector.snapshot()
    assert len(saved.closes) == min(len(CLOSES), rule.kept_bars + LATE_BARS)
    assert len(saved.marks) == LATE_BARS + 1


def test_a_bar_older_than_memory_changes_nothing(rule: RegimeModel) -> None:
    detector = MarketRegimeDetector.opened(rule, CLOSES)

    assert not detector.close(CLOSES[-LATE_BARS - 1][0], 1.0)
    assert detector.close(CLOSES[-LATE_BARS][0], 1.0)


def test_the_same_bar_again_says_nothing_new_and_a_correction_that_turns_is_counted() -> None:
    detector = MarketRegimeDetector.opened(BAND, bars([100, 100, 100, 100, 110]))
    assert not detector.close(4 * HOUR_MS, 110)

    assert detector.close(4 * HOUR_MS, 90)

    assert (detector.standing.state, detector.revision) == ("bear", 1)
    detector.close(5 * HOUR_MS, 90)
    assert detector.revision == 0
