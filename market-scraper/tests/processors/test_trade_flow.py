from decimal import Decimal

from hypothesis import given, strategies as st

from market_scraper.positions.ledger import Trade
from market_scraper.processors.trade_flow import FlowBars
from shared_events.testing.factories import an_address

ALICE, BOB, CAROL = an_address(1), an_address(2), an_address(3)


def trade(ms: int, size: str = "1", *, buys: bool = True, buyer: str = ALICE) -> Trade:
    return Trade("BTC", Decimal(100), Decimal(size), ms, 1, buyer, BOB, buys)


def test_a_second_is_told_when_it_is_over() -> None:
    bars = FlowBars()
    bars.take(trade(1_500, "2"), {ALICE})
    bars.take(trade(1_900, "1", buys=False, buyer=CAROL), {ALICE})
    assert list(bars.over()) == []

    bars.take(trade(4_100), {ALICE})
    [bar] = bars.over()

    assert (bar.trades, bar.buy_volume, bar.sell_volume) == (2, Decimal(2), Decimal(1))
    assert bar.vwap == 100
    assert bar.tracked_share == Decimal("0.666667")


def test_a_second_that_was_told_is_not_told_again() -> None:
    bars = FlowBars()
    for ms in (1_500, 9_000):
        bars.take(trade(ms), ())
    list(bars.over())

    bars.take(trade(1_600), ())

    assert [bar.second.timestamp() for bar in bars.rest()] == [9]


@given(times=st.lists(st.integers(0, 100_000), max_size=50))
def test_every_trade_in_order_is_counted_once(times: list[int]) -> None:
    bars, told = FlowBars(), 0
    for ms in sorted(times):
        bars.take(trade(ms), ())
        told += sum(bar.trades for bar in bars.over())

    assert told + sum(bar.trades for bar in bars.rest()) == len(times)
