import itertools
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from shared_events.journal import Tick
from shared_events.payloads import Regime, Signal
from shared_events.testing.factories import NOON, an_address
from signal_system.domain.rules import Rules
from signal_system.fold import Fold, FoldConfig, Issued
from signal_system.ml.band import Band
from signal_system.testing.day import Record
from signal_system.testing.events import book, candle, member, price, profile, status

HOUR = 3_600
LONGS = [
    status(),
    *(member(n) for n in range(1, 5)),
    price("BTC", 100),
    *(book(n, 1, {"BTC": 1}) for n in range(1, 5)),
]


class World:
    """A fold that remembers what it issued."""

    def __init__(self, *records: Record, **rules: object) -> None:
        band = Band(interval="1h", window=2, width=0.01)
        self.fold = Fold(FoldConfig(rules=Rules.model_validate(rules), baseline=band))
        self.hear(*records)

    def hear(self, *records: Record) -> list[Signal]:
        issued = []
        for record in records:
            issued += self.fold.apply(self.fold.position + 1, record)
        self.issued = [event.data for event in issued]
        return [fact for fact in self.issued if isinstance(fact, Signal)]

    def asked(self, coin: str = "BTC", horizon: int = 4 * HOUR) -> Signal:
        decision = self.fold.processor.decision(coin)
        assert decision is not None
        signals = self.fold.processor.signals(decision, self.fold.position)
        return next(signal for signal in signals if signal.horizon_seconds == horizon)


def tick(second: float) -> Tick:
    return Tick(NOON + timedelta(seconds=second))


def test_a_changed_action_is_issued_at_once_over_every_horizon() -> None:
    world = World(*LONGS)

    issued = world.hear(*(book(n, 2, {"BTC": -1}, 1) for n in range(1, 5)))

    assert [signal.action for signal in issued][-3:] == ["SELL"] * 3
    assert [signal.horizon_seconds for signal in issued[-3:]] == [HOUR, 4 * HOUR, 24 * HOUR]
    assert issued[-1].valid_until == issued[-1].as_of + timedelta(days=1)


def test_a_change_that_leaves_the_action_alone_is_not_issued() -> None:
    world = World(*LONGS)

    assert world.hear(book(1, 2, {"BTC": 2}, 1)) == []


def test_an_unchanged_coin_is_issued_once_a_grid_in_event_time() -> None:
    world = World(*LONGS)

    issued = [
        signal for second in range(1, 181) for signal in world.hear(status(second), tick(second))
    ]

    four_hours = [signal.as_of for signal in issued if signal.horizon_seconds == 4 * HOUR]
    assert len(four_hours) == 3
    assert {after - before for before, after in itertools.pairwise(four_hours)} == {
        timedelta(seconds=60)
    }


def test_when_the_source_falls_silent_every_opinion_ends_without_waiting_for_the_grid() -> None:
    world = World(*LONGS)

    issued = world.hear(tick(31))

    assert {signal.action for signal in issued} == {"NEUTRAL"}
    assert [gate.name for gate in issued[0].gates if not gate.passed] == ["source"]
    assert issued[0].status == "STALE"


def test_a_neutral_coin_keeps_its_score() -> None:
    world = World(*LONGS[1:])

    signal = world.asked()

    assert (signal.action, signal.score) == ("NEUTRAL", 0.5)


def test_a_coin_without_voters_is_not_issued_but_can_be_asked_for() -> None:
    world = World(status())

    assert world.hear(price("BTC", 100), tick(100)) == []
    assert (world.asked().voters, world.asked().action) == (0, "NEUTRAL")


def test_exposures_are_weighted_and_in_usd_at_the_reference_price() -> None:
    world = World(*LONGS, member(4, 50, 1), book(4, 2, {"BTC": -1}, 2), price("BTC", 200, 3))

    signal = world.asked()

    assert signal.long_exposure == Decimal("600.00")
    assert signal.short_exposure == Decimal("100.00")
    assert signal.net_exposure == Decimal("500.00")
    assert (signal.reference_price, signal.reference_price_at) == (
        Decimal(200),
        NOON + timedelta(seconds=3),
    )


def test_the_change_of_net_exposure_is_that_since_the_document_before() -> None:
    world = World(*LONGS)
    [*_, before] = world.hear(tick(29), status(29), tick(61))

    [*_, after] = world.hear(book(1, 2, {"BTC": 3}, 62), status(90), tick(121))

    assert (before.net_exposure, after.net_exposure) == (Decimal("400.00"), Decimal("600.00"))
    assert after.net_exposure_change == Decimal("200.00")


def test_contributions_name_the_largest_of_both_sides_by_what_would_be_missing() -> None:
    sizes = {1: 9, 2: 7, 3: 5, 4: 3, 5: 2, 6: 1, 7: -4}
    world = World(
        status(),
        price("BTC", 10),
        *(member(n, 50) for n in sizes),
        *(book(n, 1, {"BTC": size}) for n, size in sizes.items()),
    )

    signal = world.asked()

    supporting, opposing = signal.contributions_for, signal.contributions_against
    assert [each.address for each in supporting] == [an_address(n) for n in (1, 2, 3, 4, 5)]
    assert [(each.address, each.exposure) for each in opposing] == [
        (an_address(7), Decimal("-40.00"))
    ]
    assert supporting[0].weight == 0.5
    assert supporting[0].dimensions == {"score": 0.5}
    without_the_first = (7 + 5 + 3 + 2 + 1 - 4) / (7 + 5 + 3 + 2 + 1 + 4)
    assert supporting[0].effect == pytest.approx(0.5 * (23 / 31 - without_the_first))
    assert opposing[0].effect < 0 < supporting[0].effect


def test_a_family_is_one_contribution() -> None:
    world = World(*LONGS, profile(2, 1, master=1))

    signal = world.asked()

    assert signal.voters == 3
    assert (signal.contributions_for[-1].address, signal.contributions_for[0].exposure) == (
        an_address(3),
        Decimal("200.00"),
    )


def test_what_it_costs_to_flip_is_unknown_where_money_would_not_do() -> None:
    world = World(*LONGS)
    assert world.asked().cost_to_flip_usd == Decimal(
        "295.66"
    )  # (1 - 0.15) x 400 / 1.15, rounded up

    world.hear(tick(31))

    assert world.asked().cost_to_flip_usd is None


def test_confidence_is_the_share_of_past_windows_in_which_the_action_paid() -> None:
    closes = [100, 101, 102, 100, 101, 102, 103]
    candles = [candle("BTC", hour - 7, close, second=0) for hour, close in enumerate(closes)]
    world = World(*LONGS, *candles)

    hourly = world.asked(horizon=HOUR)

    assert hourly.confidence == pytest.approx((5 + 1) / (6 + 3))
    assert not hourly.calibrated


def test_a_regime_that_turns_is_told_and_stated() -> None:
    world = World(*LONGS)

    world.hear(candle("BTC", -2, 100, second=1), candle("BTC", -1, 110, second=1))

    [alive, turned] = [fact for fact in world.issued if isinstance(fact, Regime)]
    assert (alive.state, alive.previous) == ("unknown", None)
    assert (turned.scope, turned.state, turned.previous) == ("market", "bull", "unknown")
    assert turned.at == NOON
    regime = world.asked().regime
    assert regime is not None
    assert (regime.state, regime.scope) == ("bull", "market")
    assert world.asked().models.regime == "ma-band-2-1.0"


def test_a_corrected_bar_that_ends_in_another_regime_is_another_fact() -> None:
    fold, told = World().fold, list[Issued]()
    closes = [(-3, 100), (-2, 100), (-1, 110), (-1, 90), (-1, 110)]

    for position, (hour, close) in enumerate(closes):
        told += fold.apply(position, candle("BTC", hour, close, second=position))

    turns = [each for each in told if each.data.previous is not None]
    assert [(each.data.state, each.data.at) for each in turns] == [
        ("bull", NOON),
        ("bear", NOON),
        ("bull", NOON),
    ]
    assert len({each.id for each in turns}) == 3


def test_the_events_of_one_recorded_instant_are_simultaneous() -> None:
    recording: dict[str, Any] = {"recording": True, "cadence_seconds": 600.0}
    world = World(status(**recording), *LONGS[1:])
    assert world.issued == []

    issued = world.hear(status(600, **recording))

    assert [signal.action for signal in issued] == ["BUY"] * 3
    assert {signal.as_of for signal in issued} == {NOON}


@pytest.mark.parametrize("second", [0, 1])
def test_the_last_instant_of_a_recording_is_decided_when_live_data_follow(second: int) -> None:
    recording: dict[str, Any] = {"recording": True, "cadence_seconds": 600.0}
    world = World(status(**recording), *LONGS[1:])

    issued = world.hear(status(second), tick(2))

    assert [signal.coin for signal in issued][:3] == ["BTC"] * 3


def test_a_recording_after_live_data_is_decided_in_its_own_time() -> None:
    world = World(*LONGS)
    world.hear(tick(86_400))

    issued = world.hear(
        status(0, recording=True, cadence_seconds=600.0),
        price("BTC", 100, 0.5),
        *(book(n, 2, {"BTC": -1}, 1) for n in range(1, 5)),
        status(600, recording=True, cadence_seconds=600.0),
    )

    assert (issued[-1].as_of, issued[-1].action) == (NOON + timedelta(seconds=1), "SELL")


def test_horizons_differ_where_a_typical_move_pays_for_the_longer_one_alone() -> None:
    candles = [candle("BTC", hour - 40, 100 + 0.05 * hour) for hour in range(40)]
    world = World(*candles, *LONGS)

    actions = {horizon: world.asked(horizon=horizon).action for horizon in (HOUR, 24 * HOUR)}
    gates = {gate.name: gate for gate in world.asked(horizon=HOUR).gates}

    assert actions == {HOUR: "NEUTRAL", 24 * HOUR: "BUY"}
    assert not gates["costs"].passed
    assert gates["costs"].reason == "assumed: spread and funding unknown"
    assert gates["costs"].value == pytest.approx(0.0005, rel=0.1)


def test_what_following_it_earned_at_the_base_rate_is_stated_where_every_cost_is_known() -> None:
    candles = [candle("BTC", hour - 40, 100 + 0.5 * hour) for hour in range(40)]
    known = {"impact_bid": Decimal("99.98"), "impact_ask": Decimal("100.02"), "funding": Decimal(0)}
    world = World(*candles, *LONGS, price("BTC", 100, 1, **known))

    told = world.asked(horizon=HOUR).expected_value_after_costs

    assert told is not None
    assert told == pytest.approx(0.0046 - 0.0013, abs=0.0003)


def hours_of_signals(hours: int) -> list[Record]:
    """Return records in which everybody stays long of a coin that rises by one in a hundred an hour."""
    longs, mark = list[Record](LONGS), 100.0
    for hour in range(1, hours + 1):
        mark *= 1.01
        for minute in range(2):
            at = hour * HOUR + 60 * minute
            longs += [
                status(at),
                price("BTC", round(mark, 2), at),
                book(1, hour * 2 + minute + 2, {"BTC": 1}, at),
            ]
    return longs


def test_confidence_is_the_base_rate_until_enough_independent_outcomes_taught_how_far_to_trust() -> (
    None
):
    before = World(*hours_of_signals(4), min_independent_outcomes=8).asked(horizon=HOUR)
    after = World(*hours_of_signals(12), min_independent_outcomes=8).asked(horizon=HOUR)

    assert (before.calibrated, before.models.calibration) == (False, None)
    assert before.probabilities == before.base_rates
    assert after.calibrated
    assert after.models.calibration is not None
    assert after.models.calibration.startswith("temperature-3600s-")
    assert after.probabilities is not None
    assert after.base_rates is not None
    assert after.probabilities.up > after.base_rates.up
    assert after.confidence == after.probabilities.flat  # most books are stale by then
