"""The rules that join a state and the trades around it, whatever the two servers do."""

from dataclasses import dataclass
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, strategies as st

from market_scraper.positions.anchors import WINDOW_MS, Account, Doubt, State
from market_scraper.positions.ledger import Delta, Holding
from market_scraper.positions.reconciliation import reconcile

TRADER = "0x" + "a" * 40
FAR = 10 * WINDOW_MS


def traded(ms: int, signed: int, coin: str = "BTC") -> Delta:
    return Delta(coin, ms, tid=ms, signed=Decimal(signed), price=Decimal(100), taker=True)


def stated(ms: int, **sizes: int) -> State:
    held = {coin: Holding(coin, Decimal(size)) for coin, size in sizes.items() if size}
    return State(ms, Decimal(1000), held)


def anchored(ms: int = 100_000, **sizes: int) -> Account:
    account = Account(TRADER, since_ms=0)
    reconcile(account, stated(ms, **sizes))
    return account


def sizes(account: Account) -> dict[str, int]:
    return {coin: int(held.size) for coin, held in account.holdings.items()}


def test_before_the_first_state_nothing_is_known() -> None:
    account = Account(TRADER, since_ms=0)

    assert account.take(traded(5, 1)) is None
    assert not account.anchored
    assert account.quality("BTC") == "unknown"


def test_trades_after_the_state_are_added_and_those_before_are_in_it() -> None:
    account = Account(TRADER, since_ms=0)
    account.take(traded(100_000 - FAR, 3))
    account.take(traded(100_000 + FAR, 5))

    verdict = reconcile(account, stated(100_000, BTC=10))

    assert (verdict.outcome, verdict.again) == ("anchored", False)
    assert sizes(account) == {"BTC": 15}
    assert account.quality("BTC") == "derived"


traders_day = st.lists(
    st.tuples(
        st.integers(1, 700), st.integers(-5, 5).filter(bool), st.sampled_from(("BTC", "ETH"))
    ),
    max_size=8,
)


@given(traders_day, st.randoms(use_true_random=False), st.integers(0, 700))
def test_the_order_in_which_trades_arrive_makes_no_difference(
    told: list[tuple[int, int, str]], random: Random, state_at: int
) -> None:
    """Trades of several connections, and what a subscription replays, come in any order."""
    trades = [traded(100_000 + at * FAR, size, coin) for at, size, coin in told]
    state_ms = 100_000 + state_at * FAR + FAR // 2
    in_order, mixed = Account(TRADER, since_ms=0), Account(TRADER, since_ms=0)

    for delta in sorted(trades, key=lambda trade: trade.ms):
        in_order.take(delta)
    for delta in random.sample(trades, len(trades)):
        mixed.take(delta)

    assert reconcile(mixed, stated(state_ms, BTC=10)) == reconcile(
        in_order, stated(state_ms, BTC=10)
    )
    assert sizes(mixed) == sizes(in_order)
    then = state_ms + WINDOW_MS
    assert all(
        mixed.sizes_near(coin, then) == in_order.sizes_near(coin, then) for coin in ("BTC", "ETH")
    )


def test_an_old_trade_that_a_subscription_replays_hides_none_of_the_newer_ones() -> None:
    account = Account(TRADER, since_ms=0)
    account.take(traded(100_000 + FAR, 5))
    account.take(traded(100_000 - 3 * FAR, 1, "FARTCOIN"))

    reconcile(account, stated(100_000, BTC=10))

    assert sizes(account) == {"BTC": 15}


@pytest.mark.parametrize("distance", [-WINDOW_MS, -1, 0, 1, WINDOW_MS])
def test_a_trade_close_to_the_state_leaves_a_doubt_that_asks_for_another(distance: int) -> None:
    account = Account(TRADER, since_ms=0)
    account.take(traded(100_000 + distance, 5))

    verdict = reconcile(account, stated(100_000, BTC=10))

    assert verdict.again
    assert account.doubts == {"BTC": Doubt.AMBIGUOUS}
    assert account.quality("BTC") == "suspect"


@pytest.mark.parametrize(("truth", "outcome"), [(15, "settled"), (10, "repaired")])
def test_the_next_state_settles_the_doubt_either_way(truth: int, outcome: str) -> None:
    account = Account(TRADER, since_ms=0)
    account.take(traded(100_001, 5))
    reconcile(account, stated(100_000, BTC=10))

    verdict = reconcile(account, stated(100_000 + FAR, BTC=truth))

    assert verdict.outcome == outcome
    assert sizes(account) == {"BTC": truth}
    assert not account.doubts


def test_a_trade_that_arrives_late_but_is_older_than_the_anchor_is_not_counted_twice() -> None:
    account = anchored(BTC=10)

    assert account.take(traded(100_000 - FAR, 3)) is None
    assert sizes(account) == {"BTC": 10}


def test_a_state_older_than_what_was_seen_is_of_no_use() -> None:
    account = Account(TRADER, since_ms=100_000)

    verdict = reconcile(account, stated(99_999, BTC=10))

    assert (verdict.outcome, verdict.again) == ("unusable", True)
    assert not account.anchored


def test_a_first_disagreement_raises_a_doubt_and_a_second_one_a_repair() -> None:
    account = anchored(BTC=10)

    first = reconcile(account, stated(200_000, BTC=7))
    between = sizes(account)
    second = reconcile(account, stated(300_000, BTC=7))

    assert (first.outcome, first.again, between) == ("doubted", True, {"BTC": 10})
    assert (second.outcome, second.again, sizes(account)) == ("repaired", False, {"BTC": 7})
    [move] = second.moves
    assert (int(move.before), int(move.after), move.cause) == (10, 7, "poll")


def test_one_state_that_was_behind_changes_nothing() -> None:
    account = anchored(BTC=10)
    account.take(traded(150_000, 5))

    wrong = reconcile(account, stated(200_000, BTC=10))
    right = reconcile(account, stated(300_000, BTC=15))

    assert (wrong.outcome, right.outcome) == ("doubted", "settled")
    assert sizes(account) == {"BTC": 15}
    assert not account.doubts


def test_a_position_is_compared_as_of_the_time_of_the_state() -> None:
    account = anchored(BTC=10)
    account.take(traded(150_000, 5))
    account.take(traded(250_000, -15))

    verdict = reconcile(account, stated(200_000, BTC=15))

    assert verdict.outcome == "agreed"
    assert sizes(account) == {}


def test_a_state_within_the_clocks_difference_of_a_trade_agrees_on_either_side_of_it() -> None:
    for said in (10, 15):
        account = anchored(BTC=10)
        account.take(traded(200_000, 5))

        verdict = reconcile(account, stated(200_000 + WINDOW_MS // 2, BTC=said))

        assert verdict.outcome == "agreed"
        assert sizes(account) == {"BTC": 15}


def test_a_vanished_position_is_found_by_the_audit() -> None:
    account = anchored(BTC=10, ETH=2)

    reconcile(account, stated(200_000, ETH=2))
    verdict = reconcile(account, stated(300_000, ETH=2))

    assert verdict.outcome == "repaired"
    assert sizes(account) == {"ETH": 2}


def test_a_gap_is_closed_only_by_a_state_from_after_it() -> None:
    account = anchored(BTC=10)
    account.missed("BTC", until_ms=250_000)

    before = reconcile(account, stated(200_000, BTC=10))
    after = reconcile(account, stated(300_000, BTC=4))

    assert (before.outcome, before.again) == ("agreed", True)
    assert (after.outcome, after.again) == ("repaired", False)
    assert sizes(account) == {"BTC": 4}


def test_agreement_brings_what_trades_cannot_tell() -> None:
    account = anchored(BTC=10)
    held = Holding("BTC", Decimal(10), leverage=Decimal(25), liquidation_price=Decimal(7))

    reconcile(account, State(200_000, Decimal(2000), {"BTC": held}))

    assert account.holdings["BTC"].leverage == 25
    assert account.holdings["BTC"].liquidation_price == 7
    assert account.account_value == 2000
    assert account.account_value_ms == 200_000


@dataclass(frozen=True)
class History:
    """Trades with the delay each arrives with, and when states were taken and arrived."""

    trades: list[tuple[Delta, int]]
    polls: list[tuple[int, int]]


@st.composite
def histories(draw: st.DrawFn) -> History:
    times = draw(st.lists(st.integers(1, 60_000), max_size=30, unique=True))
    coins = st.sampled_from(["BTC", "ETH"])
    signed = st.integers(-5, 5).filter(bool)
    delays = st.integers(0, 800)
    trades = [(traded(ms, draw(signed), draw(coins)), draw(delays)) for ms in sorted(times)]
    polls = draw(st.lists(st.tuples(st.integers(1, 60_000), delays), min_size=1, max_size=6))
    return History(trades, sorted(polls))


@given(history=histories())
def test_whatever_the_delays_the_book_ends_right_once_states_come_in_quiet(
    history: History,
) -> None:
    def truth(ms: int) -> State:
        total: dict[str, int] = {}
        for delta, _ in history.trades:
            if delta.ms <= ms:
                total[delta.coin] = total.get(delta.coin, 0) + int(delta.signed)
        return stated(ms, **total)

    arrivals: list[tuple[int, int, Delta | State]] = [
        (delta.ms + delay, 0, delta) for delta, delay in history.trades
    ]
    arrivals += [(ms + delay, 1, truth(ms)) for ms, delay in history.polls]
    account = Account(TRADER, since_ms=0)
    for _, _, what in sorted(arrivals, key=lambda arrival: arrival[:2]):
        if isinstance(what, State):
            reconcile(account, what)
        else:
            account.take(what)

    for ms in (100_000, 110_000, 120_000):
        reconcile(account, truth(ms))

    expected = {coin: int(held.size) for coin, held in truth(120_000).holdings.items()}
    assert sizes(account) == expected
    assert account.doubts == {}


@given(history=histories())
def test_a_size_nobody_doubts_is_right_when_trades_are_not_late(history: History) -> None:
    account = Account(TRADER, since_ms=0)
    total: dict[str, int] = {}
    polls = [ms for ms, _ in history.polls]
    for ms in range(0, 61_000, 1_000):
        for delta, _ in history.trades:
            if ms <= delta.ms < ms + 1_000:
                account.take(delta)
                total[delta.coin] = total.get(delta.coin, 0) + int(delta.signed)
        if any(ms <= poll < ms + 1_000 for poll in polls):
            reconcile(account, stated(ms + 999, **total))

    if account.anchored:
        for coin in ("BTC", "ETH"):
            if coin not in account.doubts:
                assert account.size(coin) == total.get(coin, 0)
