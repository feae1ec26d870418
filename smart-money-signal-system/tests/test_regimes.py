from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from msgspec import json

from shared_events.codec import encode
from shared_events.journal import Tick
from shared_events.payloads import Regime, Signal
from shared_events.testing.factories import NOON
from signal_system.domain.rules import Rules
from signal_system.fold import Fold, FoldConfig, FoldSnapshot, Issued
from signal_system.ml.band import Band
from signal_system.testing.events import Event, book, candle, member, price, status
from signal_system.testing.regimes import HOUR_MS, a_model_change, cycles

HOUR = timedelta(hours=1)
HOURS = 1_400
CONFIG = FoldConfig(rules=Rules(min_voters=1), baseline=Band(interval="1h", window=24, width=0.02))
Records = Sequence[Event | Tick]


def candles(coin: str = "BTC", hours: int = HOURS) -> list[Event]:
    """Return hourly candles that end at noon, heard one by one as they close."""
    start = NOON - hours * HOUR
    told = cycles(hours, start=start)
    first = told[0][0]
    return [
        candle(coin, (opened - first) / HOUR_MS - hours, round(close, 4)) for opened, close in told
    ]


MARKET = candles()


def at(hours: float) -> datetime:
    """Return the moment so many hours before noon, between two candles."""
    return NOON - hours * HOUR + timedelta(minutes=30)


def folded(records: Records, fold: Fold | None = None) -> tuple[Fold, list[Issued]]:
    fold = fold or Fold(CONFIG)
    first = fold.position + 1
    return fold, [e for n, record in enumerate(records, first) for e in fold.apply(n, record)]


def regimes(issued: Sequence[Issued]) -> list[Regime]:
    return [event.data for event in issued if isinstance(event.data, Regime)]


def test_without_a_model_the_band_speaks_for_the_market_and_every_coin() -> None:
    fold, issued = folded(MARKET[:100])

    found = fold.state.regimes.of("SOL")
    assert found is not None
    assert (found.scope, found.version) == ("market", "ma-band-24-2.0")
    assert {fact.model_version for fact in regimes(issued)} == {"ma-band-24-2.0"}
    assert fold.state.regimes.scopes == ["market"]


def test_a_model_speaks_as_soon_as_it_is_adopted_from_the_bars_that_were_kept() -> None:
    fold, _ = folded(MARKET)

    _, [told] = folded([a_model_change(NOON)], fold)

    found = fold.state.regimes.of("BTC")
    assert found is not None
    assert (found.standing.state, found.version) == ("bull", "v1")
    assert told.data.model_version == "v1"
    assert sum(told.data.probabilities.values()) == pytest.approx(1)
    assert fold.state.regimes.versions == {"regime-BTC": "v1"}


def test_it_is_unknown_until_it_is_warmed_up() -> None:
    fold, issued = folded([*MARKET[:300], a_model_change(at(HOURS - 300)), *MARKET[300:400]])

    assert {fact.state for fact in regimes(issued) if fact.model_version == "v1"} == {"unknown"}
    assert fold.state.regimes.of("BTC") is None
    assert fold.state.regimes.version("BTC") == "v1"


def test_every_closed_bar_is_told_as_a_turn_or_as_a_sign_of_life() -> None:
    _, issued = folded([*MARKET[:600], a_model_change(at(HOURS - 600)), *MARKET[600:]])

    facts = [fact for fact in regimes(issued) if fact.model_version == "v1"][1:]
    assert [fact.at for fact in facts] == [NOON - n * HOUR for n in range(HOURS - 601, -1, -1)]
    before = facts[0]
    for fact in facts[1:]:
        assert fact.previous == (before.state if fact.state != before.state else None)
        assert fact.age_bars == (0 if fact.previous else before.age_bars + 1)
        before = fact
    assert sum(fact.previous is not None for fact in facts) > 3


def test_history_that_is_loaded_at_once_tells_its_turns_and_no_more() -> None:
    late = [
        candle(each.data.coin, n - HOURS, each.data.close, second=0)
        for n, each in enumerate(MARKET)
    ]

    _, issued = folded(late)

    old = [fact for fact in regimes(issued) if fact.at < NOON - 2 * HOUR]
    assert len(old) > 10
    assert all(fact.previous for fact in old)


def test_a_coins_own_model_speaks_for_it_alone_and_the_market_until_it_knows() -> None:
    eth = candles("ETH", 800)
    fold, _ = folded([*MARKET, a_model_change(NOON), a_model_change(NOON, "e1", coin="ETH")])
    assert [fold.state.regimes.version(coin) for coin in ("ETH", "SOL")] == ["v1", "v1"]

    folded(eth, fold)

    found = fold.state.regimes.of("ETH")
    assert found is not None
    assert (found.scope, found.version) == ("ETH", "e1")
    assert fold.state.regimes.version("SOL") == "v1"
    assert fold.state.regimes.scopes == ["market", "ETH"]


def test_an_expired_model_is_dropped_and_it_is_said_why() -> None:
    change = a_model_change(at(200), expires_at=at(100))
    fold, issued = folded([*MARKET[:-200], change, *MARKET[-200:]])

    last = regimes(issued)[-1]
    assert last.model_version == "ma-band-24-2.0"
    assert last.degraded is not None
    assert last.degraded.startswith("regime-BTC v1 expired on 2025-12-28")
    assert all(f.model_version == "v1" for f in regimes(issued) if at(199) < f.at < at(101))
    assert fold.state.regimes.degraded == {"regime-BTC": last.degraded}


def test_time_alone_expires_it_too() -> None:
    change = a_model_change(NOON, expires_at=NOON + HOUR)
    fold, _ = folded([*MARKET, change])

    _, [told] = folded([Tick(NOON + HOUR)], fold)

    assert told.data.model_version == "ma-band-24-2.0"
    assert "expired" in told.data.degraded


@pytest.mark.parametrize("content", [None, "{}", "not json", '{"kind":"regime-jump"}'])
def test_a_model_that_this_build_cannot_read_leaves_the_baseline_and_says_so(
    content: str | None,
) -> None:
    fold, [told] = folded([a_model_change(NOON, content=content)], folded(MARKET)[0])

    assert told.data.model_version == "ma-band-24-2.0"
    assert "cannot be read" in told.data.degraded
    assert fold.state.regimes.versions == {}


def test_rolled_back_to_nothing_the_baseline_speaks_again() -> None:
    fold, _ = folded([*MARKET, a_model_change(NOON), a_model_change(NOON + HOUR, None)])

    assert fold.state.regimes.version("BTC") == "ma-band-24-2.0"
    assert fold.state.regimes.degraded == {}


def test_a_model_of_anything_else_is_no_business_of_the_regime() -> None:
    change = a_model_change(NOON)
    other = change.data.model_copy(update={"name": "classifier-BTC"})

    fold, issued = folded([*MARKET[:50], type(change)(**{**_fields(change), "data": other})])

    assert fold.state.regimes.versions == {}
    assert all(fact.model_version.startswith("ma-band") for fact in regimes(issued))


def test_a_signal_states_the_model_that_told_its_regime_and_how_surely() -> None:
    crowd = [status(), *(member(n) for n in (1, 2)), price("BTC", 100)]
    votes = [book(n, 1, {"BTC": 1}) for n in (1, 2)]
    fold, issued = folded([*MARKET, a_model_change(NOON), *crowd, *votes])

    signals = [event.data for event in issued if isinstance(event.data, Signal)]
    assert signals
    regime = signals[-1].regime
    assert regime is not None
    assert (regime.state, regime.scope) == ("bull", "market")
    assert regime.probability == pytest.approx(
        fold.state.regimes.of("BTC").standing.probability  # type: ignore[union-attr]  # just seen
    )
    assert signals[-1].models.regime == "v1"


@pytest.mark.parametrize("cuts", [(5,), (700, 1_399), (1_000, 1_001, 1_100, 1_399, 1_402)])
def test_with_models_that_come_and_go_a_replay_cut_anywhere_gives_the_same_bytes(
    cuts: tuple[int, ...],
) -> None:
    records: list[Event | Tick] = [
        *MARKET[:1_000],
        a_model_change(at(400)),
        *MARKET[1_000:1_100],
        a_model_change(at(300), "v2", expires_at=at(100)),
        *MARKET[1_100:],
        a_model_change(NOON, "v3"),
        candle("BTC", -3, 90, second=60),
        *candles("ETH", 30),
    ]

    whole, issued = folded(records)
    fold, again = Fold(CONFIG), list[Issued]()
    for position, record in enumerate(records):
        again += fold.apply(position, record)
        if position in cuts:
            saved = json.decode(fold.snapshot(), type=FoldSnapshot)
            fold = Fold(CONFIG)
            fold.restore(saved)

    assert [encode(event) for event in again] == [encode(event) for event in issued]
    assert fold.state.digest() == whole.state.digest()
    assert {fact.model_version for fact in regimes(issued)} == {"ma-band-24-2.0", "v1", "v2", "v3"}


def _fields(event: Event) -> dict[str, object]:
    return {name: getattr(event, name) for name in event.__struct_fields__}
