from decimal import Decimal
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from msgspec import json

from shared_events.codec import encode
from shared_events.errors import ConfigError
from shared_events.journal import JournalWriter, decode_record, read
from shared_events.payloads import Models
from shared_events.testing.factories import an_address
from signal_system.evaluation.contest import contested, interval, spearman, yearly_sharpe
from signal_system.evaluation.evaluate_command import schemes
from signal_system.fold import FoldConfig
from signal_system.signal_generation.processor import Provenance, SignalGenerationProcessor
from signal_system.state import State
from signal_system.testing.events import Event, book, member, price, status
from signal_system.weighting_engine import TraderWeightingEngine, WeightingConfig
from signal_system.weighting_engine.contest import ACCOUNTS
from signal_system.weighting_engine.rules import EvidenceRules, SkillRules

VOTERS, DAYS, COINS = 24, 70, ("BTC", "ETH", "SOL")
CONFIG = FoldConfig(
    weighting=WeightingConfig(
        scheme="skill-relative-v1",
        evidence=EvidenceRules(least_bars=20, least_episodes=0),
        skill=SkillRules(least_voters=5),
    )
)


def world() -> list[Event]:
    """Return months in which the first four of the voters half know the next day."""
    random, events = Random(3), [status(recording=True, cadence_seconds=86_400.0)]
    events += [member(each, 50) for each in range(1, VOTERS + 1)]
    prices = dict.fromkeys(COINS, 100.0)
    moves = [{coin: random.gauss(0, 0.02) for coin in COINS} for _ in range(DAYS * 6 + 6)]
    for bar in range(DAYS * 6):
        second = 14_400.0 * bar + 60
        events.append(status(second, recording=True, cadence_seconds=86_400.0))
        events += [price(coin, round(prices[coin], 6), second) for coin in COINS]
        for voter in range(1, VOTERS + 1):
            if random.random() < 0.3:
                coin = random.choice(COINS)
                known = sum(each[coin] for each in moves[bar : bar + 6]) if voter <= 4 else 0.0
                side = 1 if known + random.gauss(0, 0.05) > 0 else -1
                worth, at = Decimal(1_000), second + 1
                holds = {coin: side}
                events.append(book(voter, bar + 1, holds, at, full=False, account_value=worth))
        events += [price(coin, round(prices[coin], 6), second + 3_600) for coin in COINS]
        prices = {coin: prices[coin] * (1 + moves[bar][coin]) for coin in COINS}
    return events


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    with JournalWriter(folder) as writer:
        writer.append([encode(event) for event in world()])
    accounts = {
        an_address(each): {"ic": {"bull": 0.3 if each <= 4 else 0.0}}
        for each in range(1, VOTERS + 1)
    }
    (folder / "truth.json").write_bytes(
        json.encode({"parameters": {"seed": 3}, "accounts": accounts})
    )
    return folder


@pytest.mark.timeout(120)
def test_where_some_know_schemes_that_learn_find_them_and_the_baseline_does_not(
    journal: Path,
) -> None:
    found = contested(journal, journal / "truth.json", CONFIG, lambda _: None)

    skill, base = found.schemes["skill-v1"], found.schemes["score-over-100-v1"]
    assert set(found.schemes) == set(ACCOUNTS)
    assert skill.rank_correlation is not None
    assert skill.rank_correlation > 0.3
    assert base.rank_correlation is None
    assert skill.low < skill.sharpe < skill.high
    assert found.schemes["abstain-v1"].opinions == 0
    assert found.schemes["abstain-v1"].sharpe == 0
    assert sum(found.trust.values()) == pytest.approx(1)


@pytest.mark.timeout(120)
def test_a_journal_judged_before_is_not_folded_again(
    journal: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    schemes([journal], None, tmp_path / "kept")
    first = capsys.readouterr().out

    for segment in journal.glob("*.journal"):
        segment.rename(segment.with_suffix(".away"))
    try:
        schemes([journal], None, tmp_path / "kept")
    finally:
        for segment in journal.glob("*.away"):
            segment.rename(segment.with_suffix(".journal"))

    assert capsys.readouterr().out == first
    assert "beats score/100" in first


def test_without_a_truth_it_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"truth\.json is no truth"):
        contested(tmp_path, tmp_path / "truth.json", CONFIG, lambda _: None)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1_000))
def test_the_interval_holds_the_ratio_and_shrinks_with_evidence(seed: int) -> None:
    daily = np.random.default_rng(seed).standard_normal(800)

    (low, high), (short_low, short_high) = (interval(each, 200) for each in (daily, daily[:200]))

    assert low < yearly_sharpe(daily) < high
    assert high - low < short_high - short_low


def test_a_bootstrap_is_the_same_every_time() -> None:
    daily = np.random.default_rng(1).standard_normal(100)

    assert interval(daily) == interval(daily)


def test_ranks_that_never_vary_correlate_with_nothing() -> None:
    assert spearman(np.ones(4), np.arange(4.0)) is None


@pytest.mark.timeout(120)
def test_what_is_served_leans_as_the_account_of_its_scheme_does(journal: Path) -> None:
    engine = TraderWeightingEngine(CONFIG.weighting)
    state = State(engine, CONFIG.rules, CONFIG.baseline)
    made = Provenance("arm", CONFIG.hash, Models())
    processor = SignalGenerationProcessor(state, CONFIG.rules, made)
    last, apart, said = engine.bar, list[float](), list[float]()
    for _, raw in read(journal):
        state.apply(decode_record(raw))
        if engine.bar is not last and state.scheme == "skill-relative-v1":
            decided = [processor.decision(coin) for coin in COINS]
            wanted = engine.contest.stances[state.scheme]
            said += [each.pool.tilt for each in decided if each]
            apart += [each.pool.tilt - wanted[each.coin] for each in decided if each]
        last = engine.bar

    assert max(map(abs, said)) > CONFIG.rules.conviction
    assert max(map(abs, apart)) < 0.1  # an account counts a stake at the price it was taken at
