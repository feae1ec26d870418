from decimal import Decimal
from typing import Any

from hypothesis import given, strategies as st

from market_scraper.storage.changes import PositionChanges
from market_scraper.storage.tables import HeldRow
from shared_events.payloads import Position
from shared_events.testing.factories import an_address

ALICE = an_address(1)
HOUR = 3_600_000


def long(coin: str = "BTC", size: str = "1", **fields: Any) -> Position:
    given: dict[str, Any] = {"quality": "anchored", "leverage": Decimal(10)}
    return Position(coin=coin, size=Decimal(size), **given | fields)


def written(rows: list[HeldRow]) -> list[tuple[str, int, Decimal]]:
    return [(row.coin, row.at_ms, row.size) for row in rows]


def test_a_position_that_is_as_it_was_is_not_written_again() -> None:
    changes = PositionChanges(HOUR)
    changes.see(ALICE, 1, [long(), long("ETH")])
    changes.drain()

    for minute in range(2, 50):
        worth = Decimal(minute)
        changes.see(ALICE, minute, [long(mark=worth, unrealised_pnl=worth), long("ETH")])

    assert changes.drain() == []
    assert (changes.seen, changes.written) == (98, 2)


def test_size_leverage_margin_and_doubt_are_changes_and_how_well_it_is_known_is_not() -> None:
    changes = PositionChanges(HOUR)
    changes.see(ALICE, 1, [long()])
    changes.drain()

    for at, position in enumerate(
        [
            long(size="2"),
            long(size="2", leverage=Decimal(20)),
            long(size="2", leverage=Decimal(20), margin_type="isolated"),
            long(size="2", leverage=Decimal(20), margin_type="isolated", quality="derived"),
            long(size="2", leverage=Decimal(20), margin_type="isolated", quality="suspect"),
        ],
        start=2,
    ):
        changes.see(ALICE, at, [position])
        assert len(changes.drain()) == (0 if position.quality == "derived" else 1)


def test_nothing_changed_is_still_said_now_and_then() -> None:
    changes = PositionChanges(HOUR)
    rows = []
    for minute in range(150):
        changes.see(ALICE, minute * 60_000, [long(entry=Decimal(minute))])
        rows += changes.drain()

    assert [row.at_ms for row in rows] == [0, HOUR, 2 * HOUR]
    assert [row.entry for row in rows] == [0, 60, 120], "what is written is what is true then"


def test_of_several_changes_between_two_writes_the_last_is_written() -> None:
    changes = PositionChanges(HOUR)
    for at in range(1, 6):
        changes.see(ALICE, at, [long(size=str(at))])

    assert written(changes.drain()) == [("BTC", 5, Decimal(5))]


def test_a_whole_book_closes_what_is_not_in_it_once() -> None:
    changes = PositionChanges(HOUR)
    changes.see(ALICE, 1, [long(), long("ETH")], whole=True)
    changes.drain()

    changes.see(ALICE, 2, [long("ETH")], whole=True)
    changes.see(ALICE, 3, [long("ETH")], whole=True)

    assert written(changes.drain()) == [("BTC", 2, Decimal(0))]


def test_a_change_of_one_coin_says_nothing_about_the_others() -> None:
    changes = PositionChanges(HOUR)
    changes.see(ALICE, 1, [long(), long("ETH")], whole=True)
    changes.drain()

    changes.see(ALICE, 2, [long("ETH", "0")])

    assert written(changes.drain()) == [("ETH", 2, Decimal(0))]


def test_whoever_comes_back_begins_anew() -> None:
    changes = PositionChanges(HOUR)
    changes.see(ALICE, 1, [long()])
    changes.drain()

    changes.forget(ALICE)
    changes.see(ALICE, 2, [long()])

    assert written(changes.drain()) == [("BTC", 2, Decimal(1))]


@given(st.lists(st.tuples(st.sampled_from(["BTC", "ETH"]), st.integers(-2, 2)), max_size=30))
def test_the_last_rows_are_the_book(steps: list[tuple[str, int]]) -> None:
    changes, book = PositionChanges(HOUR), {"BTC": 0, "ETH": 0}
    rows: dict[str, int] = {}
    for at, (coin, size) in enumerate(steps):
        book[coin] = size
        changes.see(ALICE, at, [long(coin, str(size))])
        if at % 3 == 0:
            rows |= {row.coin: int(row.size) for row in changes.drain()}
    rows |= {row.coin: int(row.size) for row in changes.drain()}

    assert {coin: rows.get(coin, 0) for coin in book} == book
