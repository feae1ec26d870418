from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from msgspec.structs import replace as changed

from hyperliquid_simulator.accounts.account import Account
from hyperliquid_simulator.accounts.holdings import Position
from hyperliquid_simulator.accounts.trades import Fill
from hyperliquid_simulator.coins.catalogue import Perp
from hyperliquid_simulator.coins.market import DAY_MS
from hyperliquid_simulator.coins.pairs import Listed
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.wire import ZERO_HASH, decode_hash
from hyperliquid_simulator.world.world import Block, World


def test_positions_are_the_sum_of_public_trades_even_through_flips(world: World) -> None:
    books = _books(world)
    flips = 0

    for n in range(3000):
        if n % 600 == 300:
            world.flip(n % 3, 1 if n % 1200 == 300 else -1)
        for trade in world.step().trades:
            if not isinstance(world.coins[trade.coin], Perp):
                continue
            for account, delta in ((trade.buyer, trade.lots), (trade.seller, -trade.lots)):
                before = books[account, trade.coin]
                books[account, trade.coin] += delta
                flips += before * books[account, trade.coin] < 0

    assert {key: lots for key, lots in books.items() if lots} == {
        key: lots for key, lots in _books(world).items() if lots
    }
    assert flips > 20


def test_the_same_seed_lives_the_same_life(config: Config) -> None:
    one, other = World(config, config.start_ms), World(config, config.start_ms)

    assert [one.step() for _ in range(500)] == [other.step() for _ in range(500)]


def test_blocks_come_about_fourteen_times_a_second_each_at_its_own_time(world: World) -> None:
    start = world.time
    blocks = [world.step() for _ in range(2000)]

    assert 13.0 < 2000 / ((world.time - start) / 1000) < 15.0
    assert all(a.time < b.time and a.height + 1 == b.height for a, b in pairwise(blocks))
    assert all(trade.time == block.time for block in blocks for trade in block.trades)


def test_hashes_name_their_block_and_order_within_it(world: World) -> None:
    for _ in range(500):
        block = world.step()
        places = [decode_hash(t.hash) for t in block.trades if t.hash != ZERO_HASH]

        assert all(place is not None and place[0] == block.height for place in places)
        indices = [place[1] for place in places if place]
        assert indices == sorted(indices)


def test_sweeps_share_a_hash_and_a_taker(config: Config) -> None:
    world = World(replace(config, orders_per_second=100), config.start_ms)
    sweeps = defaultdict(list)
    for _ in range(500):
        for trade in world.step().trades:
            if trade.hash != ZERO_HASH:
                sweeps[trade.hash].append(trade)

    sizes = Counter(len(trades) for trades in sweeps.values())
    assert set(sizes) == {1, 2, 3}
    assert sizes[1] > sizes[2] > sizes[3]
    for trades in sweeps.values():
        takers = {t.buyer if t.side == "B" else t.seller for t in trades}
        makers = {t.seller if t.side == "B" else t.buyer for t in trades}
        assert len(takers) == 1
        assert len(makers) in {1, len(trades)}


def test_some_fills_of_a_block_differ_only_in_trade_id_and_start(config: Config) -> None:
    world = World(replace(config, orders_per_second=100), config.start_ms)
    fills = [fill for _ in range(1000) for fill in world.step().fills]

    alike = Counter((who, changed(f, tid=0, start=0, order=0)) for who, f in fills)
    assert 0.002 < sum(n for n in alike.values() if n > 1) / len(fills) < 0.037


def test_orders_meet_their_own_account_as_often_as_configured(config: Config) -> None:
    world = World(replace(config, orders_per_second=100, self_trades=0.02), config.start_ms)
    blocks = [world.step() for _ in range(1000)]

    trades = [t for block in blocks for t in block.trades]
    own = [t for t in trades if t.buyer == t.seller]
    assert 0.008 < len(own) / len(trades) < 0.02
    assert all(
        sum(f.tid == t.tid for _, f in block.fills) == 2 for block in blocks for t in block.trades
    )


def test_a_third_of_bitcoin_trades_are_twap_slices_right_after_a_second(world: World) -> None:
    blocks = [world.step() for _ in range(8000)]
    trades = [t for block in blocks for t in block.trades if t.coin == 0]
    slices = [t for t in trades if t.hash == ZERO_HASH]

    assert 0.25 < len(slices) / len(trades) < 0.42
    assert {t.time % 1000 for t in slices} <= set(range(2, 45))


def test_ids_never_repeat_and_fit_fifty_bits(world: World) -> None:
    trades = [t for _ in range(2000) for t in world.step().trades]

    assert len({(t.time, t.coin, t.tid) for t in trades}) == len(trades)
    assert all(0 <= t.tid < 2**50 for t in trades)


def test_fills_chain_from_the_past_into_the_present(world: World) -> None:
    for _ in range(300):
        world.step()

    for account in world.ledger.accounts:
        ends: dict[int, int] = {}
        for fill in _apart_from_self_trades(account.fills):
            assert fill.start == ends.get(fill.coin, fill.start)
            ends[fill.coin] = _after(fill, world.coins[fill.coin])
        assert all(_held(account, coin, world) == end for coin, end in ends.items())


def test_a_flip_on_command_turns_every_planted_trader_in_the_next_block(world: World) -> None:
    world.flip(1, -1)
    world.step()
    assert all(world.ledger.accounts[t.index].lots(1) < 0 for t in world.population.planted(1))

    world.flip(1, 1)
    world.step()
    assert all(world.ledger.accounts[t.index].lots(1) > 0 for t in world.population.planted(1))


def test_a_flip_on_command_while_others_still_turn_holds(world: World) -> None:
    opposite = -world.flow.directions[1]
    world.flip(1, opposite)

    world.step()
    for _ in range(20):
        held = [world.ledger.accounts[t.index].lots(1) for t in world.population.planted(1)]
        assert all(lots * opposite > 0 for lots in held)
        world.step()


def test_the_opening_turn_takes_as_long_as_there_are_many_and_makes_no_block_long(
    config: Config,
) -> None:
    many = replace(config, traders=1_500, orders_per_second=0.0, flip_seconds=1_000.0)
    world = World(many, many.start_ms)
    world.skip_to(many.start_ms + 10_000)  # so long it took to build
    positions = [(t.index, c) for t in world.population.traders if t.planted for c in t.coins]
    wanted = [world.flow.directions[coin] for _, coin in positions]

    blocks = _until(world, many.start_ms + 10_000 + len(positions) + 200)

    held = [world.ledger.accounts[who].lots(coin) for who, coin in positions]
    turned = sum(side * lots > 0 for side, lots in zip(wanted, held, strict=True))
    assert turned > 0.98 * len(positions)
    assert max(len(block.trades) for block in blocks) < len(positions) // 4


def test_a_venue_restarted_later_finds_what_the_first_one_lived_to_see(config: Config) -> None:
    calm = replace(config, flip_seconds=0.0, orders_per_second=0.0, self_trades=0.0)
    later = config.start_ms + 8 * 3_600_000
    lived, restarted = World(calm, config.start_ms), World(calm, later)

    lived.skip_to(later)
    lived.step()

    assert lived.marks == pytest.approx(restarted.marks, rel=0.005)
    changed = 0
    for trader in lived.population.traders:
        for coin in trader.coins if trader.planted else ():
            before, after = (
                world.ledger.accounts[trader.index].lots(coin) for world in (lived, restarted)
            )
            budget = trader.capital * trader.exposure * 1e6 / lived.marks[coin]
            assert before == pytest.approx(after, abs=0.1 * budget)
            changed += bool(before)
    assert changed


def test_who_has_nothing_left_decides_nothing(world: World) -> None:
    ruined = world.population.planted(1)[0].index
    world.flip(1, 1)
    world.step()
    held = world.ledger.accounts[ruined].lots(1)
    for pocket in world.ledger.accounts[ruined].pockets.values():
        pocket.receive(-world.ledger.accounts[ruined].equity(world.marks))

    orders = []
    for direction in (-1, 1):
        world.flow.turn(1, direction, world.time, spread_ms=0.0)
        orders += world.flow.due(world.time, world.market)

    assert held
    assert orders
    assert ruined not in {order.account for order in orders}


def test_planted_traders_turn_by_themselves_and_majors_never_all_agree(world: World) -> None:
    seen = set()
    for _ in range(6000):
        world.step()
        seen.add(tuple(world.flow.directions[:3]))

    assert len(seen) > 3
    assert all(abs(sum(directions)) < 3 for directions in seen)


def test_at_rest_there_are_blocks_but_no_trades(world: World) -> None:
    world.trading = False
    books = _books(world)

    assert not any(world.step().trades for _ in range(200))
    assert _books(world) == books


def test_a_burst_adds_the_trades_asked_for(world: World) -> None:
    quiet = sum(len(world.step().trades) for _ in range(10))
    world.burst(5000)

    assert sum(len(world.step().trades) for _ in range(10)) > quiet + 4500


def test_funding_is_charged_right_after_the_hour(config: Config) -> None:
    start = config.start_ms // 3_600_000 * 3_600_000 + 3_599_500
    world = World(config, start)
    world.trading = False
    before = [account.cash for account in world.ledger.accounts]

    blocks = _until(world, start + 700)

    paid = [b - a.cash for b, a in zip(before, world.ledger.accounts, strict=True)]
    assert any(paid)
    assert abs(sum(paid)) <= len(paid) * len(world.coins)
    assert len(world.history.times) == len(world.past.records.time) + 1
    hour = start // 3_600_000 * 3_600_000 + 3_600_000
    assert next(b for b in blocks if b.time >= hour + 12).time <= world.history.times[-1]


def test_a_state_node_that_stands_still_keeps_its_time_and_books(world: World) -> None:
    world.step()
    address = world.population.planted(0)[0].address
    world.stand_still(still=True)
    then = world.state_time
    world.flip(0, -1 if (held := _lots(world, address)) > 0 else 1)
    world.step()

    assert world.state_time == then
    assert _lots(world, address) == held

    world.stand_still(still=False)
    assert _lots(world, address) * held < 0
    assert world.state_time == world.time


def test_after_a_long_sleep_the_world_goes_on_from_the_present(world: World) -> None:
    later = world.time + 3_600_000.0

    world.skip_to(later)
    block = world.step()

    assert block.time >= later
    assert world.bars[0].now("1m").opened <= block.time


def _after(fill: Fill, coin: Listed) -> int:
    """Return what an account held after a fill: a fee in the token it received left less."""
    buys = fill.side == "B"
    if isinstance(coin, Perp):
        return fill.start + (fill.lots if buys else -fill.lots)
    fee = fill.fee if coin.fee_token(buys=buys, fee=fill.fee) is coin.base else 0
    return fill.start + coin.lot * (fill.lots if buys else -fill.lots) - fee


def _held(account: Account, coin: int, world: World) -> int:
    listed = world.coins[coin]
    if isinstance(listed, Perp):
        return account.lots(coin)
    return account.balances[listed.base.index].units


def _books(world: World) -> defaultdict[tuple[int, int], int]:
    return defaultdict(
        int,
        {
            (account.index, coin): position.lots
            for account in world.ledger.accounts
            for coin, position in account.positions.items()
        },
    )


def _apart_from_self_trades(fills: Iterable[Fill]) -> list[Fill]:
    rows = list(fills)
    seen = Counter(fill.tid for fill in rows)
    return [fill for fill in rows if seen[fill.tid] == 1]


def _lots(world: World, address: str) -> int:
    account = world.account(address)
    assert account is not None
    return account.positions.get(0, Position()).lots


def _until(world: World, time_ms: int) -> list[Block]:
    blocks = []
    while world.time < time_ms:
        blocks.append(world.step())
    return blocks


@pytest.mark.parametrize("days", [1, 6, 30])
def test_a_world_that_slept_goes_on_where_prices_and_decisions_are_by_now(
    config: Config, days: int
) -> None:
    slept, awake = (World(replace(config, flip_seconds=0.0), config.start_ms) for _ in range(2))
    slept.skip_to(slept.time + days * DAY_MS)
    for each in range(1, days + 1):
        awake.skip_to(config.start_ms + each * DAY_MS)
        awake.step()

    block = slept.step()

    assert block.trades
    listed = len(slept.past.coins)
    assert np.allclose(slept.marks[:listed], awake.marks[:listed], rtol=0.02)
    one, other = ([a.lots(0) for a in world.ledger.accounts] for world in (slept, awake))
    assert np.corrcoef(one, other)[0, 1] > 0.9


def test_a_world_that_was_paused_for_a_week_goes_on(world: World) -> None:
    world.trading = False
    for day in range(1, 8):
        world.skip_to(world.time + DAY_MS)
        assert not world.step().trades, day
    world.trading = True

    assert world.step().trades
