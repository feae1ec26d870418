from decimal import Decimal

import pytest

from market_scraper.positions.anchors import BookId, State
from market_scraper.positions.books import Books
from market_scraper.positions.coins import dex_of
from market_scraper.positions.ledger import Trade
from shared_events.testing.factories import an_address

ALICE, BOB = an_address(1), an_address(2)


@pytest.mark.parametrize(
    ("coin", "dex"),
    [
        ("BTC", ""),
        ("kPEPE", ""),
        ("xyz:GOLD", "xyz"),
        ("@107", None),
        ("PURR/USDC", None),
        ("#10", None),
    ],
)
def test_a_coin_is_known_by_its_full_name(coin: str, dex: str | None) -> None:
    books = Books()
    books.enter(ALICE, 0)
    books.state(BookId(ALICE), State(1_000, Decimal(5), {}))
    traded = Trade(coin, Decimal(2), Decimal(3), 100_000, 1, ALICE, BOB, buyer_is_taker=True)

    list(books.take(traded))

    assert dex_of(coin) == dex
    assert [*books.accounts[ALICE].holdings] == ([coin] if dex == "" else [])
    assert [book.dex for book in books.of(ALICE)] == (["", dex] if dex else [""])
