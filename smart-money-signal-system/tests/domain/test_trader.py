from itertools import permutations
from random import Random
from typing import get_args

import pytest
from hypothesis import given, strategies as st

from shared_events.payloads import Quality, TraderPositions
from shared_events.testing.factories import an_address
from signal_system.domain.trader import Trader
from signal_system.testing.events import book

sizes = st.dictionaries(st.sampled_from(("BTC", "ETH", "SOL")), st.integers(-3, 3), max_size=3)
news = st.lists(st.tuples(sizes, st.booleans()), min_size=1, max_size=6)


def events_of(told: list[tuple[dict[str, int], bool]]) -> list[TraderPositions]:
    return [
        book(1, sequence, dict(held), full=full).data for sequence, (held, full) in enumerate(told)
    ]


def open_sizes(events: list[TraderPositions]) -> dict[str, int]:
    trader = Trader(address=an_address())
    for event in events:
        trader.hear(event, event.as_of)
    return {coin: held.size // 10**8 for coin, held in trader.book.items() if held.size}


def truth(told: list[tuple[dict[str, int], bool]]) -> dict[str, int]:
    known: dict[str, int] = {}
    for held, full in told:
        known = {**({} if full else known), **held}
    return {coin: size for coin, size in known.items() if size}


@given(news, st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_leads_to_the_book_the_sequences_tell(
    told: list[tuple[dict[str, int], bool]], random: Random
) -> None:
    events = events_of(told)

    arrived = random.sample(events * 2, 2 * len(events))

    assert open_sizes(arrived) == truth(told)


def test_a_partial_book_that_comes_late_fills_in_the_coins_that_nothing_newer_spoke_of() -> None:
    told = [({"BTC": 1}, True), ({"BTC": 2, "ETH": 5}, False), ({"BTC": 3}, False)]

    for order in permutations(events_of(told)):
        assert open_sizes(list(order)) == {"BTC": 3, "ETH": 5}


def test_a_repeated_book_is_no_news() -> None:
    trader, event = Trader(address=an_address()), book(1, 4, {"BTC": 1}).data

    assert trader.hear(event, event.as_of) is not None
    assert trader.hear(event, event.as_of) is None


def test_a_position_of_unknown_size_has_no_say() -> None:
    event = book(1, 1, {"BTC": "1E+40"}).data

    assert open_sizes([event]) == {}


qualities = st.sampled_from(get_args(Quality))


@given(st.lists(st.tuples(sizes, st.booleans(), qualities), max_size=6), st.randoms())
def test_a_book_is_known_if_a_whole_one_was_told_and_no_size_in_it_is_unknown(
    told: list[tuple[dict[str, int], bool, Quality]], random: Random
) -> None:
    trader, known = Trader(address=an_address()), dict[str, bool]()
    for held, full, quality in told:
        known = {**({} if full else known), **dict.fromkeys(held, quality != "unknown")}
    events = [
        book(1, sequence, held, full=full, quality=quality).data
        for sequence, (held, full, quality) in enumerate(told)
    ]

    for event in random.sample(events, len(events)):
        trader.hear(event, event.as_of)

    says_a_size = any(not held or quality != "unknown" for held, _, quality in told)
    is_known = any(full for _, full, _ in told) and all(known.values())
    assert (trader.verified_at is not None) <= is_known
    assert is_known <= (trader.verified_at is not None or not says_a_size)
    unknown = {coin for coin, held in trader.book.items() if held.size is None}
    assert unknown == {coin for coin in known if not known[coin]}


@pytest.mark.parametrize("quality", ["anchored", "derived", "suspect"])
def test_a_moved_size_names_what_it_was_and_what_it_is(quality: Quality) -> None:
    trader = Trader(address=an_address())
    first = book(1, 1, {"BTC": 1, "ETH": 2}, quality=quality).data
    then = book(1, 2, {"BTC": -1}, quality=quality).data

    trader.hear(first, first.as_of)

    assert trader.hear(then, then.as_of) == [("BTC", 10**8, -(10**8)), ("ETH", 2 * 10**8, 0)]
