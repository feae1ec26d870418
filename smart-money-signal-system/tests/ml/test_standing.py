from hypothesis import given, strategies as st

from signal_system.ml.standing import STATES, RegimeState, Sight, Standing

states = st.lists(st.sampled_from(STATES), min_size=1, max_size=60)


def after(shown: list[RegimeState], dwell_bars: int) -> list[Standing]:
    standing, standings = Standing(), []
    for state in shown:
        standing = standing.after(Sight(state, {}), dwell_bars)
        standings.append(standing)
    return standings


@given(states, st.integers(1, 6))
def test_a_state_counts_once_it_has_shown_for_so_many_bars_on_end(
    shown: list[RegimeState], dwell_bars: int
) -> None:
    held: RegimeState = "unknown"
    for bar, standing in enumerate(after(shown, dwell_bars)):
        recent = shown[max(0, bar + 1 - dwell_bars) : bar + 1]
        if len(recent) == dwell_bars and len(set(recent)) == 1:
            held = shown[bar]
        assert standing.state == held


@given(states, st.integers(1, 6))
def test_age_counts_the_bars_since_the_turn_and_a_candidate_is_what_shows_instead(
    shown: list[RegimeState], dwell_bars: int
) -> None:
    before = Standing()
    for state, standing in zip(shown, after(shown, dwell_bars), strict=True):
        turned = standing.state != before.state
        assert standing.age_bars == (0 if turned else before.age_bars + 1)
        assert standing.candidate == (None if state == standing.state else state)
        assert 0 <= standing.candidate_bars < dwell_bars
        before = standing


def test_the_probability_is_that_of_the_state_that_holds() -> None:
    sight = Sight("bull", {"bull": 0.6, "bear": 0.4})

    assert Standing("bear").after(sight, 3).probability == 0.4
    assert Standing("bear").after(sight, 1).probability == 0.6
    assert Standing("bear").probability is None
