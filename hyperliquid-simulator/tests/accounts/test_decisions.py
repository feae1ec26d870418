from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from hyperliquid_simulator.accounts.decisions import OPINIONS, Views
from hyperliquid_simulator.accounts.styles import CONTEST, FOLLOWERS, RESTING, Style
from hyperliquid_simulator.coins.market import Floats
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.past.generate import generate
from hyperliquid_simulator.past.past import Past

WIDE = 3.5
"""Standard errors of a correlation within which an honest world stays, over all seeds of a test."""


def correlation(views: Views, rows: "np.typing.NDArray[np.bool_]") -> float:
    return float(np.corrcoef(views.exposure[rows], views.known[rows])[0, 1])


def expected(stated: float, known: Floats) -> float:
    """Return the correlation to expect where the foreseen happened to vary as much as this.

    Clipping and staying out cost a hundredth of it.
    """
    spread = float(known.std())
    kept = 0.99
    return float(kept * stated * spread / np.sqrt((stated * spread) ** 2 + 1 - stated**2))


def of_style(past: Past, *styles: Style) -> "np.typing.NDArray[np.bool_]":
    chosen = np.array([trader.style in styles for trader in past.population.traders])
    return np.asarray(chosen[past.views.account])


@pytest.fixture(scope="module")
def contest() -> Config:
    return Config(
        seed=11,
        traders=200,
        coins=6,
        builder_coins=0,
        history_days=200,
        start=datetime(2026, 3, 1, tzinfo=UTC),
        shares={**CONTEST, Style.SKILLED: 0.3, Style.COPYCAT: 0.15},
        tempo=1.0,
    )


@pytest.mark.parametrize("stated", [0.0, 0.06, 0.3])
def test_the_realised_ic_of_the_skilled_is_the_stated_one(contest: Config, stated: float) -> None:
    config = replace(contest, skill_ic=stated, one_regime=0.0)
    past = generate(config, config.start_ms)
    skilled = of_style(past, Style.SKILLED)
    planted = np.mean([past.population.traders[a].ic[0] for a in past.views.account[skilled]])

    assert correlation(past.views, skilled) == pytest.approx(
        expected(float(planted), past.views.known[skilled]), abs=WIDE / np.sqrt(skilled.sum())
    )


def test_every_skilled_account_has_its_own_stated_ic(contest: Config) -> None:
    config = replace(contest, skill_ic=0.2, one_regime=0.0)
    past = generate(config, config.start_ms)
    off = []

    for trader in past.population.traders:
        if trader.planted:
            mine = past.views.account == trader.index
            realised = correlation(past.views, mine)
            off.append((np.arctanh(realised) - np.arctanh(trader.ic[0])) * np.sqrt(mine.sum() - 3))

    assert max(map(abs, off)) < 4
    assert 0.7 < np.std(off) < 1.3


def test_skill_in_one_regime_shows_in_that_regime_alone(contest: Config) -> None:
    config = replace(contest, skill_ic=0.3, one_regime=1.0)
    past = generate(config, config.start_ms)
    regime = past.prices.regime(past.views.coin, past.views.minute)
    stated = np.array([t.ic for t in past.population.traders])[past.views.account, regime]
    skilled = of_style(past, Style.SKILLED)

    within, without = skilled & (stated > 0), skilled & (stated == 0)
    assert correlation(past.views, within) == pytest.approx(
        expected(float(np.mean(stated[within])), past.views.known[within]),
        abs=WIDE / np.sqrt(within.sum()),
    )
    assert abs(correlation(past.views, without)) < WIDE / np.sqrt(without.sum())


def test_nobody_but_the_skilled_foresees_anything(contest: Config) -> None:
    past = generate(contest, contest.start_ms)

    for style in OPINIONS:
        if style in {Style.SKILLED, Style.PERMA_BULL, Style.FARMER}:
            continue
        rows = of_style(past, style)
        alike = style is Style.CONTRARIAN  # they all fade the same day
        independent = len(past.coins) * contest.history_days if alike else rows.sum()
        assert abs(correlation(past.views, rows)) < WIDE / np.sqrt(independent), style


def test_the_foreseen_unit_is_the_volatility_of_its_own_hours_in_every_regime(
    contest: Config,
) -> None:
    past = generate(contest, contest.start_ms)
    regime = past.prices.regime(past.views.coin, past.views.minute)

    for state in range(3):
        assert np.std(past.views.known[regime == state]) == pytest.approx(1, abs=0.1)


def test_followers_hold_what_their_leader_held_the_stated_minutes_before(contest: Config) -> None:
    past = generate(contest, contest.start_ms)
    seen = 0

    for trader in past.population.traders:
        if trader.follows is None:
            continue
        mine, theirs = (
            past.views.taken(past.views.account == index)
            for index in (trader.index, trader.follows.leader)
        )
        before = np.searchsorted(theirs.minute, past.minutes - trader.follows.lag_minutes)
        assert np.array_equal(mine.minute, theirs.minute[:before] + trader.follows.lag_minutes)
        assert np.allclose(mine.exposure, theirs.exposure[:before] * trader.follows.scale)
        seen += len(mine)

    assert seen


def test_exposures_are_shares_of_a_full_position(contest: Config) -> None:
    past = generate(contest, contest.start_ms)

    assert np.abs(past.views.exposure).max() <= 1
    assert {t.style for t in past.population.traders} - set(OPINIONS) == FOLLOWERS | RESTING
