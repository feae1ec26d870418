import numpy as np
import pytest

from hyperliquid_simulator.coins.catalogue import COINS
from hyperliquid_simulator.coins.market import DAY_MINUTES, SHARED, Floats
from hyperliquid_simulator.coins.prices import WINDOW_DAYS, Prices

FIRST_DAY = 20_000
COUNT = 6


def drawn(days: int, seed: int = 3) -> tuple[Prices, Floats]:
    """Return prices and every coin's log price at the end of every minute, a row per coin."""
    prices, columns = Prices(seed, COINS[:COUNT], FIRST_DAY), []
    for day in range(days):
        prices.reach(day)
        columns.append(prices.path(day))
    return prices, np.concatenate(columns, axis=1)


@pytest.fixture(scope="module")
def year() -> tuple[Prices, Floats]:
    return drawn(365)


def test_the_same_seed_and_day_give_the_same_path_however_it_is_asked_for() -> None:
    at_once = Prices(3, COINS[:COUNT], FIRST_DAY)
    at_once.reach(9)
    _, paths = drawn(10)

    assert np.array_equal(at_once.log(10 * DAY_MINUTES - 1), paths[:, -1])
    assert not np.array_equal(drawn(10, seed=4)[1], paths)


def test_only_the_last_days_are_at_hand() -> None:
    prices, _ = drawn(WINDOW_DAYS + 2)

    prices.log(2 * DAY_MINUTES)
    with pytest.raises(IndexError, match="no longer at hand"):
        prices.log(2 * DAY_MINUTES - 1)


def test_coins_move_together_as_much_as_their_loading_says(year: tuple[Prices, Floats]) -> None:
    hourly = np.diff(year[1][:, ::60])
    pairs = np.asarray(np.corrcoef(hourly))[np.triu_indices(COUNT, 1)]

    assert pairs.mean() == pytest.approx(SHARED**2, abs=0.06)


def test_volatility_clusters_and_returns_do_not(year: tuple[Prices, Floats]) -> None:
    for hourly in np.diff(year[1][:, ::60]):
        small = 3.5 / np.sqrt(len(hourly))
        assert np.corrcoef(abs(hourly[1:]), abs(hourly[:-1]))[0, 1] > 0.15
        assert abs(np.corrcoef(hourly[1:], hourly[:-1])[0, 1]) < small


def test_yearly_volatility_is_about_the_catalogues(year: tuple[Prices, Floats]) -> None:
    daily = np.diff(year[1][:, ::DAY_MINUTES]).std(axis=1) * np.sqrt(365)

    assert daily == pytest.approx([coin.volatility for coin in COINS[:COUNT]], rel=0.3)


def test_a_coin_is_in_the_markets_regime_its_own_delay_later(year: tuple[Prices, Floats]) -> None:
    prices, _ = year
    coins = np.arange(COUNT)

    assert {state for _, state in prices.turns} == {0, 1, 2}
    for minute, state in prices.turns[1:6]:
        turned = prices.regime(coins, minute + prices.delays)
        before = prices.regime(coins, minute + prices.delays - 1)
        assert (turned == state).all()
        assert (before != state).all()


def test_markets_rise_in_bull_and_fall_in_bear_regimes() -> None:
    gains: dict[int, list[float]] = {0: [], 1: [], 2: []}
    for seed in range(4):
        prices, paths = drawn(200, seed)
        market = paths.mean(axis=0)
        ends = [minute for minute, _ in prices.turns[1:]] + [paths.shape[1] - 1]
        for (minute, state), end in zip(prices.turns, ends, strict=True):
            gains[state].append(market[min(end, paths.shape[1] - 1)] - market[max(minute, 0)])

    assert sum(gains[0]) > 0 > sum(gains[1])


def test_jumps_are_where_the_record_says_and_as_large(year: tuple[Prices, Floats]) -> None:
    prices, paths = year
    steps = np.diff(paths, prepend=paths[:, :1])

    own = [jump for jump in prices.jumps if jump.coin is not None]
    assert len(own) > 20
    for jump in own:
        moved, usual = steps[jump.coin, jump.minute], steps[jump.coin].std()
        assert abs(moved - jump.size) < 25 * usual
        assert abs(jump.size) > 10 * usual


def test_the_foreseen_residual_has_unit_variance_and_no_memory() -> None:
    prices = Prices(5, COINS[:COUNT], FIRST_DAY)
    coins, days = np.arange(COUNT), []
    for day in range(300):
        prices.reach(day + 1)
        days.append(prices.future(coins, np.full(COUNT, day * DAY_MINUTES)))
    ahead = np.stack(days)

    small = 3.5 / np.sqrt(ahead.size)
    assert ahead.std() == pytest.approx(1, abs=0.05)
    assert abs(np.corrcoef(ahead[1:].ravel(), ahead[:-1].ravel())[0, 1]) < small
    assert np.abs(np.asarray(np.corrcoef(ahead.T))[np.triu_indices(COUNT, 1)]).mean() < 0.1
