"""Turns are dealt out by what they are worth, and nobody starves."""

from collections import Counter

from hypothesis import given, strategies as st

from market_scraper.positions.anchors import BookId
from market_scraper.positions.strides import LEAST_WORTH, MOST_WORTH, Strides


def joined(worths: list[float], rest_seconds: float = 0.0) -> tuple[Strides, dict[BookId, float]]:
    strides = Strides(rest_seconds)
    worth = {BookId(f"{number:03}"): value for number, value in enumerate(worths)}
    for book, value in worth.items():
        strides.done(book, 0.0, value)
    return strides, worth


def test_turns_are_dealt_out_in_proportion_to_what_they_are_worth() -> None:
    strides, worth = joined([1.0, 2.0, 4.0])
    turns: Counter[str] = Counter()

    for second in range(1, 701):
        book = strides.next(second)
        assert book is not None
        turns[book.address] += 1
        strides.done(book, second, worth[book])

    assert turns == {"000": 100, "001": 200, "002": 400}


@given(
    worths=st.lists(st.floats(0, 1e6), min_size=2, max_size=20),
    idle=st.lists(st.integers(0, 3), min_size=400, max_size=400),
    hastened=st.sets(st.integers(0, 400), max_size=5),
)
def test_between_two_turns_of_one_nobody_else_has_more_than_the_bound(
    worths: list[float], idle: list[int], hastened: set[int]
) -> None:
    strides, worth = joined(worths, rest_seconds=5.0)
    bound = MOST_WORTH / LEAST_WORTH + 1
    since: dict[BookId, Counter[BookId]] = {book: Counter() for book in worth}
    now = 10.0
    for step, seconds in enumerate(idle):
        now += seconds
        if step in hastened:
            strides.hasten(now)
        book = strides.next(now)
        if book is None:
            continue
        for others in since.values():
            others[book] += 1
        since[book] = Counter()
        strides.done(book, now, worth[book])

        waiting = since[book]
        assert not waiting
        assert all(count <= bound + 1 for others in since.values() for count in others.values())


def test_whoever_had_a_turn_rests_unless_something_happened_that_may_concern_anyone() -> None:
    strides, _ = joined([1.0], rest_seconds=60.0)

    assert strides.next(59.0) is None
    strides.hasten(30.0)
    book = strides.next(31.0)
    assert book is not None
    strides.done(book, 32.0, 1.0)
    assert strides.next(33.0) is None


def test_whoever_left_or_joined_again_has_one_place_at_most() -> None:
    strides, worth = joined([1.0, 1.0])
    gone, stays = worth
    strides.leave(gone)
    strides.done(stays, 1.0, 1.0)

    assert (strides.next(2.0), strides.next(2.0)) == (stays, None)
