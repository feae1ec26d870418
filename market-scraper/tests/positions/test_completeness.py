"""Missed trades show in the venue's candles; late, corrected and half-seen minutes prove nothing."""

from decimal import Decimal
from random import Random

from hypothesis import given, strategies as st

from market_scraper.positions.completeness import MINUTE_MS, SETTLE_MS, Completeness, Count
from market_scraper.positions.ledger import Trade

NOON = 1_000 * MINUTE_MS
BEFORE = NOON - 1
OVER = NOON + MINUTE_MS + SETTLE_MS


def trade(ms: int, size: int = 1, *, itself: bool = False) -> Trade:
    seller = "a" if itself else "b"
    return Trade("BTC", Decimal(100), Decimal(size), ms, ms, "a", seller, buyer_is_taker=True)


def count(trades: int, volume: int | None = None) -> Count:
    return Count(trades, Decimal(trades if volume is None else volume))


def watching() -> Completeness:
    completeness = Completeness()
    completeness.told("BTC", NOON - MINUTE_MS, count(7), BEFORE)
    return completeness


def test_a_minute_that_lacks_trades_is_named_once_and_only_when_it_is_over() -> None:
    completeness = watching()
    completeness.saw("BTC", [trade(NOON), trade(NOON + 1)], None)

    assert completeness.told("BTC", NOON, count(3), NOON + 10) == []
    assert completeness.told("BTC", NOON + MINUTE_MS, count(1), OVER - 1) == []
    assert completeness.told("BTC", NOON + MINUTE_MS, count(1), OVER) == [NOON]
    assert completeness.told("BTC", NOON, count(3), OVER + 1) == []


def test_trades_with_oneself_count_and_so_does_the_volume() -> None:
    completeness = watching()
    completeness.saw("BTC", [trade(NOON, itself=True), trade(NOON + 1, 5)], None)

    assert completeness.told("BTC", NOON, count(2, 6), OVER) == []
    assert completeness.told("BTC", NOON, count(2, 7), OVER) == [NOON]


def test_a_candle_that_is_behind_or_old_proves_nothing_and_one_that_is_corrected_is_compared_again() -> (
    None
):
    completeness = watching()
    completeness.saw("BTC", [trade(NOON), trade(NOON + 1)], None)

    assert completeness.told("BTC", NOON, count(1), OVER) == []
    assert completeness.told("BTC", NOON, count(2), OVER) == []
    assert completeness.told("BTC", NOON, count(3), OVER) == [NOON]
    assert completeness.told("BTC", NOON, count(1), OVER) == []


def test_a_minute_that_was_not_seen_from_its_beginning_is_not_compared() -> None:
    fresh = Completeness()
    fresh.told("BTC", NOON, count(3), NOON + 1)
    after_a_gap = watching()
    after_a_gap.saw("BTC", [trade(NOON + 30)], NOON + 30)

    assert fresh.told("BTC", NOON, count(9), OVER) == []
    assert after_a_gap.told("BTC", NOON, count(9), OVER) == []


@given(
    times=st.lists(st.integers(0, 5 * MINUTE_MS - 1), max_size=40),
    missed=st.sets(st.integers(0, 39)),
    random=st.randoms(use_true_random=False),
)
def test_exactly_the_minutes_that_lack_trades_are_found(
    times: list[int], missed: set[int], random: Random
) -> None:
    completeness, trades = watching(), [trade(NOON + ms) for ms in times]
    seen = [each for number, each in enumerate(trades) if number not in missed]
    random.shuffle(seen)
    completeness.saw("BTC", seen, None)
    minutes = [NOON + number * MINUTE_MS for number in range(5)]
    end = minutes[-1] + MINUTE_MS + SETTLE_MS

    found: list[int] = []
    for minute in minutes:
        own = [each for each in trades if minute <= each.ms < minute + MINUTE_MS]
        found += completeness.told("BTC", minute, count(len(own)), end)

    lacking = {trades[n].ms // MINUTE_MS * MINUTE_MS for n in missed if n < len(trades)}
    assert found == sorted(lacking)
