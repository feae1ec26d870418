"""A paper account earns what somebody earns who follows a minute late, and nothing else."""

from math import log
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from msgspec import json

from signal_system.weighting_engine.paper import EXPOSURE_UNIT, Bar, Paper, PaperSnapshot, Wish
from signal_system.weighting_engine.rules import DAY, PaperRules

FREE = PaperRules(one_way_cost=0.0, bar_seconds=DAY, fade_in_holdings=1e9, slowest_fade_days=1e9)
SIGMA = FREE.volatility_prior_daily
DELAY = FREE.delay_seconds


def a_paper(
    rules: PaperRules = FREE, accounts: int = 1, coins: tuple[str, ...] = ("BTC",)
) -> Paper:
    paper = Paper(rules)
    for _ in range(accounts):
        paper.open()
    for coin in coins:
        paper.hear(coin, 100.0, 0.0)
    return paper


def follow(paper: Paper, at: float, exposure: float, account: int = 0, coin: str = "BTC") -> None:
    paper.follow(coin, Wish(at + DELAY, account, exposure, is_exposure=True))


def hear(paper: Paper, at: float, price: float, coin: str = "BTC") -> None:
    paper.hear(coin, price, at)
    paper.settle()


def closed(paper: Paper, day: int) -> Bar:
    bar = paper.close_bar(day * DAY)
    assert bar is not None
    return bar


def test_a_change_is_followed_at_the_first_price_after_the_delay() -> None:
    paper = a_paper()
    follow(paper, 10.0, 1.0)
    hear(paper, 10.0 + DELAY - 1, 120.0)
    hear(paper, 10.0 + DELAY + 5, 130.0)
    hear(paper, 5_000.0, 140.0)

    bar = closed(paper, 1)

    assert bar.result[0] == pytest.approx(log(140 / 130) / SIGMA, abs=1e-5)
    assert bar.turned.tolist() == [1.0]


def test_a_price_from_before_the_last_is_no_news() -> None:
    paper = a_paper()
    hear(paper, 50.0, 110.0)

    hear(paper, 40.0, 1.0)

    assert paper.coins["BTC"].price == 110.0


def test_no_bar_ends_while_nothing_is_heard() -> None:
    paper = a_paper()
    closed(paper, 1)

    assert paper.close_bar(2 * DAY) is None
    hear(paper, 2.5 * DAY, 101.0)
    assert closed(paper, 3).bars == 2.0


@given(st.floats(0.01, 0.99), st.floats(-0.99, -0.01))
def test_what_is_traded_costs_and_what_is_held_does_not(first: float, second: float) -> None:
    rules = FREE.model_copy(update={"one_way_cost": 0.001})
    paper = a_paper(rules)
    follow(paper, 0.0, first)
    hear(paper, 100.0, 100.0)
    follow(paper, 200.0, second)
    hear(paper, 300.0, 100.0)

    opened, held = closed(paper, 1), None
    hear(paper, 1.5 * DAY, 100.0)
    held = closed(paper, 2)

    traded = round(EXPOSURE_UNIT * first) + abs(
        round(EXPOSURE_UNIT * second) - round(EXPOSURE_UNIT * first)
    )
    assert opened.result[0] == pytest.approx(-traded / EXPOSURE_UNIT * 0.001 / SIGMA, abs=1e-5)
    assert held.result[0] == pytest.approx(0.0, abs=1e-9)


def test_a_long_pays_the_funding_that_a_short_receives() -> None:
    paper = a_paper(accounts=2)
    follow(paper, 0.0, 1.0, account=0)
    follow(paper, 0.0, -1.0, account=1)
    paper.hear("BTC", 100.0, DELAY, funding_hourly=0.0001)
    paper.settle()
    hear(paper, DELAY + 36_000, 100.0)

    result = closed(paper, 1).result

    assert result[0] == pytest.approx(-0.001 / SIGMA, abs=1e-5)
    assert result[1] == -result[0]


def test_exposure_is_notional_over_equity_full_at_the_leverage_limit() -> None:
    paper = a_paper(accounts=3)
    paper.follow("BTC", Wish(0.0, 0, 10.0, equity=1_000.0))
    paper.follow("BTC", Wish(0.0, 1, -10_000.0, equity=1_000.0))
    paper.follow("BTC", Wish(0.0, 2, 7.0, equity=None))
    hear(paper, 1.0, 100.0)

    assert closed(paper, 1).net.tolist() == [0.2, -1.0, 0.2]


def test_a_deposit_moves_no_account() -> None:
    alone, funded = a_paper(), a_paper()
    for paper, equity in ((alone, 1_000.0), (funded, 9_000.0)):
        paper.follow("BTC", Wish(0.0, 0, 10.0, equity=1_000.0))
        hear(paper, 1.0, 100.0)
        hear(paper, 2.0, 105.0)
        paper.follow("BTC", Wish(DAY, 0, 0.0, equity=equity))

    assert closed(alone, 1).result.tolist() == closed(funded, 1).result.tolist()


def test_what_everything_did_alike_is_market_and_no_timing() -> None:
    coins = tuple("ABCDEFGH")
    paper, random = a_paper(coins=coins), Random(1)
    prices = dict.fromkeys(coins, 100.0)
    timings, markets = list[float](), list[float]()
    for day in range(400):
        follow(paper, day * DAY, random.choice((-1.0, 1.0)), coin="A")
        tide = random.gauss(0, 0.03)
        for coin in coins:
            hear(paper, day * DAY + DELAY, prices[coin], coin)
        for coin in coins:
            prices[coin] *= 1 + tide + random.gauss(0, 0.003)
            hear(paper, day * DAY + 80_000, prices[coin], coin)
        bar = closed(paper, day + 1)
        timings.append(float(bar.timing[0]))
        markets.append(float(bar.market[0]))

    assert np.std(timings[50:]) < 0.25 * np.std(markets[50:])


def test_whoever_is_always_long_has_a_habit_and_hardly_any_timing() -> None:
    paper, price = a_paper(FREE.model_copy(update={"habit_half_life_days": 5.0})), 100.0
    follow(paper, 0.0, 1.0)
    hear(paper, DELAY, price)
    timing, habit = [], []
    for day in range(60):
        price *= 1.01
        hear(paper, day * DAY + 80_000, price)
        bar = closed(paper, day + 1)
        timing.append(float(bar.timing[0]))
        habit.append(float(bar.habit[0]))

    assert timing[0] > 0
    assert habit[0] == 0
    assert abs(timing[-1]) < 0.01 * habit[-1]


def test_a_conviction_fades_until_a_trade_confirms_it() -> None:
    rules = FREE.model_copy(update={"fade_in_holdings": 1.0, "slowest_fade_days": 2.0})
    paper = a_paper(rules)
    follow(paper, 0.0, 0.5)
    hear(paper, DELAY, 100.0)
    held = list[float]()
    for day in range(1, 30):
        closed(paper, day)
        held.append(float(paper.positions["held"][0]))
        hear(paper, day * DAY + 1, 100.0)
    assert held == sorted(held, reverse=True)
    assert held[-1] < 0.1 * held[0]

    follow(paper, 29 * DAY, 0.6)
    hear(paper, 29 * DAY + DELAY, 100.0)

    assert paper.positions["held"][0] == held[-1] + 0.1 * EXPOSURE_UNIT


def test_an_episode_runs_from_flat_to_flat_and_a_flip_ends_one() -> None:
    paper = a_paper()
    for at, exposure, price in ((0, 0.5, 100), (100, -0.5, 110), (300, -0.2, 115), (600, 0.0, 120)):
        follow(paper, at, exposure)
        hear(paper, at + DELAY, price)

    accounts = paper.accounts
    assert (accounts["episodes"][0], accounts["wins"][0], accounts["seconds"][0]) == (2, 1, 600)


def test_of_a_coin_without_a_price_only_the_last_wish_counts() -> None:
    paper = Paper(FREE)
    paper.open()
    for _ in range(3):
        follow(paper, 0.0, 0.5, coin="NEW")
        follow(paper, 0.0, -0.25, coin="NEW")

    hear(paper, 100.0, 3.0, "NEW")

    assert closed(paper, 1).net.tolist() == [-0.25]


def scripted(random: Random, days: int = 6) -> list[list[tuple[str, int, float]]]:
    """Return instants, each of them facts: a price of a coin, or an exposure of an account."""
    return [
        [
            *(("price", coin, random.uniform(90, 110)) for coin in range(3)),
            *(("follow", random.randrange(4), random.uniform(-1, 1)) for _ in range(3)),
        ]
        for _ in range(days * 8)
    ]


def played(paper: Paper, instants: list[list[tuple[str, int, float]]], first: int = 0) -> list[Bar]:
    bars = list[Bar]()
    for number, facts in enumerate(instants, first):
        at = number * DAY / 8
        for kind, which, amount in facts:
            if kind == "price":
                paper.hear(f"C{which}", amount, at)
            else:
                paper.follow(f"C{which % 3}", Wish(at + DELAY, which, amount, is_exposure=True))
        paper.settle()
        if number % 8 == 7 and (bar := paper.close_bar(at + 1)):
            bars.append(bar)
    return bars


def same(first: list[Bar], second: list[Bar]) -> bool:
    names = ("timing", "habit", "market", "turned", "gross", "net")
    return len(first) == len(second) and all(
        getattr(one, name).tobytes() == getattr(two, name).tobytes()
        for one, two in zip(first, second, strict=True)
        for name in names
    )


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_facts_of_one_moment_may_come_in_any_order(seed: int) -> None:
    random = Random(seed)
    instants = scripted(random)
    known = [[("price", coin, 100.0) for coin in range(3)]]
    by_account = [sorted(facts, key=lambda fact: (fact[0], fact[1])) for facts in instants]
    mixed = [random.sample(facts, len(facts)) for facts in by_account]
    distinct = [list({fact[:2]: fact for fact in facts}.values()) for facts in mixed]
    ordered = [sorted(facts) for facts in distinct]
    papers = [a_paper(PaperRules(bar_seconds=DAY), 4, ()) for _ in range(2)]

    one, two = (
        played(paper, known + script)
        for paper, script in zip(papers, (ordered, distinct), strict=True)
    )

    assert same(one, two)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(0, 40))
def test_a_snapshot_goes_on_as_if_nothing_had_happened(seed: int, cut: int) -> None:
    instants = scripted(Random(seed))
    whole, first, resumed = (a_paper(PaperRules(bar_seconds=DAY), 4, ()) for _ in range(3))

    before = played(first, instants[:cut])
    resumed.restore(json.decode(json.encode(first.snapshot()), type=PaperSnapshot))
    after = played(resumed, instants[cut:], cut)

    assert same(before + after, played(whole, instants))
