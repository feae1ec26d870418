from hypothesis import given, strategies as st

from signal_system.ml.band import Band
from signal_system.ml.regime_detection import MarketRegimeDetector
from signal_system.ml.standing import Standing

BAND = Band(interval="1h", window=5, width=0.02)
HOUR_MS = 3_600_000


def by_hand(prices: list[float]) -> str:
    state = "unknown"
    for last in range(BAND.window, len(prices) + 1):
        mean = sum(prices[last - BAND.window : last]) / BAND.window
        if prices[last - 1] > mean * 1.02:
            state = "bull"
        elif prices[last - 1] < mean * 0.98:
            state = "bear"
    return state


def after(prices: list[float]) -> MarketRegimeDetector:
    return MarketRegimeDetector.opened(BAND, [(n * HOUR_MS, p) for n, p in enumerate(prices)])


@given(st.lists(st.floats(50, 150), min_size=1, max_size=100))
def test_it_is_the_band_rule_and_nothing_but_closed_bars_so_far(prices: list[float]) -> None:
    detector = MarketRegimeDetector(BAND)

    for hour, price in enumerate(prices):
        detector.close(hour * HOUR_MS, price)

        assert detector.standing.state == by_hand(prices[: hour + 1])


def test_between_the_bands_it_stays_what_it_was() -> None:
    detector = after([100, 100, 100, 100, 110])
    assert detector.standing == Standing("bull", 0)

    for hour, price in enumerate([105, 104], 5):
        detector.close(hour * HOUR_MS, price)

    assert detector.standing == Standing("bull", 2)


def test_too_few_bars_are_no_regime() -> None:
    assert after([100, 200, 300, 400]).standing.state == "unknown"


def test_it_has_no_probabilities_to_invent() -> None:
    assert after([100, 100, 100, 100, 110]).standing.probability is None
