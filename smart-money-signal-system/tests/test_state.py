from collections import defaultdict
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from msgspec import json

from shared_events.journal import Tick
from shared_events.payloads import SnapshotPart
from shared_events.testing.factories import NOON, an_address
from signal_system.domain.exposure import Exposure
from signal_system.domain.rules import Rules
from signal_system.ml.band import Band
from signal_system.state import MAX_STRANGERS, State, StateSnapshot
from signal_system.testing.day import day
from signal_system.testing.events import Event, book, candle, member, price, profile, status, told
from signal_system.weighting_engine import TraderWeightingEngine, WeightingConfig

seeds = st.integers(0, 10_000)


def a_state() -> State:
    band = Band(interval="1h", window=3, width=0.01)
    return State(TraderWeightingEngine(WeightingConfig()), Rules(), band)


def after(records: list[Any]) -> State:
    state = a_state()
    for record in records:
        state.apply(record)
    return state


def from_scratch(state: State) -> dict[str, Exposure]:
    """Add up every stake anew from the books, weights and families that the state holds."""
    stakes: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for address, trader in state.traders.items():
        weight = state.voices.weights[address] if trader.tracked else 0
        for coin, held in trader.book.items():
            stakes[coin][state.voices.families.head(address)] += weight * held.voice
    exposures = {}
    for coin, of_coin in stakes.items():
        exposures[coin] = Exposure()
        for entity, stake in of_coin.items():
            exposures[coin].shift(entity, stake)
    return {coin: each for coin, each in exposures.items() if each.gross}


def sums(exposures: dict[str, Exposure]) -> dict[str, Any]:
    return {
        coin: (each.long, each.short, each.squares, dict(sorted(each.stakes.items())))
        for coin, each in exposures.items()
        if each.gross
    }


@settings(deadline=None)
@given(seeds)
def test_exposures_are_what_adding_up_everything_from_scratch_gives_after_any_events(
    seed: int,
) -> None:
    state = a_state()

    for record in day(seed):
        state.apply(record)

    assert sums(state.voices.coins) == sums(from_scratch(state))


@settings(deadline=None)
@given(seeds, st.randoms(use_true_random=False))
def test_streams_may_be_interleaved_in_any_way_and_repeated_without_a_difference(
    seed: int, random: Random
) -> None:
    events = [record for record in day(seed) if not isinstance(record, Tick)]
    by_type: defaultdict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_type[event.type] += [event] * random.choice((1, 1, 2))

    streams, mixed = list(by_type.values()), []
    while streams:
        stream = random.choice(streams)
        mixed.append(stream.pop(0))
        streams = [each for each in streams if each]

    assert after(mixed).digest() == after(events).digest()


@settings(deadline=None)
@given(seeds, st.randoms(use_true_random=False))
def test_books_may_arrive_in_any_order(seed: int, random: Random) -> None:
    events = [record for record in day(seed) if not isinstance(record, Tick)]
    books = [event for event in events if event.type == "trader_positions"]
    others = [event for event in events if event.type != "trader_positions"]

    shuffled = random.sample(books, len(books))

    assert after(others + shuffled).digest() == after(others + books).digest()


@settings(deadline=None)
@given(seeds, st.integers(0, 100))
def test_a_snapshot_goes_on_as_if_nothing_had_happened(seed: int, cut: int) -> None:
    records = day(seed)
    before, resumed = after(records[:cut]), a_state()

    resumed.restore(json.decode(json.encode(before.snapshot()), type=StateSnapshot))

    for record in records[cut:]:
        assert before.apply(record) == resumed.apply(record)
        assert before.circumstances() == resumed.circumstances()
    assert before.digest() == resumed.digest()
    assert sums(before.voices.coins) == sums(resumed.voices.coins)


def test_a_sub_account_votes_as_its_master_and_what_they_hold_against_each_other_cancels() -> None:
    state = after([member(1), member(2), book(1, 1, {"BTC": 5}), book(2, 1, {"BTC": -2})])
    assert state.voices.coins["BTC"].voters == 2

    state.apply(profile(2, master=1))

    assert state.voices.coins["BTC"].stakes == {an_address(1): 3 * 10**14}


def test_a_child_that_only_its_master_knows_of_is_merged_and_let_go_again() -> None:
    state = after([member(1), member(2), book(1, 1, {"BTC": 5}), book(2, 1, {"BTC": 2})])

    state.apply(profile(1, 1, children=(an_address(2),)))
    assert state.voices.coins["BTC"].voters == 1
    assert state.voices.size_of(an_address(1), "BTC") == 7 * 10**8

    state.apply(profile(1, 2))
    assert state.voices.coins["BTC"].voters == 2


@pytest.mark.parametrize("second", [0.5, 5])
def test_a_profile_that_knows_no_role_parts_no_family(second: float) -> None:
    """A scraper that lost its database publishes such profiles for hours."""
    state = after([member(1), member(2), book(1, 1, {"BTC": 5}), book(2, 1, {"BTC": -2})])

    state.apply(profile(2, second, role=None))
    state.apply(profile(2, 1, master=1))
    state.apply(profile(2, 6, role=None))

    assert state.voices.coins["BTC"].voters == 1


def test_merging_before_the_books_are_known_leads_to_the_same() -> None:
    events = [member(1), member(2), book(1, 1, {"BTC": 5}), book(2, 1, {"BTC": 2})]

    early = after([profile(2, master=1), *events])
    late = after([*events, profile(2, master=1)])

    assert sums(early.voices.coins) == sums(late.voices.coins)


def test_a_new_score_reweighs_what_is_held_already() -> None:
    state = after([member(1, 100), book(1, 1, {"BTC": 5})])

    effect = state.apply(member(1, 40, second=1))

    assert set(effect.coins) == {"BTC"}
    assert state.voices.coins["BTC"].long == 2 * 10**14


def test_a_trader_without_a_score_has_half_a_voice() -> None:
    assert after([member(1, None)]).voices.weights[an_address(1)] == 500_000


def test_who_is_no_longer_tracked_has_no_voice_but_is_remembered() -> None:
    state = after([member(1), book(1, 1, {"BTC": 5}), member(1, second=1, tracked=False)])
    assert state.voices.coins["BTC"].gross == 0

    state.apply(member(1, second=2))

    assert state.voices.coins["BTC"].gross == 5 * 10**14


def test_an_older_word_of_the_roster_changes_nothing() -> None:
    state = after([member(1, 80, second=5), member(1, 20, second=1)])

    assert state.voices.weights[an_address(1)] == 800_000
    assert state.ignored == 1


def test_a_whole_roster_drops_whoever_it_does_not_name() -> None:
    def part(trader: int, index: int) -> Event:
        named = SnapshotPart(id="s", index=index, total=2)
        return member(trader, second=10, snapshot=named)

    state = after([member(1), member(2), member(3), part(2, 0)])
    assert len(list(state.tracked())) == 3

    state.apply(part(3, 1))

    assert {trader.address for trader in state.tracked()} == {an_address(2), an_address(3)}


def test_who_joined_after_a_roster_was_written_stays() -> None:
    only = SnapshotPart(id="s", index=0, total=1)

    state = after([member(1, second=20), member(2, second=10, snapshot=only)])

    assert len(list(state.tracked())) == 2


def test_coverage_follows_the_clock_of_the_events() -> None:
    state = after([member(1, 100), member(2, 50), book(1, 1, {"BTC": 1}), status()])
    seen = state.circumstances()
    assert seen is not None
    assert seen.coverage == pytest.approx(2 / 3)

    state.apply(Tick(NOON + timedelta(seconds=1_801)))

    seen = state.circumstances()
    assert seen is not None
    assert (seen.coverage, seen.data_age) == (0.0, 1_801.0)


def test_a_size_nobody_knows_is_neither_flat_nor_a_voice_nor_coverage() -> None:
    unknown = book(1, 2, {"BTC": 3}, 5, full=False, quality="unknown")
    state = after([member(1), book(1, 1, {"BTC": 1, "ETH": 1}), unknown])

    assert state.voices.coins["BTC"].voters == 0
    assert state.voices.size_of(an_address(1), "BTC") is None
    assert state.voices.size_of(an_address(1), "ETH") == 10**8
    assert share_and_age(state) == (0.0, 5.0)

    state.apply(book(1, 3, {"BTC": 4}, 6, full=False))

    assert state.voices.coins["BTC"].voters == 1
    assert share_and_age(state) == (1.0, 0.0)


def test_a_trader_whose_whole_book_was_never_told_is_not_covered_by_a_part_of_it() -> None:
    state = after([member(1), book(1, 7, {"BTC": 1}, 5, full=False)])
    assert share_and_age(state) == (0.0, None)

    state.apply(book(1, 6, {"ETH": 1}, 6))

    assert share_and_age(state) == (1.0, 0.0)


def test_what_strangers_hold_is_no_news_until_they_are_tracked() -> None:
    state = after([member(1), book(1, 1, {"BTC": 1}), book(2, 1, {"BTC": 1}, 50), status(60)])
    assert share_and_age(state) == (1.0, 60.0)

    state.apply(member(2, second=60))

    assert share_and_age(state) == (1.0, 10.0)


def share_and_age(state: State) -> tuple[float | None, float | None]:
    seen = state.circumstances()
    assert seen is not None
    return seen.coverage, seen.data_age


def test_a_recording_declares_how_far_apart_its_snapshots_are() -> None:
    state = after([status(recording=True, cadence_seconds=12_600)])

    seen = state.circumstances()

    assert seen is not None
    assert seen.freshness_limit == 25_200


def test_a_recording_brings_its_own_time_however_long_ago() -> None:
    state = after([Tick(NOON + timedelta(days=300)), status(recording=True)])

    assert state.now == NOON


def test_a_book_from_the_future_is_no_fresher_than_the_moment_we_heard_of_it() -> None:
    event = book(1, 1, {"BTC": 1}, second=9_999)
    early = told(event.data, 0)

    state = after([member(1), early])

    assert state.traders[an_address(1)].verified_at == NOON


def test_a_word_from_the_future_does_not_outlast_later_ones() -> None:
    stray = told(member(1, 10, second=9_999).data, 0)
    family = told(profile(1, second=9_999, master=2).data, 0)

    state = after([stray, family, member(1, 80, second=5), profile(1, second=5)])

    assert state.voices.weights[an_address(1)] == 800_000
    assert state.voices.families.head(an_address(1)) == an_address(1)


def test_a_coin_that_is_no_longer_listed_has_no_price() -> None:
    last = price("BTC", 2).data.model_copy(update={"delisted": True})

    assert after([told(last)]).markets["BTC"].mark is None


def test_a_price_nothing_can_have_is_no_price() -> None:
    state = after([price("BTC", "1E+40"), price("ETH", 0), price("SOL", None)])

    assert [state.markets[coin].mark for coin in ("BTC", "ETH", "SOL")] == [None, None, None]


def test_an_older_price_does_not_replace_a_newer_one() -> None:
    state = after([price("BTC", 2, second=5), price("BTC", 1, second=1)])

    assert str(state.markets["BTC"].mark) == "2"


def test_an_open_candle_says_nothing() -> None:
    state = after([candle("BTC", 0, 100, closed=False)])

    assert not state.prices.moves
    assert not state.regimes.scopes


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(candle("BTC", 5, 200, second=3_600), id="not over when it was recorded"),
        pytest.param(candle("BTC", 50_000, 200, second=3_600), id="far ahead"),
        pytest.param(candle("BTC", -0.5, 200, second=3_600), id="off the grid"),
        pytest.param(
            candle("BTC", -1, 200, second=3_600, close_time=NOON - timedelta(minutes=30)),
            id="shorter than its interval",
        ),
    ],
)
def test_a_candle_that_cannot_be_final_yet_says_nothing(said: Event) -> None:
    closes = [candle("BTC", hour, 100 + hour, second=3_600) for hour in range(-4, 1)]

    assert after([said, *closes]).digest() == after(closes).digest()


def test_addresses_that_nobody_tracks_are_forgotten_before_memory_runs_out() -> None:
    state = after([member(0), book(0, 1, {"BTC": 1})])

    for stranger in range(1, MAX_STRANGERS + 50):
        state.apply(book(stranger, 1, {"BTC": 1}))

    assert len(state.traders) == MAX_STRANGERS + 1
    assert an_address(0) in state.traders


def test_markets_of_another_venue_are_no_coins_of_ours() -> None:
    state = after([price("BTC", 100, 0), price("xyz:GOLD", 10, 1)])
    before = set(state.markets)

    told_of = [
        state.apply(price("binance:BTCUSDT", 100, 2)),
        state.apply(candle("binance:BTCUSDT", 0, 100)),
    ]

    assert all(not effect.coins and effect.quote is None for effect in told_of)
    assert set(state.markets) == before == {"BTC", "xyz:GOLD"}
