from datetime import timedelta
from random import Random

from hypothesis import given, strategies as st

from shared_events.testing.factories import NOON
from signal_system.ml.regime_detection import MarketRegimeDetector, RegimeModel, Standing

MODEL = RegimeModel(version="test", interval="1h", window=5, width=0.02)
HOUR = timedelta(hours=1)

closes = st.lists(st.floats(50, 150), min_size=1, max_size=100)


def detector_after(prices: dict[int, float]) -> MarketRegimeDetector:
    detector = MarketRegimeDetector()
    for hour, price in prices.items():
        detector.close(NOON + hour * HOUR, price, MODEL)
    return detector


def by_hand(prices: list[float]) -> str:
    state = "unknown"
    for last in range(MODEL.window, len(prices) + 1):
        mean = sum(prices[last - MODEL.window : last]) / MODEL.window
        if prices[last - 1] > mean * 1.02:
            state = "bull"
        elif prices[last - 1] < mean * 0.98:
            state = "bear"
    return state


@given(closes)
def test_it_is_the_band_rule_and_nothing_but_closed_bars_so_far(prices: list[float]) -> None:
    detector = MarketRegimeDetector()

    for hour, price in enumerate(prices):
        detector.close(NOON + hour * HOUR, price, MODEL)

        assert detector.standing.state == by_hand(prices[: hour + 1])


@given(closes, st.randoms(use_true_random=False))
def test_bars_that_come_late_are_put_in_their_place(prices: list[float], random: Random) -> None:
    in_order = dict(enumerate(prices[-60:]))
    shuffled = dict(random.sample(list(in_order.items()), len(in_order)))

    assert detector_after(shuffled).standing == detector_after(in_order).standing


def test_between_the_bands_it_stays_what_it_was() -> None:
    detector = detector_after(dict(enumerate([100, 100, 100, 100, 110])))
    assert detector.standing == Standing("bull", 0)

    for hour, price in enumerate([105, 104], 5):
        detector.close(NOON + hour * HOUR, price, MODEL)

    assert detector.standing == Standing("bull", 2)


def test_too_few_bars_are_no_regime() -> None:
    assert detector_after(dict(enumerate([100, 200, 300, 400]))).standing.state == "unknown"


def test_memory_is_bounded() -> None:
    detector = detector_after({hour: 1.05**hour for hour in range(1_000)})

    assert len(detector.bars) == MODEL.window + 60
    assert detector.standing == Standing("bull", 995)


def test_a_bar_older_than_memory_changes_nothing() -> None:
    detector = detector_after({hour: 1.05**hour for hour in range(1_000)})

    assert not detector.close(NOON, 1.0, MODEL)


def test_a_day_closes_with_its_last_hour() -> None:
    model = RegimeModel(interval="1d")

    assert model.bar_closed_by(NOON.replace(hour=22)) is None
    assert model.bar_closed_by(NOON.replace(hour=23)) == NOON.replace(hour=0)
