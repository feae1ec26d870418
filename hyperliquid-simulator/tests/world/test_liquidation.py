"""Accounts that fail: at the market, taken over, deleveraged; and what everybody hears of it."""

from dataclasses import replace

import pytest

from hyperliquid_simulator.accounts.account import Account
from hyperliquid_simulator.accounts.holdings import Position
from hyperliquid_simulator.accounts.margin import whole
from hyperliquid_simulator.accounts.movements import Kind
from hyperliquid_simulator.accounts.trades import Cause, Fill
from hyperliquid_simulator.answers import info, markets, views
from hyperliquid_simulator.answers.views import Json
from hyperliquid_simulator.coins.tokens import UNITS, USDC
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.errors import ConfigError
from hyperliquid_simulator.protocol.channels import CHANNELS, parse_subscription
from hyperliquid_simulator.protocol.feeds import Feed, digest
from hyperliquid_simulator.wire import MICRO, decode_hash, exact
from hyperliquid_simulator.world.events import Hidden, Method
from hyperliquid_simulator.world.world import Block, World

SMALL, LARGE = 40_000, 400_000
"""Dollars in positions of which all and of which a fifth is sold at first."""

BITCOIN = 0


@pytest.fixture
def quiet(config: Config) -> World:
    """A world in which nobody trades of his own accord, and the book is never too thin."""
    still = replace(config, orders_per_second=0, flip_seconds=0, nettings_per_hour=0)
    world = World(replace(still, thin_book=0), config.start_ms)
    world.step()
    return world


def test_an_account_that_has_enough_is_left_alone(quiet: World) -> None:
    account = _long(quiet, SMALL, spare=0.02)

    blocks = [quiet.step() for _ in range(20)]

    assert account.lots(BITCOIN) > 0
    assert not any(block.fills for block in blocks)


def test_one_that_fails_is_sold_at_the_market_and_everybody_sees_it(quiet: World) -> None:
    account = _long(quiet, SMALL, spare=0.001)

    block = _fall(quiet, 0.003)

    assert account.lots(BITCOIN) == 0
    assert account.equity(quiet.marks) > 0
    assert {trade.seller for trade in block.trades} == {account.index}
    assert {trade.side for trade in block.trades} == {"A"}
    for _, fill in block.fills:
        row = _row(quiet, fill)
        assert row["liquidation"] == {
            "liquidatedUser": quiet.addresses[account.index],
            "markPx": markets.contexts(quiet)[BITCOIN]["markPx"],
            "method": "market",
        }
    mine = [_row(quiet, fill) for who, fill in block.fills if who == account.index]
    assert {(row["dir"], row["crossed"]) for row in mine} == {("Close Long", True)}


def test_of_a_large_position_a_fifth_is_sold_first_and_the_rest_if_that_does_not_help(
    quiet: World,
) -> None:
    account = _long(quiet, LARGE, spare=0.001)
    lots = account.lots(BITCOIN)

    _fall(quiet, 0.003)
    first = account.lots(BITCOIN)
    _fall(quiet, 0.003)

    assert first == lots - lots // 5
    assert account.lots(BITCOIN) == 0


def test_what_is_nearly_lost_is_taken_over_with_its_margin_and_no_trade_shows_it(
    quiet: World,
) -> None:
    account = _long(quiet, SMALL, spare=0.001)
    liquidator = quiet.ledger.accounts[quiet.population.liquidator.index]
    lots, before = account.lots(BITCOIN), liquidator.equity(quiet.marks)

    block = _fall(quiet, 0.009)

    assert not block.trades
    assert account.positions[BITCOIN].lots == account.equity(quiet.marks) == 0
    assert liquidator.lots(BITCOIN) == lots
    assert liquidator.equity(quiet.marks) > before
    assert {who for who, _ in block.fills} == {account.index, liquidator.index}
    rows = [_row(quiet, fill) for _, fill in block.fills]
    assert {row["liquidation"]["method"] for row in rows} == {"backstop"}
    assert {row["fee"] for row in rows} == {"0.0"}
    assert len({row["tid"] for row in rows}) == 1


def test_the_liquidator_sells_what_it_took_over(quiet: World) -> None:
    account = _long(quiet, SMALL, spare=0.001)
    _fall(quiet, 0.009)
    liquidator = quiet.ledger.accounts[quiet.population.liquidator.index]
    taken = liquidator.lots(BITCOIN)

    trades = [trade for _ in range(2000) for trade in quiet.step().trades]

    assert 0 < liquidator.lots(BITCOIN) < taken / 2
    sold = sum(trade.lots for trade in trades if trade.seller == liquidator.index)
    assert sold == taken - liquidator.lots(BITCOIN)
    assert account.lots(BITCOIN) == 0


def test_what_nobody_would_take_is_closed_against_who_won_most(quiet: World) -> None:
    account = _long(quiet, SMALL, spare=0.001)
    lots, interest = account.lots(BITCOIN), quiet.ledger.open_interest[BITCOIN]
    ahead = _most_profitable_short(quiet, 0.05)
    short = ahead.lots(BITCOIN)

    block = _fall(quiet, 0.05)

    assert not block.trades
    assert account.lots(BITCOIN) == 0
    assert 0 <= account.equity(quiet.marks) < 1 * MICRO
    assert ahead.lots(BITCOIN) == short + min(lots, -short)
    assert quiet.ledger.open_interest[BITCOIN] == interest - lots
    rows = [_row(quiet, fill) for _, fill in block.fills]
    assert {row["dir"] for row in rows} == {"Auto-Deleveraging"}
    assert {row["fee"] for row in rows} == {"0.0"}


def test_spot_dollars_of_a_unified_account_hold_its_positions_and_go_with_them(
    quiet: World,
) -> None:
    account = _long(quiet, SMALL, spare=0.001)
    account.unified = True
    account.balance(USDC.index).units = 0
    before = _liquidation_price(quiet, account)
    account.balance(USDC.index).units = 1_000 * MICRO * UNITS

    held = _liquidation_price(quiet, account)
    kept = _fall(quiet, 0.01)
    spot = info.spot_state(quiet, quiet.addresses[account.index])
    lost = _fall(quiet, 0.03)

    assert held < before * 0.98
    assert not kept.fills
    assert spot["balances"][0]["total"] == "1000.0"
    (_, free), *_ = spot["tokenToAvailableAfterMaintenance"]
    assert 0 < float(free) < 1_000
    assert [row.kind for row in lost.movements] == [Kind.ACCOUNT_CLASS_TRANSFER, Kind.LIQUIDATION]
    assert account.lots(BITCOIN) == account.balance(USDC.index).units == 0


def test_an_isolated_position_falls_alone(quiet: World) -> None:
    account = _long(quiet, SMALL, spare=0.5)
    account.positions[1] = Position()
    _open(quiet, account, 1, SMALL)
    position, mark = account.positions[1], quiet.marks[1]
    position.isolated, position.leverage = True, 20
    position.raw = position.lots * mark // 49 - position.lots * mark

    quiet.jump(1, 0.997)
    block = quiet.step()

    assert account.lots(1) == 0
    assert account.lots(BITCOIN) > 0
    (row,) = _ledger_rows(quiet, account, block)
    assert row["delta"]["leverageType"] == "Isolated"


def test_the_ledger_tells_what_was_liquidated(quiet: World) -> None:
    account = _long(quiet, SMALL, spare=0.001)
    lots = account.lots(BITCOIN)

    block = _fall(quiet, 0.003)

    (row,) = _ledger_rows(quiet, account, block)
    (trade, *_) = block.trades
    assert row["hash"] == trade.hash
    assert list(row["delta"]) == [
        "type",
        "liquidatedNtlPos",
        "accountValue",
        "leverageType",
        "liquidatedPositions",
    ]
    assert row["delta"]["leverageType"] == "Cross"
    assert row["delta"]["liquidatedPositions"] == [
        {"coin": "BTC", "szi": exact(lots, quiet.coins[BITCOIN].size_decimals)}
    ]
    asked = {"type": "userNonFundingLedgerUpdates", "user": quiet.addresses[account.index]}
    assert info.answer(quiet, asked)[-1] == row


def test_sockets_hear_of_a_liquidation_once_as_event_and_once_as_ledger_entry(
    quiet: World,
) -> None:
    account = _long(quiet, SMALL, spare=0.001)
    feeds = [
        Feed(parse_subscription({"type": kind, "user": quiet.addresses[account.index]}, quiet))
        for kind in ("userEvents", "userNonFundingLedgerUpdates")
    ]

    block = _fall(quiet, 0.003)

    events, entries = (
        list(CHANNELS[feed.subscription.type].later(quiet, feed, digest(block))) for feed in feeds
    )
    (happened,) = [event["liquidation"] for event in events if "liquidation" in event]
    ((entry,),) = [update["nonFundingLedgerUpdates"] for update in entries]
    assert happened["liquidated_user"] == quiet.addresses[account.index]
    assert happened["liquidated_ntl_pos"] == entry["delta"]["liquidatedNtlPos"]
    assert happened["liquidated_account_value"] == entry["delta"]["accountValue"]
    assert [list(update) for update in entries] == [["user", "nonFundingLedgerUpdates"]]


@pytest.mark.parametrize("method", Method)
def test_a_healthy_account_is_liquidated_on_command(quiet: World, method: Method) -> None:
    account = _long(quiet, SMALL, spare=0.5)

    quiet.events.liquidate(account, method)
    block = quiet.step()

    assert not any(position.lots for position in account.positions.values())
    assert bool(block.trades) == (method is Method.MARKET)
    assert len(_ledger_rows(quiet, account, block)) == 1


@pytest.mark.parametrize("kind", [Hidden.BACKSTOP, Hidden.DELEVERAGING])
def test_a_position_vanishes_on_command_without_a_trade(quiet: World, kind: Hidden) -> None:
    account = _long(quiet, SMALL, spare=0.5)
    lots = account.lots(BITCOIN)

    quiet.events.hide(account, kind, BITCOIN)
    block = quiet.step()

    assert not block.trades
    assert account.lots(BITCOIN) == 0
    last = list(account.fills)[-1]
    assert last.start - last.lots == 0 <= lots
    assert decode_hash(last.hash) == (block.height, quiet.events.clearing.transactions)


def test_a_vault_and_its_child_net_what_they_hold_against_each_other(quiet: World) -> None:
    people, accounts = quiet.population, quiet.ledger.accounts
    vault = accounts[people.vaults[0].index]
    coin = next(coin for coin in range(len(quiet.coins)) if vault.lots(coin))
    total = _family(quiet, coin)

    quiet.events.hide(vault, Hidden.NETTING, coin)
    block = quiet.step()

    assert not block.trades
    assert [_row(quiet, fill)["dir"] for _, fill in block.fills] == ["Net Child Vaults"] * 2
    assert {who for who, _ in block.fills} < {
        vault.index,
        *(child.index for child in people.children(people.vaults[0])),
    }
    assert _family(quiet, coin) == total


def test_the_vault_nets_by_itself_now_and_then(config: Config) -> None:
    world = World(replace(config, nettings_per_hour=3_600), config.start_ms)

    hidden = [fill for _ in range(300) for _, fill in world.step().fills if fill.cause]

    assert len(hidden) > 4
    assert {fill.cause.direction for fill in hidden if fill.cause} == {"Net Child Vaults"}


def test_what_an_account_does_not_hold_cannot_be_changed(quiet: World) -> None:
    people = quiet.population
    flat = next(a for a in quiet.ledger.accounts if not any(p.lots for p in a.positions.values()))
    trader = quiet.ledger.accounts[people.planted(0)[0].index]

    with pytest.raises(ConfigError):
        quiet.events.liquidate(flat, Method.MARKET)
    with pytest.raises(ConfigError):
        quiet.events.hide(flat, Hidden.BACKSTOP)
    with pytest.raises(ConfigError):
        quiet.events.hide(trader, Hidden.NETTING)


def _long(world: World, dollars: int, spare: float) -> Account:
    """Return an account that holds bitcoin alone, and this part of it more than it must."""
    planted = {trader.index for trader in world.population.planted(BITCOIN)}
    account = next(
        a for a in world.ledger.accounts if a.index not in planted and a.lots(BITCOIN) == 0
    )
    for coin, position in list(account.positions.items()):
        if position.lots:
            world.events.hide(account, Hidden.DELEVERAGING, coin)
    world.step()
    _open(world, account, BITCOIN, dollars)
    pool = whole(account, world.board.perps, world.marks, "")
    left = pool.maintenance + round(spare * pool.notional)
    account.pocket("").receive(left - pool.value)
    return account


def _liquidation_price(world: World, account: Account) -> float:
    state = info.clearinghouse_state(world, world.addresses[account.index])
    return float(state["assetPositions"][0]["position"]["liquidationPx"])


def _open(world: World, account: Account, coin: int, dollars: int) -> None:
    """Let an account have so much of a coin at the mark, from a maker."""
    mark, maker = world.marks[coin], world.population.makers[0].index
    parties = (maker, account.index)
    lots = dollars * MICRO // mark
    world.events.clearing.hand_over(coin, lots, mark, parties, Cause(hidden=True))


def _fall(world: World, part: float) -> Block:
    world.jump(BITCOIN, 1 - part)
    return world.step()


def _most_profitable_short(world: World, fall: float) -> Account:
    mark = world.marks[BITCOIN] * (1 - fall)

    def won(account: Account) -> float:
        position = account.positions[BITCOIN]
        part = (position.lots * mark - position.cost) / abs(position.cost)
        return part * account.leverage

    shorts = [account for account in world.ledger.accounts if account.lots(BITCOIN) < 0]
    return max(shorts, key=won)


def _family(world: World, coin: int) -> int:
    people = world.population
    members = [people.vaults[0], *people.children(people.vaults[0])]
    return sum(world.ledger.accounts[member.index].lots(coin) for member in members)


def _row(world: World, fill: Fill) -> Json:
    return views.fill(fill, world.coins[fill.coin])


def _ledger_rows(world: World, account: Account, block: Block) -> list[Json]:
    rows = [row for row in block.movements if account.index in row.parties]
    return [views.movement(row, world.addresses) for row in rows]
