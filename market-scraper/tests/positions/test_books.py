from decimal import Decimal

from market_scraper.moments import milliseconds, moment
from market_scraper.positions.anchors import BookId, State
from market_scraper.positions.books import Books
from market_scraper.positions.ledger import Holding, Trade
from shared_events.payloads import TraderPositions
from shared_events.testing.factories import NOON, an_address

ALICE, BOB = an_address(1), an_address(2)
T0 = milliseconds(NOON)
LATER = T0 + 60_000


def trade(ms: int, size: str, coin: str = "BTC", tid: int = 1) -> Trade:
    return Trade(coin, Decimal(100), Decimal(size), ms, tid, ALICE, BOB, buyer_is_taker=True)


def state(ms: int, **sizes: str) -> State:
    return State(ms, Decimal(5), {c: Holding(c, Decimal(s)) for c, s in sizes.items()})


def alice(**sizes: str) -> Books:
    """Return the books after Alice's was anchored and told."""
    books = Books()
    books.enter(ALICE, 0)
    books.state(BookId(ALICE), state(T0, **sizes))
    books.drain()
    return books


def only(events: list[TraderPositions]) -> TraderPositions:
    [event] = events
    return event


def test_an_anchor_tells_the_whole_book() -> None:
    books = Books()
    books.enter(ALICE, 0)
    books.state(BookId(ALICE), state(T0, BTC="1", ETH="-2"))

    event = only(books.drain())

    assert event.full
    assert {held.coin: held.size for held in event.positions} == {"BTC": 1, "ETH": -2}
    assert (event.as_of, event.sequence, event.changes) == (NOON, T0, ())


def test_a_trade_tells_the_changed_coin_alone() -> None:
    books = alice(BTC="1", ETH="-2")

    list(books.take(trade(LATER, "0.5")))
    event = only(books.drain())

    assert not event.full
    [held], [change] = event.positions, event.changes
    assert (held.coin, held.size, held.quality) == ("BTC", Decimal("1.5"), "derived")
    assert (change.kind, change.cause, change.trades) == ("increase", "trade", 1)
    assert event.as_of == moment(LATER)


def test_several_trades_before_a_drain_are_one_change() -> None:
    books = alice()

    for tid in range(3):
        list(books.take(trade(LATER, "0.5", tid=tid)))
    [change] = only(books.drain()).changes

    assert (change.kind, change.trades, change.size_after) == ("open", 3, Decimal("1.5"))


def test_a_closed_coin_is_told_as_zero() -> None:
    books = alice(BTC="1")
    sold = Trade("BTC", Decimal(100), Decimal(1), LATER, 7, BOB, ALICE, buyer_is_taker=True)

    list(books.take(sold))
    event = only(books.drain())

    assert [(held.coin, int(held.size)) for held in event.positions] == [("BTC", 0)]
    assert [change.kind for change in event.changes] == ["close"]


def test_nothing_is_told_of_who_is_not_tracked_or_not_anchored() -> None:
    books = Books()
    books.enter(ALICE, 0)

    list(books.take(trade(LATER, "1")))

    assert books.drain() == []


def test_sequences_grow_even_if_time_does_not() -> None:
    books = alice()
    told = []
    for tid in range(3):
        list(books.take(trade(LATER, "1", tid=tid)))
        told += books.drain()

    assert [event.sequence for event in told] == [LATER, LATER + 1, LATER + 2]


def test_sequences_grow_over_a_restart_too() -> None:
    ahead = T0 + 10_000_000
    books = Books(sequences={ALICE: ahead})
    books.enter(ALICE, 0)
    books.state(BookId(ALICE), state(T0))

    assert only(books.drain()).sequence == ahead + 1


def test_a_gap_puts_those_who_deal_in_the_coin_in_doubt_and_says_so() -> None:
    books = alice(BTC="1")
    books.enter(BOB, 0)
    books.state(BookId(BOB), state(T0, ETH="1"))
    books.drain()

    doubted = [account.address for account in books.covered("BTC", LATER)]
    event = only(books.drain())

    assert doubted == [ALICE]
    assert [(held.coin, held.quality) for held in event.positions] == [("BTC", "suspect")]
    assert event.changes == ()


def test_who_trades_a_coin_for_the_first_time_after_a_gap_is_in_doubt_until_asked() -> None:
    books = alice()
    list(books.covered("BTC", LATER))

    list(books.take(trade(LATER + 5_000, "2")))
    doubtful = only(books.drain())
    books.state(BookId(ALICE), state(LATER + 60_000, BTC="2"))
    settled = only(books.drain())
    list(books.take(trade(LATER + 90_000, "1", tid=2)))
    after = only(books.drain())

    qualities = [[held.quality for held in told.positions] for told in (doubtful, settled, after)]
    assert qualities == [["suspect"], ["anchored"], ["derived"]]


def test_a_repair_tells_the_whole_book_and_what_was_wrong() -> None:
    books = alice(BTC="1")
    books.state(BookId(ALICE), state(LATER))
    doubt = only(books.drain())
    books.state(BookId(ALICE), state(LATER + 60_000))
    repair = only(books.drain())

    assert [held.quality for held in doubt.positions] == ["suspect"]
    assert repair.full
    assert repair.positions == ()
    assert [(change.kind, change.cause) for change in repair.changes] == [("close", "poll")]


def test_telling_a_book_again_brings_it_up_to_date() -> None:
    books = alice(BTC="1")

    books.retell(ALICE, LATER)
    event = only(books.drain())

    assert (event.full, event.as_of, event.changes) == (True, moment(LATER), ())
