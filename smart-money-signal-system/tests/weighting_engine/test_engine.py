"""The engine as a whole, in a small market where some of the voters know what will happen."""

from dataclasses import dataclass, field
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from msgspec import json

from signal_system.weighting_engine import EngineSnapshot, TraderWeightingEngine, WeightingConfig
from signal_system.weighting_engine.contest import ACCOUNTS
from signal_system.weighting_engine.rules import EvidenceRules, PaperRules, SkillRules
from signal_system.weighting_engine.schemes import COMBINED, SCHEMES

BAR = 14_400
AHEAD = 4
COINS = ("BTC", "ETH", "SOL")
CONFIG = WeightingConfig(
    scheme="skill-unique-v1",
    paper=PaperRules(one_way_cost=0.0),
    evidence=EvidenceRules(least_bars=10, least_episodes=0),
    skill=SkillRules(least_voters=5, least_evidence=0.0),  # so few can prove next to nothing
)


@dataclass
class Market:
    """Prices that move at random, voters of whom the first ones half see the next bars coming."""

    seed: int
    voters: int = 24
    skilled: int = 3
    copies: int = 0
    leverage: float = 1.0
    bars: int = 80
    prices: dict[str, float] = field(default_factory=lambda: dict.fromkeys(COINS, 100.0))

    def play(self, engine: TraderWeightingEngine, first: int = 0, last: int | None = None) -> None:
        """Let `engine` see the bars from `first` to `last`; earlier ones happen unseen."""
        random = Random(self.seed)
        moves = [{coin: random.gauss(0, 0.02) for coin in COINS} for _ in range(self.bars + AHEAD)]
        self.prices = dict.fromkeys(COINS, 100.0)
        for bar in range(self.bars):
            views = [{coin: random.gauss(0, 0.04) for coin in COINS} for _ in range(self.voters)]
            for view in views[: self.skilled]:
                for coin in COINS:
                    view[coin] += sum(each[coin] for each in moves[bar : bar + AHEAD])
            if first <= bar < (self.bars if last is None else last):
                self._bar(engine, bar, moves[bar], views)
            self.prices = {coin: self.prices[coin] * (1 + moves[bar][coin]) for coin in COINS}

    def _bar(
        self,
        engine: TraderWeightingEngine,
        bar: int,
        moves: dict[str, float],
        views: list[dict[str, float]],
    ) -> None:
        begin, size = 1_000_000 * BAR + bar * BAR, 10 * self.leverage
        passed(engine, begin)
        for voter in range(self.voters + self.copies):
            number = engine.enrol(f"0x{voter:02x}", tracked=True)
            assert number is not None
            of = voter if voter < self.voters else 0
            for coin in COINS:
                side = 1 if views[of][coin] > 0 else -1
                engine.follow(number, coin, side * size / self.prices[coin], 100.0, side)
        for second, fraction in ((61, 0.0), (BAR - 60, 1.0)):
            passed(engine, begin + second)
            for coin in COINS:
                engine.hear(coin, self.prices[coin] * (1 + fraction * moves[coin]), begin + second)


def passed(engine: TraderWeightingEngine, now: float) -> None:
    engine.pass_to(now)
    if now >= engine.bar_ends_at:
        for _ in engine.weigh_anew():
            pass


def weights(engine: TraderWeightingEngine) -> dict[str, int]:
    return {name: engine.ppm(name, None) for name in engine.roll.names}


def played(market: Market, config: WeightingConfig = CONFIG) -> TraderWeightingEngine:
    engine = TraderWeightingEngine(config)
    market.play(engine)
    return engine


def test_those_who_know_are_heard_and_the_others_hardly() -> None:
    engine = played(Market(seed=1, bars=200))

    found = weights(engine)
    known, others = list(found.values())[:3], list(found.values())[3:]

    assert min(known) > 500_000
    assert sum(others) < sum(known)
    assert sum(weight > 0 for weight in others) <= 3
    assert engine.contest.hedge.weights[3] > 1.5 * engine.contest.hedge.weights[0]


def test_before_anybody_can_be_judged_everybody_has_the_voice_that_the_roster_gives() -> None:
    assert set(weights(played(Market(seed=1, bars=5))).values()) == {500_000}


@pytest.mark.parametrize("scheme", [*SCHEMES, COMBINED])
def test_every_weight_is_at_most_a_full_voice_and_caps_hold(scheme: str) -> None:
    engine = played(Market(seed=2), CONFIG.model_copy(update={"scheme": scheme}))

    found = np.array(list(weights(engine).values()))

    assert ((found >= 0) & (found <= 10**6)).all()
    if scheme in SCHEMES and SCHEMES[scheme].learns and found.any():
        assert found.max() / found.sum() <= max(0.05, 1 / (found > 0).sum()) * 1.000_1


def test_whoever_left_the_roster_has_no_weight_and_stays_in_the_population() -> None:
    market, engine = Market(seed=1, bars=120), TraderWeightingEngine(CONFIG)
    market.play(engine, last=100)
    assert engine.ppm("0x00", None) > 0

    engine.enrol("0x00", tracked=False)
    passed(engine, engine.bar_ends_at - 1)
    engine.hear("BTC", 100.0, engine.bar_ends_at - 1)
    passed(engine, engine.bar_ends_at)

    assert engine.ppm("0x00", None) == 0
    assert engine.verdict is not None
    assert engine.verdict.population.voters == 24


@settings(deadline=None, max_examples=5)
@given(st.integers(0, 1_000), st.integers(1, 59))
def test_a_snapshot_goes_on_as_if_nothing_had_happened(seed: int, cut: int) -> None:
    market = Market(seed, bars=60)
    whole, first, resumed = (TraderWeightingEngine(CONFIG) for _ in range(3))

    market.play(whole)
    market.play(first, last=cut)
    resumed.restore(json.decode(json.encode(first.snapshot()), type=EngineSnapshot))
    market.play(resumed, first=cut)

    assert weights(resumed) == weights(whole)
    assert resumed.contest.hedge == whole.contest.hedge
    assert json.encode(resumed.snapshot()) == json.encode(whole.snapshot())


@settings(deadline=None, max_examples=5)
@given(st.integers(0, 1_000))
def test_facts_of_one_moment_may_come_in_any_order(seed: int) -> None:
    class Mixed(TraderWeightingEngine):
        """Hears everything of one moment in another order."""

        said: list[tuple[str, tuple[object, ...]]]

        def follow(self, *told: object) -> None:
            self.said = [*getattr(self, "said", []), ("follow", told)]

        def hear(self, *told: object) -> None:
            self.said = [*getattr(self, "said", []), ("hear", told)]

        def pass_to(self, now: float) -> None:
            for kind, told in Random(seed).sample(said := getattr(self, "said", []), len(said)):
                getattr(super(), kind)(*told)
            self.said = []
            super().pass_to(now)

    straight, mixed = TraderWeightingEngine(CONFIG), Mixed(CONFIG)
    for engine in (straight, mixed):
        Market(seed, bars=40).play(engine)
        passed(engine, engine.bar_ends_at)

    assert weights(mixed) == pytest.approx(weights(straight), abs=1)


@settings(deadline=None, max_examples=3)
@given(st.integers(0, 1_000), st.integers(1, 4))
def test_copies_raise_a_share_by_no_more_than_from_the_entity_cap_to_the_cluster_cap(
    seed: int, copies: int
) -> None:
    rules = CONFIG.crowding
    config = CONFIG.model_copy(update={"skill": SkillRules(least_voters=5, prior_voters=2_000)})
    alone = played(Market(seed, bars=100), config)
    crowd = played(Market(seed, bars=100, copies=copies), config)

    before, after = weights(alone), weights(crowd)

    family = ["0x00", *(f"0x{24 + copy:02x}" for copy in range(copies))]
    share_before = before["0x00"] / max(1, sum(before.values()))
    share_after = sum(after[name] for name in family) / max(1, sum(after.values()))
    too_few = max(_least(before, 1), _least(after, len(family)))
    allowed = max(rules.cluster_cap - rules.entity_cap, too_few)
    assert share_after - share_before <= allowed + 1e-6


def _least(weights: dict[str, int], members: int) -> float:
    """Return the share that cannot be avoided where few have a weight at all."""
    return members / max(1, sum(weight > 0 for weight in weights.values()))


def test_time_that_goes_back_begins_anew_without_waiting_for_anything() -> None:
    market, engine = Market(seed=3, bars=30), TraderWeightingEngine(CONFIG)
    market.play(engine)

    engine.pass_to(500_000.0 * BAR)
    engine.hear("BTC", 50.0, 500_000.0 * BAR)

    assert engine.bar_ends_at == 500_001.0 * BAR
    assert engine.paper.coins["BTC"].price == 50.0


def test_every_expert_is_run_on_paper_beside_the_others() -> None:
    engine = played(Market(seed=1, bars=200))

    found = engine.contest.found()

    assert len(found.ratio) == len(ACCOUNTS)
    assert found.ratio[3] > 2
    assert found.ratio[ACCOUNTS.index("abstain-v1")] == 0
    assert 0 < engine.contest.conviction() <= 1


def test_while_nothing_says_that_anybody_is_skilled_nobody_is_heard() -> None:
    strict = CONFIG.model_copy(update={"skill": SkillRules(least_voters=5)})
    engine = TraderWeightingEngine(strict)

    Market(seed=1, skilled=0).play(engine)

    assert engine.verdict is not None
    assert engine.verdict.population.evidence < strict.skill.least_evidence
    learned = [number for number, each in enumerate(SCHEMES.values()) if each.learns]
    assert not engine.weights()[:, learned].any()
    assert not any(engine.contest.stances["skill-relative-v1"].values())


def test_a_relative_stance_bets_on_coins_against_each_other_and_on_no_market() -> None:
    engine = TraderWeightingEngine(CONFIG)

    Market(seed=1).play(engine)

    wanted = engine.contest.stances["skill-relative-v1"]
    assert set(wanted) == set(COINS)
    assert any(wanted.values())
    assert sum(wanted.values()) == pytest.approx(0.0, abs=1e-12)


def test_a_relative_stance_is_the_same_however_large_the_books_are() -> None:
    usual, bold = TraderWeightingEngine(CONFIG), TraderWeightingEngine(CONFIG)

    Market(seed=1).play(usual)
    Market(seed=1, leverage=2.0).play(bold)

    name = "skill-relative-v1"
    assert bold.contest.stances[name] == pytest.approx(usual.contest.stances[name], abs=0.01)
