from hypothesis import given, strategies as st

from market_scraper.connectors.hyperliquid.rhythm import Rhythm


def beaten(every: float, times: int) -> Rhythm:
    rhythm = Rhythm(3.0, 0.0)
    for number in range(1, times + 1):
        rhythm.beat(number * every)
    return rhythm


@given(st.floats(0.01, 600), st.integers(20, 200))
def test_whoever_keeps_its_rhythm_has_not_stopped_and_whoever_is_silent_for_long_has(
    every: float, times: int
) -> None:
    rhythm = beaten(every, times)

    assert not rhythm.stopped(times * every + every)
    assert rhythm.stopped(times * every + max(3.0, 30 * every) + every)


def test_a_few_frames_are_no_rhythm() -> None:
    assert not beaten(0.1, 19).stopped(1_000)


def test_silence_after_subscribing_anew_is_a_loss_and_a_frame_ends_it() -> None:
    rhythm = beaten(0.1, 30)
    rhythm.renewed(10)
    assert (rhythm.lost(29, 20), rhythm.lost(31, 20)) == (False, True)

    rhythm.beat(32)

    assert not rhythm.lost(100, 20)
