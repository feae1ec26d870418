from decimal import Decimal
from itertools import pairwise

import pytest

from hyperliquid_simulator.accounts.movements import Kind, Movement
from hyperliquid_simulator.answers.views import Json
from hyperliquid_simulator.coins.market import DAY_MS
from hyperliquid_simulator.wire import MICRO, ZERO_HASH
from hyperliquid_simulator.world.performance import HOUR_MS
from hyperliquid_simulator.world.world import World


def test_the_leaderboard_ranks_everybody_but_the_crowd_with_four_windows(world: World) -> None:
    rows = _leaderboard(world)

    ranked = {trader.address for trader in world.population.traders if trader.ranked}
    assert {row["ethAddress"] for row in rows} == ranked
    assert len(ranked) == world.config.traders < len(world.addresses)
    values = [float(row["accountValue"]) for row in rows]
    assert values == sorted(values, reverse=True)
    for row in rows:
        names = [name for name, _ in row["windowPerformances"]]
        assert names == ["day", "week", "month", "allTime"]


def test_a_return_is_the_profit_over_first_worth_and_later_receipts(world: World) -> None:
    times = [world.history.times[0], *(world.time - days * DAY_MS for days in (30, 7, 1))]
    inflated = 0

    for row in _leaderboard(world):
        who = world.population.by_address[row["ethAddress"]].index
        received = [m for m in world.cashbook.of(who) if m.receiver == who != m.sender]
        for (_, window), since in zip(row["windowPerformances"], times[::-1], strict=True):
            first = max(t for t in world.history.times if t <= max(since, times[0]))
            came = sum(m.usd for m in received if m.time > first) / MICRO
            net = (world.cashbook.history(who, [world.time])[0]) / MICRO
            before = float(row["accountValue"]) - float(window["pnl"])
            before -= net - world.cashbook.history(who, [first])[0] / MICRO
            assert abs(float(window["roi"]) - float(window["pnl"]) / (before + came)) < 1e-6
            assert Decimal(window["vlm"]) >= 0
            inflated += came > 0
    assert inflated > 10


def test_dollars_on_the_spot_side_are_worth_but_not_on_the_perp_side(world: World) -> None:
    unified = [a.index for a in world.ledger.accounts if a.unified and a.backing]

    assert unified
    world.step()
    for who in unified:
        portfolio = dict(world.history.portfolio(world.standing([who]), [who]))
        for name, perp in (("day", "perpDay"), ("allTime", "perpAllTime")):
            both, one = portfolio[name], portfolio[perp]
            assert both["pnlHistory"] == one["pnlHistory"]
            assert _last(both, "accountValueHistory") > _last(one, "accountValueHistory")


def test_a_deposit_is_worth_and_no_profit(world: World) -> None:
    account = world.ledger.accounts[0]
    before = dict(world.history.portfolio(world.standing([0]), [0]))["day"]

    world.cashbook.add(Movement(Kind.DEPOSIT, world.time, ZERO_HASH, None, 0, 5_000 * MICRO))
    account.pocket("").receive(5_000 * MICRO)

    after = dict(world.history.portfolio(world.standing([0]), [0]))["day"]
    assert after["pnlHistory"] == before["pnlHistory"]
    assert after["accountValueHistory"][:-1] == before["accountValueHistory"][:-1]
    grown = _last(after, "accountValueHistory") - _last(before, "accountValueHistory")
    assert grown == pytest.approx(5_000, abs=1e-4)


def test_leaderboard_and_portfolio_tell_the_same_story(world: World) -> None:
    for _ in range(300):
        world.step()
    by_address = {row["ethAddress"]: row for row in _leaderboard(world)}

    for trader in filter(lambda t: t.ranked, world.population.traders):
        account = world.ledger.accounts[trader.index]
        portfolio = dict(world.history.portfolio(world.standing([account.index]), [account.index]))
        for name, window in by_address[trader.address]["windowPerformances"]:
            assert portfolio[name]["pnlHistory"][-1][1] == window["pnl"]
            assert portfolio[name]["vlm"] == window["vlm"]


def test_a_portfolio_has_eight_windows_that_start_from_nothing_and_end_now(world: World) -> None:
    world.step()
    account = world.ledger.accounts[world.population.planted(0)[0].index]
    portfolio = world.history.portfolio(world.standing([account.index]), [account.index])

    names = [name for name, _ in portfolio]
    assert names[:4] == ["day", "week", "month", "allTime"]
    assert names[4:] == ["perpDay", "perpWeek", "perpMonth", "perpAllTime"]
    for _, window in portfolio:
        times = [time for time, _ in window["pnlHistory"]]
        assert window["pnlHistory"][0][1] == "0.0"
        assert times[-1] == world.time
        assert all(a < b for a, b in pairwise(times))


def test_the_day_is_about_a_day_long(world: World) -> None:
    account = world.ledger.accounts[0]
    day = dict(world.history.portfolio(world.standing([account.index]), [account.index]))["day"][
        "pnlHistory"
    ]

    assert 24 * HOUR_MS <= day[-1][0] - day[0][0] <= 25 * HOUR_MS
    assert len(day) == 13


def _last(window: Json, series: str) -> float:
    return float(window[series][-1][1])


def _leaderboard(world: World) -> list[Json]:
    ranking = world.history.leaderboard(world.standing(), world.population)
    found: list[Json] = list(ranking.rows())
    return found
