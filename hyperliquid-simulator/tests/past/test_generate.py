from dataclasses import replace
from itertools import pairwise

import numpy as np

from hyperliquid_simulator.accounts.account import Account
from hyperliquid_simulator.accounts.holdings import Position
from hyperliquid_simulator.accounts.trades import Fill
from hyperliquid_simulator.answers import views
from hyperliquid_simulator.coins.market import DAY_MS
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.past.executions import Executions
from hyperliquid_simulator.past.generate import generate
from hyperliquid_simulator.wire import decode_hash
from hyperliquid_simulator.world.world import World


def test_the_same_seed_and_start_give_the_same_bytes(config: Config) -> None:
    one, other = generate(config, config.start_ms), generate(config, config.start_ms)

    for name in ("time", "ticks", "lots", "taker", "maker", "taker_order"):
        assert getattr(one.trades, name).tobytes() == getattr(other.trades, name).tobytes()
    assert [a.cash for a in one.accounts] == [a.cash for a in other.accounts]
    assert one.population.traders == other.population.traders


def test_another_seed_gives_other_people_and_prices(config: Config) -> None:
    one = generate(config, config.start_ms)
    other = generate(replace(config, seed=8), config.start_ms)

    known_by_address = {one.population.liquidator.address}
    both = {t.address for t in one.population.traders} & set(other.population.by_address)
    assert both == known_by_address
    assert not np.array_equal(one.closes[0], other.closes[0])


def test_start_positions_chain_and_end_at_the_opening_books(world: World) -> None:
    for account in world.ledger.accounts:
        ends: dict[int, int] = {}
        for fill in _past_fills(world, account):
            assert fill.start == ends.get(fill.coin, 0)
            ends[fill.coin] = fill.start + (fill.lots if fill.side == "B" else -fill.lots)

        assert {c: lots for c, lots in ends.items() if lots} == {
            c: p.lots for c, p in account.positions.items() if p.lots
        }


def test_the_vectorised_past_agrees_with_the_ledger_fill_by_fill(world: World) -> None:
    for account in world.ledger.accounts:
        positions: dict[int, Position] = {}
        for fill in _past_fills(world, account):
            position = positions.setdefault(fill.coin, Position())
            closed = position.trade(fill.lots if fill.side == "B" else -fill.lots, fill.ticks)
            assert abs(closed - fill.closed) <= 1
            position.cost += fill.closed - closed

        for coin, position in positions.items():
            assert position.cost == account.positions[coin].cost


def test_every_trade_of_the_past_has_two_fills_with_one_id(world: World) -> None:
    seen: dict[tuple[int, int, int], list[bool]] = {}
    for account in world.ledger.accounts:
        for fill in _past_fills(world, account):
            seen.setdefault((fill.time, fill.coin, fill.tid), []).append(fill.crossed)

    assert len(seen) == len(world.past.trades)
    assert all(sorted(sides) == [False, True] for sides in seen.values())


def test_the_books_of_all_accounts_cancel(world: World) -> None:
    for coin in range(len(world.coins)):
        assert sum(account.lots(coin) for account in world.ledger.accounts) == 0


def test_records_end_at_what_the_accounts_are_worth_but_for_a_millionth_per_fill(
    world: World,
) -> None:
    marks = [int(close[-1]) for close in world.past.closes]

    worth = [a.equity(marks) - a.deposited for a in world.past.accounts]

    off = np.abs(np.array(worth) - world.past.records.profit[-1])
    assert (off <= 1 + np.diff(world.past.fills.first)).all()


def test_no_account_was_ever_worth_less_than_nothing(config: Config) -> None:
    past = generate(replace(config, traders=200, history_days=120), config.start_ms)
    ended = np.array([past.deaths.get(i, past.minutes) for i in range(len(past.population))])

    for time, profit in zip(past.records.time, past.records.profit, strict=True):
        worth = past.movements.balances(len(past.population), int(time)) + profit
        assert worth.min() >= 0
        gone = ended * 60_000 + past.origin_ms + DAY_MS < time
        assert (worth[gone] < 2_000_000).all()


def test_blocks_of_the_past_have_one_time_and_rising_heights(world: World) -> None:
    fills = [f for a in world.ledger.accounts for f in _past_fills(world, a)]
    decoded = {(fill.time, decode_hash(fill.hash)) for fill in fills}
    heights = sorted({(time, place[0]) for time, place in decoded if place})

    assert all(a[0] < b[0] and a[1] < b[1] for a, b in pairwise(heights))


def test_a_venue_started_later_on_the_day_has_the_same_past_up_to_then(config: Config) -> None:
    early, late = (generate(config, config.start_ms + hours * 3_600_000) for hours in (3, 9))

    known = len(early.trades)
    for name in ("time", "ticks", "lots", "taker", "maker", "taker_order", "maker_order", "index"):
        assert np.array_equal(getattr(early.trades, name), getattr(late.trades, name)[:known]), name
    assert all(
        np.array_equal(before, after[: len(before)])
        for before, after in zip(early.closes, late.closes, strict=True)
    )
    assert len(late.trades) > known
    for name in ("time", "kind", "sender", "receiver", "usd"):
        assert np.array_equal(
            getattr(early.movements, name),
            getattr(late.movements, name)[: len(early.movements)],
        ), name
    assert np.array_equal(early.funding.rates, late.funding.rates[: len(early.funding.rates)])


def test_at_once_the_majors_show_planted_conviction_on_both_sides(config: Config) -> None:
    for seed in range(1, 9):
        world = World(replace(config, seed=seed), config.start_ms)
        for _ in range(5):  # the opening turn takes a moment
            world.step()
        net = [_planted_net(world, coin) for coin in range(3)]

        assert max(net) > 0.9
        assert min(net) < -0.9


def test_fills_say_in_words_what_they_did(world: World) -> None:
    account = world.ledger.accounts[world.population.planted(0)[0].index]
    words = {
        views.fill(fill, world.coins[fill.coin])["dir"] for fill in _past_fills(world, account)
    }

    assert words <= {
        "Open Long",
        "Open Short",
        "Close Long",
        "Close Short",
        "Long > Short",
        "Short > Long",
    }
    assert {"Long > Short", "Short > Long"} & words


def _past_fills(world: World, account: Account) -> list[Fill]:
    """Return the fills that were generated; pairs have traded through the ledger itself."""
    found = Executions(world.past, 7, account).oldest_first()
    return [fill for fill in found if fill.coin < len(world.past.coins)]


def _planted_net(world: World, coin: int) -> float:
    lots = [world.ledger.accounts[t.index].lots(coin) for t in world.population.planted(coin)]
    return sum(lots) / sum(abs(n) for n in lots)


def test_those_who_fill_orders_hold_no_more_than_those_who_send_them(config: Config) -> None:
    past = generate(replace(config, history_days=60), config.start_ms)
    resting = {t.index for t in (*past.population.makers, *past.population.crowd)}

    for coin in range(len(past.coins)):
        gross = [0, 0]
        for account in past.accounts:
            gross[account.index in resting] += abs(account.lots(coin))
        assert gross[True] <= gross[False]
