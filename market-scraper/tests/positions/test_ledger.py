from decimal import Decimal

from hypothesis import given, strategies as st

from market_scraper.positions.ledger import Delta, Holding, Trade, apply, classify, deltas
from market_scraper.positions.moves import Move

sizes = st.decimals(min_value=-1000, max_value=1000, places=4)
prices = st.decimals(min_value="0.01", max_value=100_000, places=2)


@st.composite
def runs(draw: st.DrawFn) -> list[Delta]:
    signed = draw(st.lists(sizes.filter(bool), max_size=20))
    return [
        Delta("BTC", ms=i, tid=i, signed=size, price=draw(prices), taker=draw(st.booleans()))
        for i, size in enumerate(signed)
    ]


@given(start=sizes, run=runs())
def test_the_size_is_the_sum_of_what_was_traded(start: Decimal, run: list[Delta]) -> None:
    held = Holding("BTC", start)

    for delta in run:
        held = apply(held, delta)

    assert held.size == start + sum(delta.signed for delta in run)


@given(run=runs())
def test_the_entry_lies_between_the_prices_that_were_paid(run: list[Delta]) -> None:
    held = Holding("BTC", Decimal(0))

    for delta in run:
        held = apply(held, delta)

    if held.size:
        paid = [delta.price for delta in run]
        assert held.entry is not None
        assert min(paid) <= held.entry <= max(paid)
    else:
        assert held.entry is None


@given(before=sizes, after=sizes)
def test_a_move_has_exactly_one_name(before: Decimal, after: Decimal) -> None:
    kind = classify(before, after)

    assert (kind is None) == (before == after)
    assert (kind == "open") == (before == 0 != after)
    assert (kind == "close") == (after == 0 != before)
    assert (kind == "flip") == (before * after < 0)


@given(start=sizes, run=runs())
def test_several_trades_told_as_one_change_lead_to_the_same_size(
    start: Decimal, run: list[Delta]
) -> None:
    held = Holding("BTC", start)
    move = Move("BTC", start, start, "trade")
    for delta in run:
        held = apply(held, delta)
        move.then(held.size, delta)

    change = move.change()

    if change is None:
        assert held.size == start
    else:
        assert (change.size_before, change.size_after) == (start, held.size)
        assert change.trades == len(run)
        assert change.taker_share is not None
        assert 0 <= change.taker_share <= 1


def test_a_flip_starts_anew_at_the_price_it_was_made() -> None:
    long = Holding("BTC", Decimal(2), entry=Decimal(100), opened_ms=1)

    short = apply(long, Delta("BTC", 9, 1, Decimal(-3), Decimal(110), taker=True))

    assert (short.size, short.entry, short.opened_ms) == (Decimal(-1), Decimal(110), 9)


def test_reducing_keeps_the_entry_and_forgets_what_was_computed_at_the_old_size() -> None:
    long = Holding(
        "BTC",
        Decimal(2),
        entry=Decimal(100),
        leverage=Decimal(10),
        notional=Decimal(220),
        liquidation_price=Decimal(91),
    )

    less = apply(long, Delta("BTC", 9, 1, Decimal(-1), Decimal(110), taker=True))

    assert (less.entry, less.leverage) == (Decimal(100), Decimal(10))
    assert (less.notional, less.liquidation_price) == (None, None)


def test_a_closed_position_is_plainly_zero() -> None:
    closed = apply(
        Holding("BTC", Decimal("0.10")),
        Delta("BTC", 9, 1, Decimal("-0.100"), Decimal(1), taker=True),
    )

    assert str(closed.size) == "0"


def test_a_trade_with_oneself_changes_nobody() -> None:
    trade = Trade("BTC", Decimal(1), Decimal(1), 1, 1, "0xa", "0xa", buyer_is_taker=True)

    assert list(deltas(trade)) == []


def test_the_aggressor_is_the_taker_on_both_sides() -> None:
    trade = Trade("BTC", Decimal(1), Decimal(2), 1, 1, "0xa", "0xb", buyer_is_taker=False)

    (buyer, bought), (seller, sold) = deltas(trade)

    assert (buyer, bought.signed, bought.taker) == ("0xa", Decimal(2), False)
    assert (seller, sold.signed, sold.taker) == ("0xb", Decimal(-2), True)
