from hypothesis import given, strategies as st

from market_scraper.orchestration.degradation import (
    CALM_SECONDS,
    HOT_SECONDS,
    Degradation,
    Load,
    Step,
)

HOT, FAIR, CALM = Load(lateness_seconds=1), Load(waiting_share=0.3), Load(age_seconds=0.1)


def looked(degradation: Degradation, load: Load, start: float, seconds: int) -> list[Step]:
    """Look once a second."""
    found = (degradation.look(load, start + second) for second in range(seconds + 1))
    return [step for step in found if step]


def test_steps_are_taken_in_the_declared_order_while_it_is_too_much() -> None:
    degradation = Degradation()

    assert looked(degradation, HOT, 0, 100) == list(Step)
    assert degradation.taken == tuple(Step)
    assert next(iter(Step)) is Step.CANDLES


def test_a_moment_of_too_much_is_borne() -> None:
    degradation = Degradation()
    for start in range(0, 100, 10):
        assert looked(degradation, HOT, start, int(HOT_SECONDS) - 1) == []
        assert looked(degradation, CALM, start + 5, 4) == []


def test_steps_are_undone_in_the_opposite_order_when_it_is_calm_for_long() -> None:
    degradation = Degradation()
    looked(degradation, HOT, 0, 100)

    assert looked(degradation, CALM, 101, int(CALM_SECONDS) - 1) == []
    assert looked(degradation, CALM, 200, 10 * int(CALM_SECONDS)) == list(Step)[::-1]
    assert degradation.taken == ()


def test_between_much_and_little_nothing_changes() -> None:
    degradation = Degradation()
    looked(degradation, HOT, 0, int(HOT_SECONDS))

    assert looked(degradation, FAIR, 10, 10_000) == []
    assert degradation.taken == (Step.CANDLES,)


@given(st.lists(st.sampled_from([HOT, FAIR, CALM]), max_size=400))
def test_what_is_given_up_is_always_the_beginning_of_the_list(loads: list[Load]) -> None:
    degradation, steps = Degradation(hot_seconds=2, calm_seconds=3), list(Step)

    for now, load in enumerate(loads):
        before = degradation.taken
        degradation.look(load, now)
        assert degradation.taken == tuple(steps[: len(degradation.taken)])
        assert abs(len(degradation.taken) - len(before)) <= 1
