from decimal import Decimal
from itertools import pairwise

from hyperliquid_simulator.performance import HOUR_MS
from hyperliquid_simulator.views import Json
from hyperliquid_simulator.world import World


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


def test_a_return_is_the_profit_over_what_the_account_was_worth_before(world: World) -> None:
    for row in _leaderboard(world):
        for _, window in row["windowPerformances"]:
            before = float(row["accountValue"]) - float(window["pnl"])
            assert abs(float(window["roi"]) - float(window["pnl"]) / before) < 1e-6
            assert Decimal(window["vlm"]) >= 0


def test_leaderboard_and_portfolio_tell_the_same_story(world: World) -> None:
    for _ in range(300):
        world.step()
    by_address = {row["ethAddress"]: row for row in _leaderboard(world)}

    for trader in filter(lambda t: t.ranked, world.population.traders):
        account = world.ledger.accounts[trader.index]
        portfolio = dict(world.history.portfolio(world.standing(), account))
        for name, window in by_address[trader.address]["windowPerformances"]:
            assert portfolio[name]["pnlHistory"][-1][1] == window["pnl"]
            assert portfolio[name]["vlm"] == window["vlm"]


def test_a_portfolio_has_eight_windows_that_start_from_nothing_and_end_now(world: World) -> None:
    world.step()
    account = world.ledger.accounts[world.population.planted(0)[0].index]
    portfolio = world.history.portfolio(world.standing(), account)

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
    day = dict(world.history.portfolio(world.standing(), account))["day"]["pnlHistory"]

    assert 24 * HOUR_MS <= day[-1][0] - day[0][0] <= 25 * HOUR_MS
    assert len(day) == 13


def _leaderboard(world: World) -> list[Json]:
    ranking = world.history.leaderboard(world.standing(), world.population, world.ledger.accounts)
    found: list[Json] = ranking.file()["leaderboardRows"]
    return found
