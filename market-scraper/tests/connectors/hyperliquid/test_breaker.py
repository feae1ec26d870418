from hypothesis import given, strategies as st

from market_scraper.connectors.hyperliquid.breaker import MOST_REFUSALS, Breaker, Circuit


def opened() -> tuple[Breaker, float]:
    """Return a breaker whose circuit has just opened, and when it will be half-open."""
    breaker, now = Breaker(), 0.0
    for _ in range(MOST_REFUSALS):
        now += breaker.refused(now, None)
    return breaker, now


def test_one_refusal_holds_back_for_a_moment_and_leaves_the_circuit_closed() -> None:
    breaker = Breaker()
    seconds = breaker.refused(0, None)

    assert breaker.circuit(0) is Circuit.CLOSED
    assert (breaker.wait(0), breaker.wait(seconds)) == (seconds, 0)


def test_refusals_of_what_was_under_way_together_count_once() -> None:
    breaker = Breaker()

    held = [breaker.refused(0.1 * number, None) for number in range(8)]

    assert breaker.refusals == 1
    assert breaker.circuit(1) is Circuit.CLOSED
    assert held == sorted(held, reverse=True)


def test_half_open_lets_one_request_pass_and_its_answer_closes_the_circuit() -> None:
    breaker, now = opened()
    assert breaker.circuit(now - 0.1) is Circuit.OPEN
    assert breaker.circuit(now) is Circuit.HALF_OPEN

    assert breaker.wait(now) == 0
    breaker.passed(now)
    assert breaker.wait(now) > 0
    breaker.answered()

    assert breaker.circuit(now) is Circuit.CLOSED
    assert breaker.wait(now) == 0


def test_a_trial_that_is_refused_opens_the_circuit_for_twice_as_long() -> None:
    breaker, now = opened()
    breaker.passed(now)

    seconds = breaker.refused(now, None)

    assert breaker.circuit(now) is Circuit.OPEN
    assert seconds == 16


def test_a_trial_that_nobody_answers_is_given_up() -> None:
    breaker, now = opened()
    breaker.passed(now)

    assert breaker.wait(now + 29) > 0
    assert breaker.wait(now + 30) == 0


def test_what_the_venue_asks_for_is_kept_even_if_it_is_longer() -> None:
    breaker = Breaker()
    breaker.refused(0, None)

    assert breaker.refused(1, 90) == 90


@given(st.lists(st.floats(0, 100), min_size=1, max_size=30))
def test_nothing_passes_while_everything_is_held_back(pauses: list[float]) -> None:
    breaker, now = Breaker(), 0.0
    for pause in pauses:
        held = breaker.refused(now, None)
        assert breaker.wait(now + held / 2) > 0
        now += pause
