from decimal import Decimal

from market_scraper.positions.anchors import BookId
from market_scraper.positions.rotation import Lane, Rotation

A, B = BookId("a"), BookId("b")


def rotation(*addresses: str) -> Rotation:
    turns = Rotation(every_seconds=60)
    for place, address in enumerate(addresses):
        turns.enter(BookId(address), Decimal(100 - place))
    return turns


def test_the_best_traders_are_anchored_first() -> None:
    turns = rotation("best", "second", "third")

    assert [turn.address for turn in iter(lambda: turns.next(0), None)] == [
        "best",
        "second",
        "third",
    ]
    assert turns.next(0) is None


def test_whoever_had_a_turn_is_left_alone_for_a_while() -> None:
    turns = rotation("a")
    turns.next(0)
    turns.done(A, now=0)

    assert turns.next(59) is None
    assert turns.next(60) == A


def test_a_doubt_goes_before_the_audit() -> None:
    turns = rotation("a", "b")
    for book in (A, B):
        turns.next(0)
        turns.done(book, now=0)
    turns.doubt(B, due=50)

    assert turns.next(49) is None
    assert turns.next(100) == B
    assert turns.next(100) == A


def test_a_slow_lane_leaves_the_faster_ones_open() -> None:
    turns = rotation("a", "b")
    turns.next(0)
    turns.done(A, now=0)
    turns.doubt(A, due=0)

    assert turns.next(0, Lane.DOUBT) == A
    assert turns.next(0, Lane.DOUBT) is None
    assert turns.next(0, Lane.ANCHOR) == B


def test_a_failed_attempt_is_repeated_in_its_lane() -> None:
    turns = rotation("a")
    turns.next(0)

    turns.failed(A, Lane.ANCHOR, due=5)

    assert turns.next(4) is None
    assert turns.next(5, Lane.DOUBT) is None
    assert turns.next(5, Lane.ANCHOR) == A


def test_asking_twice_keeps_the_earlier_time() -> None:
    turns = rotation("a")
    turns.next(0)
    turns.done(A, now=0)
    turns.doubt(A, due=5)
    turns.doubt(A, due=9)

    assert turns.next(5) == A


def test_everybodys_audit_can_be_brought_forward() -> None:
    turns = rotation("a", "b")
    for book in (A, B):
        turns.next(0)
        turns.done(book, now=0)

    turns.hasten(now=10)

    assert {turns.next(10), turns.next(10)} == {A, B}
    assert turns.next(10) is None


def test_whoever_left_has_no_turn() -> None:
    turns = rotation("a", "b")
    turns.leave(A)

    assert turns.next(0) == B
    assert turns.next(0) is None
    assert len(turns) == 1
