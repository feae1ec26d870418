from random import Random

import pytest
from hypothesis import given, settings, strategies as st
from msgspec import msgpack

from signal_system.ml.features.bar import Bar
from signal_system.ml.features.feed import BarKey, FeatureFeed, FeedSnapshot, Told, told
from signal_system.ml.features.regime import EwVolatility
from signal_system.ml.features.registry import smart_money
from signal_system.ml.features.spec import FeatureSpec, SpecMismatchError
from signal_system.ml.features.volume import VolumeLevel, Vpin
from signal_system.testing.events import Event, book, candle, flow, member, price

SMALL = FeatureSpec("small", "1h", (EwVolatility(4), VolumeLevel(5), Vpin(4)), 12, 6, 4)
SPECS = (SMALL, smart_money("1h"))
COINS = ("BTC", "ETH")


def a_stream(seed: int, hours: int = 40) -> list[Event]:
    """A market with everything that goes wrong: gaps, corrections, late bars, unseen trades."""
    random = Random(seed)
    events, sequence = [member(trader, 60) for trader in (1, 2, 3)], 0
    for hour in range(hours):
        for coin in COINS:
            second = hour * 3600 + random.randint(0, 3000)
            close = random.randint(90, 110)
            sequence += 1
            events.append(
                book(random.randint(1, 3), sequence, {coin: random.randint(-9, 9)}, second)
            )
            events.append(price(coin, close, second))
            if random.random() < 0.8:
                events.append(flow(coin, second, random.random(), random.random()))
            events.append(candle(coin, hour, close, second + 1, closed=False))
            closed = (hour + 1) * 3600 + random.choice((0, 1, 9_000))
            if random.random() < 0.95:
                events.append(candle(coin, hour, close, closed))
            if random.random() < 0.1:
                events.append(candle(coin, hour, close + 1, closed + 4_000, revision=1))
    return sorted(events, key=lambda event: event.recorded_at)


def plain(rows: list[Told]) -> list[tuple[str, str, int, int, bytes]]:
    return [
        (spec.name, coin, row.event_ms, row.available_ms, row.values.tobytes())
        for spec, coin, row in rows
    ]


def restored(feed: FeatureFeed) -> FeatureFeed:
    """Return another feed, made of what a snapshot and the kept bars hold."""
    fresh = FeatureFeed(SPECS)
    fresh.restore(msgpack.decode(msgpack.encode(feed.snapshot()), type=FeedSnapshot))
    for coin in COINS:
        fresh.load(coin, "1h", feed.bars(coin, "1h"))
    return fresh


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), cuts=st.lists(st.integers(0, 300), max_size=4))
def test_a_stream_with_kills_in_the_middle_gives_the_same_rows(seed: int, cuts: list[int]) -> None:
    events, feed, rows = a_stream(seed), FeatureFeed(SPECS), list[Told]()
    for number, event in enumerate(events):
        if number in cuts:
            feed = restored(feed)
        rows += feed.apply(event)

    assert plain(rows) == plain(list(told(SPECS, events)))
    assert {spec.name for spec, _, _ in rows} == {"small", "smart_money"}


def test_no_row_is_available_before_its_bar_closed_or_before_it_was_recorded() -> None:
    feed = FeatureFeed(SPECS)

    for event in a_stream(1):
        for _, _, row in feed.apply(event):
            assert row.event_ms <= row.available_ms
            assert row.available_ms == event.recorded_at.timestamp() * 1000


def test_the_forming_bar_gives_what_its_close_would() -> None:
    events = [candle("BTC", hour, 100 + hour % 7) for hour in range(30)]
    feed = FeatureFeed([SMALL])
    for event in events:
        feed.apply(event)
    assert feed.now(SMALL, "BTC") is None

    feed.apply(candle("BTC", 30, 103, 30 * 3600 + 5, closed=False))
    seen = feed.now(SMALL, "BTC")
    (row,) = feed.apply(candle("BTC", 30, 103))

    assert seen is not None
    assert seen.tobytes() == row.row.values.tobytes()
    assert feed.now(SMALL, "ETH") is None


def test_bars_kept_one_by_one_are_those_that_values_follow_from() -> None:
    kept: dict[BarKey, Bar] = {}
    feed = FeatureFeed(SPECS, kept.__setitem__)

    for event in a_stream(3):
        feed.apply(event)

    for coin in COINS:
        oldest = feed.oldest_ms(coin, "1h")
        bars = [kept[key] for key in sorted(kept) if key.coin == coin and key.open_ms >= oldest]
        assert tuple(bars) == feed.bars(coin, "1h")


def test_opening_a_block_comes_in_pieces_between_which_nothing_is_known() -> None:
    """A state is opened feature by feature, so that the service can answer in between."""
    feed = FeatureFeed([SMALL])
    events = iter(candle("BTC", hour, 100 + hour % 7) for hour in range(40))
    pieces = 0
    for event in events:
        if len(feed.bars("BTC", "1h")) and feed.series[SMALL.hash]["BTC"].values is not None:
            break
        feed.apply(event)

    for event in events:
        for row in feed.steps(event):
            if row is None:
                pieces += 1
                assert feed.series[SMALL.hash]["BTC"].values is None
                assert feed.now(SMALL, "BTC") is None

    assert pieces >= 2 * len(SMALL.features)


def test_a_snapshot_of_other_specs_is_refused() -> None:
    with pytest.raises(SpecMismatchError, match="fold the journal anew"):
        FeatureFeed(SPECS).restore(FeatureFeed([SMALL]).snapshot())
