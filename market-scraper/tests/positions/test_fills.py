"""What a trader's own fills prove, row by row as the venue lists them."""

from decimal import Decimal

import pytest

from market_scraper.moments import moment
from market_scraper.positions.anchors import Base
from market_scraper.positions.fills import FIRST_MS, MOST_IN_SNAPSHOT, FillNews, proofs
from shared_events.payloads import TraderFill
from shared_events.testing.factories import an_address
from shared_events.types import Side

ALICE = an_address(1)


def fill(
    ms: int, side: Side, size: int, start: int | None, *, coin: str = "BTC", tid: int | None = None
) -> TraderFill:
    return TraderFill(
        address=ALICE,
        coin=coin,
        at=moment(ms),
        tid=ms if tid is None else tid,
        side=side,
        price=Decimal(100),
        size=Decimal(size),
        start_position=None if start is None else Decimal(start),
        crossed=True,
    )


def test_the_last_fill_of_the_last_block_says_what_was_held_after_it() -> None:
    [proof] = proofs(
        [fill(1, "buy", 2, 0), fill(5, "sell", 3, 2, tid=8), fill(5, "sell", 1, -1, tid=7)]
    )

    assert (proof.coin, int(proof.size)) == ("BTC", -2)
    assert proof.base == Base(5, frozenset({7, 8}))
    assert [int(delta.signed) for delta in proof.deltas] == [2, -3, -1]


def test_a_trade_with_oneself_changes_nothing_and_still_says_what_was_held() -> None:
    both = [fill(5, "buy", 2, 7, tid=1), fill(5, "sell", 2, 7, tid=1)]

    [alone] = proofs(both)
    [among] = proofs([*both, fill(5, "buy", 1, 7, tid=2)])

    assert (int(alone.size), alone.deltas) == (7, ())
    assert (int(among.size), len(among.deltas)) == (8, 1)


@pytest.mark.parametrize("coin", ["@107", "PURR/USDC", "#14880"])
def test_balances_of_tokens_prove_no_position(coin: str) -> None:
    assert proofs([fill(1, "buy", 2, 0, coin=coin)]) == []


def test_a_fill_that_does_not_say_where_it_started_proves_nothing() -> None:
    assert proofs([fill(1, "buy", 2, None)]) == []


def test_the_oldest_block_of_a_full_snapshot_may_be_cut_off_and_proves_nothing() -> None:
    oldest = [fill(1, "buy", 1, n, coin="ETH", tid=n) for n in range(10)]
    rest = [fill(2, "buy", 1, n, tid=n) for n in range(MOST_IN_SNAPSHOT - 10)]

    assert [proof.coin for proof in proofs([*oldest, *rest])] == ["BTC"]
    assert [proof.coin for proof in proofs([*oldest, *rest[1:]])] == ["BTC", "ETH"]


def test_a_snapshot_after_a_reconnection_tells_only_what_is_new() -> None:
    news = FillNews()
    first = [
        fill(1, "buy", 1, 0),
        fill(FIRST_MS + 10, "buy", 1, 1),
        fill(FIRST_MS + 10, "buy", 1, 2, tid=7),
    ]
    later = [fill(FIRST_MS + 10, "buy", 1, 3, tid=8), fill(FIRST_MS + 20, "sell", 1, 4)]

    assert news.take(ALICE, first) == first[1:]
    assert news.take(ALICE, [*first, *later]) == later
    assert news.take(ALICE, [*first, *later]) == []
    assert news.take(ALICE, []) == []
