from datetime import timedelta
from math import inf
from random import Random

from hypothesis import given, strategies as st

from shared_events.testing.factories import NOON
from signal_system.domain.moves import HORIZONS, HOUR, Count, Moves

COST = 0.05

closes = st.lists(st.sampled_from((90.0, 94.0, 100.0, 104.0, 110.0)), min_size=1, max_size=60)


def counted(prices: dict[int, float]) -> Moves:
    moves = Moves()
    for hour, price in prices.items():
        moves.close(NOON + hour * HOUR, price, COST)
    return moves


def by_hand(prices: dict[int, float], horizon_seconds: int) -> Count:
    hours = horizon_seconds // 3600
    changes = [prices[end] / prices[end - hours] - 1 for end in prices if end - hours in prices]
    return Count(
        len(changes),
        sum(change > COST for change in changes),
        sum(change < -COST for change in changes),
        sum(abs(round(change * 10**8)) for change in changes),
        sum(round(change * 10**8) for change in changes),
    )


@given(closes, st.randoms(use_true_random=False))
def test_the_counts_are_those_of_every_window_in_any_order_of_arrival(
    prices: list[float], random: Random
) -> None:
    by_hour = dict(enumerate(prices))
    shuffled = dict(random.sample(list(by_hour.items()), len(by_hour)))

    moves = counted(shuffled)

    assert {h: moves.over(h) for h in HORIZONS} == {h: by_hand(by_hour, h) for h in HORIZONS}


@given(closes, closes)
def test_what_comes_later_does_not_change_what_was_counted_before(
    past: list[float], future: list[float]
) -> None:
    alone = counted(dict(enumerate(past)))

    moves = Moves()
    for hour, price in enumerate(past):
        moves.close(NOON + hour * HOUR, price, COST)
    then = dict(moves.counts)
    for hour, price in enumerate(future, len(past)):
        moves.close(NOON + hour * HOUR, price, COST)

    assert then == alone.counts


def test_a_corrected_close_counts_as_if_it_had_been_right_at_once() -> None:
    moves = counted({0: 100, 1: 110, 2: 100})

    moves.close(NOON + HOUR, 100, COST)

    assert moves.counts == counted({0: 100, 1: 100, 2: 100}).counts


def test_a_gap_makes_no_window() -> None:
    assert counted({0: 100, 2: 110}).over(3_600) == Count()


def test_memory_is_bounded_and_older_hours_say_nothing() -> None:
    moves = counted(dict.fromkeys(range(1_000), 100.0))

    assert len(moves.closes) == 72
    assert moves.over(3_600).windows == 999
    assert not moves.close(NOON, 50, COST)
    assert moves.counts
    assert inf not in moves.closes.values()
    assert min(moves.closes) == NOON + timedelta(hours=928)
