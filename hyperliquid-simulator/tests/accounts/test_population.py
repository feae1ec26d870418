from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from hyperliquid_simulator.accounts.population import LAG_MINUTES, Population, draw_population
from hyperliquid_simulator.accounts.styles import CONTEST, FOLLOWERS, LEADERS, Style
from hyperliquid_simulator.coins.catalogue import COINS
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.past.generate import people

BASE = people(Config(seed=4, traders=600, history_days=420, shares=CONTEST, tempo=1.0))


@pytest.fixture(scope="module")
def population() -> Population:
    return draw_population(BASE, COINS[:8])


def test_the_shares_asked_for_are_those_drawn(population: Population) -> None:
    styles = Counter(trader.style for trader in population.traders)

    for style, share in CONTEST.items():
        assert styles[style] == pytest.approx(share * 600, abs=1), style


def test_followers_follow_leaders_within_their_lag_and_trade_their_coins(
    population: Population,
) -> None:
    for trader in population.traders:
        assert (trader.follows is not None) == (trader.style in FOLLOWERS)
        if trader.follows:
            leader = population.traders[trader.follows.leader]
            least, most = LAG_MINUTES[trader.style]
            assert leader.style in LEADERS
            assert leader.coins == trader.coins
            assert least <= trader.follows.lag_minutes <= most
            assert 0 < abs(trader.follows.scale) <= 1


def test_a_few_leaders_have_most_of_the_copycats(population: Population) -> None:
    leaders = {
        t.follows.leader for t in population.traders if t.follows and t.style is Style.COPYCAT
    }

    assert len(leaders) <= 600 * CONTEST[Style.COPYCAT] / 8


def test_some_sub_accounts_hold_against_their_master(population: Population) -> None:
    subs = [t for t in population.traders if t.style is Style.SUB_ACCOUNT]

    signs = {np.sign(t.follows.scale) for t in subs if t.follows}
    assert signs == {-1, 1}
    assert all(t in population.sub_accounts(t.master) for t in subs if t.master is not None)


def test_wash_traders_come_in_pairs_of_one_coin(population: Population) -> None:
    for trader in population.traders:
        if trader.style is Style.WASH:
            assert trader.partner is not None
            other = population.traders[trader.partner]
            assert other.partner == trader.index
            assert other.coins == trader.coins
            assert len(trader.coins) == 1


def test_neither_size_nor_tempo_tells_who_is_skilled() -> None:
    everybody = draw_population(replace(BASE, count=20_000), COINS[:8]).traders

    for what in ("capital", "exposure", "tempo"):
        skilled, noise = (
            np.log([getattr(t, what) for t in everybody if t.style is style])
            for style in (Style.SKILLED, Style.NOISE)
        )
        apart = abs(skilled.mean() - noise.mean())
        assert apart < 4 * noise.std() * np.sqrt(1 / len(skilled) + 1 / len(noise)), what


def test_skill_is_spread_around_its_mean_and_a_share_has_it_in_one_regime() -> None:
    drawn = draw_population(replace(BASE, count=20_000), COINS[:8]).traders
    skilled = [t for t in drawn if t.planted]
    once = [t for t in skilled if t.ic.count(0.0) == 2]

    assert np.mean([max(t.ic) for t in skilled]) == pytest.approx(BASE.skill_ic, rel=0.02)
    assert len(once) / len(skilled) == pytest.approx(BASE.one_regime, abs=0.05)
    assert {tuple(np.sign(t.ic)) for t in once} == {(1, 0, 0), (0, 1, 0), (0, 0, 1)}
    assert all(not any(t.ic) for t in drawn if not t.planted)
