from decimal import Decimal

import pytest
from msgspec import msgpack

from shared_events.payloads import PositionChange
from shared_events.payloads.market import Interval
from shared_events.testing.factories import NOON, an_address
from signal_system.ml.features.assembler import Assembler, Sample
from signal_system.ml.features.bar import Bar
from signal_system.ml.features.positioning import Context, Stance
from signal_system.testing.events import (
    Event,
    book,
    candle,
    flow,
    member,
    price,
    status,
    told,
)

HOUR = 3_600
INTERVALS: tuple[Interval, ...] = ("1h",)
OPEN_MS = int(NOON.timestamp() * 1000)


def fed(*events: Event) -> tuple[Assembler, list[Sample]]:
    assembler = Assembler(INTERVALS)
    samples = [sample for event in events if (sample := assembler.apply(event))]
    return assembler, samples


def bars(*events: Event) -> list[Bar]:
    return [sample.bar for sample in fed(*events)[1]]


def traded(trader: int, sequence: int, before: float, after: float, second: float) -> Event:
    event = book(trader, sequence, {"BTC": after}, second, full=False)
    change = PositionChange(
        coin="BTC",
        kind="increase",
        size_before=Decimal(str(before)),
        size_after=Decimal(str(after)),
        cause="trade",
    )
    return told(
        type(event.data)(
            address=an_address(trader),
            sequence=sequence,
            as_of=event.time,
            full=False,
            positions=event.data.positions,
            changes=(change,),
        ),
        second,
    )


def test_a_closed_candle_is_a_bar_that_was_learned_when_it_was_recorded() -> None:
    (sample,) = fed(candle("BTC", 0, 100, HOUR + 2, volume=Decimal(7)))[1]

    assert (sample.coin, sample.interval) == ("BTC", "1h")
    assert sample.bar.open_ms == OPEN_MS
    assert (sample.bar.close, sample.bar.volume) == (100.0, 7.0)
    assert sample.bar.available_ms == OPEN_MS + (HOUR + 2) * 1000


def test_candles_of_other_intervals_and_broken_ones_make_no_bar() -> None:
    broken = candle("BTC", 0, 100, close_time=NOON)

    assert bars(candle("BTC", 0, 100, interval="4h"), broken) == []


def test_the_seconds_of_a_bar_add_up_to_its_flow() -> None:
    (first, second, third) = bars(
        flow("BTC", 0, 2, 1),
        flow("BTC", HOUR - 1, 3, 0),
        flow("ETH", 0, 50, 50),
        candle("BTC", 0, 100, HOUR + 4, volume=Decimal(6)),
        flow("BTC", HOUR, 0, 4),
        candle("BTC", 1, 100, 2 * HOUR + 1, volume=Decimal(8)),
        candle("BTC", 2, 100, 3 * HOUR + 1),
    )

    assert (first.buy_volume, first.sell_volume) == (5.0, 1.0)
    assert first.flow(0.95) == (5.0, 1.0)
    assert (second.buy_volume, second.sell_volume, second.flow(0.95)) == (0.0, 4.0, None)
    assert (third.buy_volume, third.flow(0.95)) == (None, None)


def test_a_second_out_of_the_future_or_the_deep_past_is_not_counted() -> None:
    old = flow("BTC", -9 * HOUR, 1, 1)
    ahead = told(flow("BTC", 50 * HOUR, 9, 9).data, 5)

    told_bars = bars(
        *(flow("BTC", -n * HOUR, 1, 1) for n in (2, 1, 0)),
        old,
        ahead,
        *(candle("BTC", -n, 100, HOUR, volume=Decimal(2)) for n in (9, 2, 1, 0)),
    )

    assert [bar.flow(1.0) for bar in told_bars] == [None, (1.0, 1.0), (1.0, 1.0), (1.0, 1.0)]


def test_the_roster_is_sampled_when_the_bar_is_learned() -> None:
    (bar,) = bars(
        member(1, 70),
        member(2, 40),
        member(3, 50),
        member(4, 50, tracked=False),
        book(1, 1, {"BTC": 3, "ETH": 9}, 10),
        book(2, 1, {"BTC": -1}, 20),
        book(4, 1, {"BTC": 100}, 30),
        candle("BTC", 0, 100, HOUR + 1),
        book(2, 2, {"BTC": -50}, HOUR + 2),
    )

    assert bar.positioning is not None
    assert (bar.positioning.tracked, bar.positioning.known) == (3, 2)
    assert bar.positioning.stance("all") == Stance(2.0, 4.0, 1, 1)
    assert bar.positioning.stance("proven") == Stance(3.0, 3.0, 1, 0)


def test_a_book_that_is_old_or_unknown_in_part_does_not_count() -> None:
    (bar,) = bars(
        *(member(trader) for trader in (1, 2, 3, 4)),
        book(1, 1, {"BTC": 1}, -7_000),
        book(2, 1, {"BTC": 1}, 10),
        book(3, 1, {"BTC": 1}, 10),
        book(3, 2, {"BTC": 1}, 11, full=False, quality="unknown"),
        book(4, 1, {}, 10),
        candle("BTC", 0, 100, HOUR),
    )

    assert bar.positioning is not None
    assert bar.positioning.known == 2
    assert bar.positioning.stance("all") == Stance(1.0, 1.0, 1, 0)


def test_a_recording_may_be_as_old_as_twice_its_cadence() -> None:
    (bar,) = bars(
        status(-20_000, recording=True, cadence_seconds=15_000),
        member(1),
        book(1, 1, {"BTC": 1}, -20_000),
        candle("BTC", 0, 100, HOUR),
    )

    assert bar.positioning is not None
    assert bar.positioning.known == 1


def test_what_was_traded_counts_from_the_bar_before() -> None:
    told_bars = bars(
        member(1),
        book(1, 1, {"BTC": 10}),
        candle("BTC", -1, 100, 1),
        traded(1, 2, 10, 13, 10),
        traded(1, 3, 13, 12, 20),
        traded(1, 3, 13, 12, 21),
        candle("BTC", 0, 100, HOUR),
        candle("BTC", 2, 100, 3 * HOUR),
        candle("BTC", 3, 100, 4 * HOUR),
    )

    assert [bar.positioning and bar.positioning.traded for bar in told_bars] == [
        None,
        4.0,
        None,
        0.0,
    ]


def test_what_somebody_traded_who_is_not_on_the_roster_does_not_count() -> None:
    _, bar = bars(
        member(1),
        book(1, 1, {"BTC": 10}),
        book(2, 1, {"BTC": 10}),
        candle("BTC", -1, 100, 1),
        traded(2, 2, 10, 13, 10),
        candle("BTC", 0, 100, HOUR),
    )

    assert bar.positioning is not None
    assert bar.positioning.traded == 0.0


def test_a_candle_that_is_learned_long_after_knows_neither_crowd_nor_context() -> None:
    late, prompt = bars(
        member(1),
        book(1, 1, {"BTC": 1}),
        price("BTC", 100, funding=Decimal("0.0001"), open_interest=Decimal(5)),
        candle("BTC", -2, 100, 1),
        candle("BTC", -1, 100, 1),
    )

    assert (late.positioning, late.context) == (None, None)
    assert prompt.positioning is not None
    assert prompt.context == Context(0.0001, 5.0)


def test_a_context_is_the_newest_and_not_older_than_an_hour() -> None:
    fresh, stale = bars(
        price("BTC", 100, 60, open_interest=Decimal(5)),
        told(price("BTC", 100, 30, open_interest=Decimal(4)).data, 90),
        candle("BTC", 0, 100, HOUR),
        candle("BTC", 1, 100, 2 * HOUR),
    )

    assert fresh.context == Context(None, 5.0)
    assert stale.context is None


def test_the_forming_bar_has_the_flow_so_far_and_ends_with_its_close() -> None:
    forming = candle("BTC", 0, 100, 30, closed=False, volume=Decimal(4))
    assembler, samples = fed(forming, flow("BTC", 40, 3, 1))

    seen = assembler.forming("BTC", "1h")

    assert samples == []
    assert seen is not None
    assert (seen.close, seen.buy_volume, seen.sell_volume) == (100.0, 3.0, 1.0)
    assembler.apply(candle("BTC", 0, 100, HOUR))
    assert assembler.forming("BTC", "1h") is None


def test_an_assembler_goes_on_from_what_was_kept_of_it() -> None:
    events = [
        member(1),
        book(1, 1, {"BTC": 10}),
        candle("BTC", -1, 100, 1),
        price("BTC", 100, 5, open_interest=Decimal(5)),
        flow("BTC", 6, 3, 1),
        traded(1, 2, 10, 13, 10),
        candle("BTC", 0, 100, HOUR, volume=Decimal(4)),
    ]
    for cut in range(len(events)):
        assembler, samples = fed(*events[:cut])
        again = msgpack.decode(msgpack.encode(assembler), type=Assembler)

        samples += [sample for event in events[cut:] if (sample := again.apply(event))]

        assert samples == fed(*events)[1]


@pytest.mark.parametrize("account", [2_000_000, None])
def test_a_whale_is_told_by_what_its_account_is_worth(account: int | None) -> None:
    event = book(1, 1, {"BTC": 1})
    data = type(event.data)(
        address=an_address(1),
        sequence=1,
        as_of=NOON,
        full=True,
        positions=event.data.positions,
        account_value=None if account is None else Decimal(account),
    )

    (bar,) = bars(member(1), told(data), candle("BTC", 0, 100, HOUR))

    assert bar.positioning is not None
    whales = bar.positioning.stance("whales")
    assert whales is not None
    assert whales.longs == (0 if account is None else 1)
