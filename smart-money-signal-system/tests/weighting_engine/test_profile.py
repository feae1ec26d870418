from random import Random

import pytest
from hypothesis import given, strategies as st
from msgspec import json

from signal_system.weighting_engine import EngineSnapshot, TraderWeightingEngine, WeightingConfig
from signal_system.weighting_engine.copyability import DELAYS, Copyability
from signal_system.weighting_engine.profile import profile
from signal_system.weighting_engine.rules import EvidenceRules, PaperRules, SkillRules

BAR = 14_400.0
CONFIG = WeightingConfig(
    scheme="skill-v1",
    paper=PaperRules(one_way_cost=0.0),
    evidence=EvidenceRules(least_bars=10, least_episodes=0),
    skill=SkillRules(least_voters=5, least_evidence=0.0),
)


def an_engine(bars: int = 120, voters: int = 20) -> TraderWeightingEngine:
    """Return an engine that has seen voters of whom the first half knows what comes."""
    engine, random = TraderWeightingEngine(CONFIG), Random(5)
    prices = dict.fromkeys("ABC", 100.0)
    moves = [{coin: random.gauss(0, 0.02) for coin in prices} for _ in range(bars + 3)]
    for bar in range(bars):
        begin = (1_000 + bar) * BAR
        _pass(engine, begin)
        for voter in range(voters):
            number = engine.enrol(f"0x{voter}", tracked=True)
            assert number is not None
            for coin, price in prices.items():
                known = sum(each[coin] for each in moves[bar : bar + 3]) if voter < 2 else 0.0
                side = 1 if known + random.gauss(0, 0.03) > 0 else -1
                engine.follow(number, coin, side * 10 / price, 100.0, side)
        for second, share in ((61.0, 0.0), (BAR - 60, 1.0)):
            _pass(engine, begin + second)
            for coin, price in prices.items():
                engine.hear(coin, price * (1 + share * moves[bar][coin]), begin + second)
        prices = {coin: price * (1 + moves[bar][coin]) for coin, price in prices.items()}
    _pass(engine, engine.bar_ends_at)
    return engine


def _pass(engine: TraderWeightingEngine, now: float) -> None:
    engine.pass_to(now)
    if now >= engine.bar_ends_at:
        for _ in engine.weigh_anew():
            pass


@pytest.fixture(scope="module")
def engine() -> TraderWeightingEngine:
    return an_engine()


def test_a_skilled_trader_is_told_with_its_interval_evidence_and_history(
    engine: TraderWeightingEngine,
) -> None:
    told = profile(engine, "0x0")

    assert told is not None
    assert told.skill is not None
    assert told.skill.ratio.low < told.skill.ratio.mean < told.skill.ratio.high
    assert told.skill.probability > 0.8
    assert told.record.bars > 100
    assert told.record.error is not None
    assert told.weight == told.history[-1].weight
    assert [each.at for each in told.history] == sorted(each.at for each in told.history)
    assert {each.because for each in told.history} <= {"performance", "size", "recency", "scheme"}
    assert told.dimensions["performance"] > 0.5


def test_of_a_newcomer_nothing_is_claimed_and_the_roster_speaks_for_it() -> None:
    fresh = an_engine(bars=3)
    fresh.enrol("0xnew", tracked=True)

    told = profile(fresh, "0xnew")

    assert told is not None
    assert (told.skill, told.weight, told.history, told.tags) == (None, 0.5, (), ())
    assert (told.record.ratio, told.record.error) == (None, None)
    assert all(each.basis_points is None for each in told.copyability)


def test_a_stranger_has_no_profile(engine: TraderWeightingEngine) -> None:
    assert profile(engine, "0xnobody") is None


def test_a_profile_is_the_same_after_a_restart(engine: TraderWeightingEngine) -> None:
    resumed = TraderWeightingEngine(CONFIG)

    resumed.restore(json.decode(json.encode(engine.snapshot()), type=EngineSnapshot))

    assert profile(resumed, "0x0") == profile(engine, "0x0")
    assert profile(resumed, "0x7") == profile(engine, "0x7")


def moved(side: int, *prices: tuple[float, float]) -> list[tuple[float, float] | None]:
    """Return the curve after one move at 100, with the prices that followed."""
    means = Copyability()
    voter = means.open()
    means.hear("BTC", 100.0, 0.0)
    means.move(voter, "BTC", side, 0.0)
    means.settle()
    for at, price in prices:
        means.hear("BTC", price, at)
        means.settle()
    return means.curve(voter)


@given(st.lists(st.floats(50, 200), min_size=5, max_size=5))
def test_waiting_costs_a_buyer_what_it_saves_a_seller(prices: list[float]) -> None:
    path = list(zip(DELAYS, prices, strict=True))

    buyer, seller = moved(1, *path), moved(-1, *path)

    for bought, sold in zip(buyer, seller, strict=True):
        assert bought is not None
        assert sold is not None
        assert bought[0] == pytest.approx(-sold[0])


def test_a_price_that_comes_too_late_tells_nothing_of_a_short_delay() -> None:
    assert [each is None for each in moved(1, (100.0, 101.0))] == [True, True, True, False, True]
    assert moved(1, (3_600.0, 101.0)) == [None] * 5
