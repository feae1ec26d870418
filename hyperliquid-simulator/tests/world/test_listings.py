"""Coins that are listed and delisted while the venue runs."""

from dataclasses import replace
from typing import Any

import pytest

from hyperliquid_simulator.accounts.trades import SETTLED, SPLIT
from hyperliquid_simulator.answers import info, views
from hyperliquid_simulator.answers.views import Json
from hyperliquid_simulator.coins.catalogue import COINS
from hyperliquid_simulator.coins.dexes import BUILDER_COINS
from hyperliquid_simulator.coins.funding import HOUR_MS
from hyperliquid_simulator.coins.pairs import Outcome
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.errors import ConfigError
from hyperliquid_simulator.protocol.channels import CHANNELS, parse_subscription
from hyperliquid_simulator.protocol.feeds import Feed, digest
from hyperliquid_simulator.protocol.subscriptions import UnknownCoinError
from hyperliquid_simulator.world.listings import KNOWN, candidate
from hyperliquid_simulator.world.world import World

ETHER, BUSY = 1, {"orders_per_second": 200.0}
DATA = ("bbo", "l2Book", "candle", "activeAssetCtx", "trades")


@pytest.fixture
def world(config: Config) -> World:
    return World(replace(config, orders_per_second=200.0), config.start_ms)


def test_some_coins_were_delisted_before_the_start(world: World) -> None:
    own = {coin["name"]: coin for coin in _universe(world) if "isDelisted" in coin}
    (built,) = [coin for coin in _universe(world, "xyz") if "isDelisted" in coin]
    context = _context(world, "MATIC")

    assert list(own) == ["MATIC", "HPOS"]
    assert list(own["HPOS"])[-2:] == ["onlyIsolated", "isDelisted"]
    assert list(built)[-3:] == ["onlyIsolated", "isDelisted", "marginMode"]
    assert (context["midPx"], context["premium"], context["impactPxs"]) == (None, None, None)
    assert (context["openInterest"], context["funding"]) == ("0.0", "0.0")
    assert info.answer(world, {"type": "allMids"})["MATIC"] == context["markPx"]
    assert info.answer(world, {"type": "l2Book", "coin": "MATIC"})["levels"] == [[], []]


@pytest.mark.parametrize("coin", [COINS[10], BUILDER_COINS[4]], ids=lambda coin: coin.name)
def test_a_new_coin_begins_with_no_trades_and_nobody_holding_it_and_then_trades(
    world: World, coin: Any
) -> None:
    world.step()
    with pytest.raises(UnknownCoinError):
        parse_subscription({"type": "trades", "coin": coin.name}, world)
    before = _universe(world, coin.dex)

    index = world.list_coin(coin)

    assert _universe(world, coin.dex)[:-1] == before
    assert _universe(world, coin.dex)[-1]["name"] == coin.name
    assert not world.recent[index]
    assert not any(account.lots(index) for account in world.ledger.accounts)
    feed = Feed(parse_subscription({"type": "trades", "coin": coin.name}, world), world.time)
    assert CHANNELS["trades"].first(world, feed) == []
    mine = [t for _ in range(400) for t in world.step().trades if t.coin == index]
    candle = world.bars[index].now("1d")
    assert len(mine) == candle.count > 10
    assert sum(max(a.lots(index), 0) for a in world.ledger.accounts) > 0
    assert world.ledger.open_interest[index] == sum(
        max(account.lots(index), 0) for account in world.ledger.accounts
    )


def test_a_new_coin_pays_funding_from_its_first_hour_on(world: World) -> None:
    index = world.list_coin(COINS[10])
    for _ in range(200):
        world.step()
    world.skip_to((world.time // HOUR_MS + 1) * HOUR_MS)
    for _ in range(5):
        world.step()

    asked = {"type": "fundingHistory", "coin": COINS[10].name, "startTime": 0}
    assert len(info.answer(world, asked)) == 1
    assert any(
        charge.coin == index
        for account in world.ledger.accounts
        for charge in world.ledger.charges.of(account.index, 0)
    )
    for user in world.addresses:
        info.answer(world, {"type": "userFunding", "user": user, "startTime": 0})


def test_a_delisted_coin_keeps_its_place_and_its_positions_end_at_the_oracle_price(
    world: World,
) -> None:
    for _ in range(20):
        world.step()
    held = {a.index: a.lots(ETHER) for a in world.ledger.accounts if a.lots(ETHER)}
    names = [coin["name"] for coin in _universe(world)]

    world.delist(ETHER)
    block = world.step()

    ends = {who: fill for who, fill in block.fills if fill.cause is SETTLED}
    oracle = world.market.quotes[ETHER].oracle
    assert [coin["name"] for coin in _universe(world)] == names
    assert _universe(world)[ETHER]["isDelisted"] is True
    assert {who: fill.start for who, fill in ends.items()} == held
    assert {(fill.ticks, fill.fee) for fill in ends.values()} == {(oracle, 0)}
    assert not any(trade.coin == ETHER for trade in block.trades)
    assert not any(account.lots(ETHER) for account in world.ledger.accounts)
    assert world.ledger.open_interest[ETHER] == 0
    for who in held:
        newest = info.answer(world, {"type": "userFills", "user": world.addresses[who]})
        settled = next(fill for fill in newest if fill["coin"] == "ETH")
        assert (settled["dir"], settled["hash"][2:].strip("0")) == ("Settlement", "")


def test_settling_pays_everybody_what_the_position_was_worth(world: World) -> None:
    world.trading = False
    world.step()
    accounts = world.ledger.accounts
    before = {a.index: (a.cash, a.lots(ETHER)) for a in accounts}

    world.delist(ETHER)
    block = world.step()

    price = world.market.quotes[ETHER].oracle
    assert {fill.coin for _, fill in block.fills} == {ETHER}
    for account in accounts:
        cash, lots = before[account.index]
        assert account.cash == cash + lots * price


def test_what_is_delisted_produces_no_more_data(world: World) -> None:
    feeds = [
        Feed(parse_subscription({"type": kind, "coin": "ETH", "interval": "1m"}, world), world.time)
        for kind in DATA
    ]
    world.delist(ETHER)
    world.step()
    candles = world.bars[ETHER].candles("1m", 0, 2**53)

    world.flip(ETHER, 1)
    for _ in range(1500):
        seen = digest(world.step())
        assert not any(fill.coin == ETHER for _, fill in seen.block.fills)
        for feed in feeds:
            assert not list(CHANNELS[feed.subscription.type].later(world, feed, seen))

    assert world.bars[ETHER].candles("1m", 0, 2**53) == candles
    assert world.time - candles[-1].opened > 60_000
    assert _context(world, "ETH")["midPx"] is None


def test_a_question_ends_by_itself_and_pays_the_side_that_was_right(config: Config) -> None:
    world = World(config, config.start_ms)
    sides = [i for i, coin in enumerate(world.coins) if isinstance(coin, Outcome)]
    yes = world.coins[sides[0]]
    assert isinstance(yes, Outcome)
    news = Feed(parse_subscription({"type": "outcomeMetaUpdates"}, world), world.time)
    assert CHANNELS[news.subscription.type].first(world, news) is None
    assert not list(CHANNELS[news.subscription.type].later(world, news, digest(world.step())))

    world.skip_to(yes.ends_ms)
    block = world.step()

    above = world.market.mark(0) > yes.threshold * 10 ** world.coins[0].price_decimals
    prices = {fill.coin: fill.ticks for _, fill in block.fills if fill.cause is SETTLED}
    assert prices == dict(zip(sides, [10**8, 0] if above else [0, 10**8], strict=True))
    (asked,) = info.answer(world, {"type": "outcomeMeta"})["outcomes"]
    assert "#14880" not in info.answer(world, {"type": "allMids"})
    (told,) = CHANNELS[news.subscription.type].later(world, news, digest(block))
    assert told == [{"outcomeCreated": asked}, {"outcomeSettled": yes.question}]
    for account in world.ledger.accounts:
        left = account.balances.get(yes.base.index)
        assert left is None or 0 <= left.units < yes.lot


def test_a_question_is_followed_by_another_that_trades_in_the_sight_of_clients(
    config: Config,
) -> None:
    world = World(replace(config, orders_per_second=200), config.start_ms)
    listed = len(world.coins)
    world.delist(world.coin_index["#14880"])

    split = [(who, fill) for who, fill in world.step().fills if fill.cause is SPLIT]
    blocks = [world.step() for _ in range(300)]

    sides = ["#14890", "#14891"]
    yes, no = (world.coin_index[side] for side in sides)
    assert (yes, no) == (listed, listed + 1)
    makers = {maker.index for maker in world.population.makers}
    assert {who for who, _ in split} == makers
    assert {view["dir"] for view in (views.fill(f, world.coins[f.coin]) for _, f in split)} == {
        "Split Outcome"
    }
    assert sum(fill.ticks for _, fill in split) == len(makers) * 10**8
    traded = {trade.coin for block in blocks for trade in block.trades}
    assert {yes, no} <= traded
    mids = info.answer(world, {"type": "allMids"})
    assert abs(sum(float(mids[side]) for side in sides) - 1) < 2e-4
    for channel in ("trades", "bbo", "l2Book", "activeAssetCtx"):
        feed = Feed(parse_subscription({"type": channel, "coin": sides[0]}, world), world.time)
        assert CHANNELS[channel].first(world, feed)
    assert info.answer(world, {"type": "recentTrades", "coin": sides[1]})
    for account in world.ledger.accounts:
        assert all(balance.units >= 0 for balance in account.balances.values())


def test_nothing_is_asked_about_a_perpetual_that_is_gone(world: World) -> None:
    world.delist(0)
    world.step()
    world.delist(world.coin_index["#14880"])
    world.step()

    assert info.answer(world, {"type": "outcomeMeta"})["outcomes"] == []


def test_the_whole_venue_can_be_delisted(world: World) -> None:
    for coin in range(len(world.past.coins)):
        world.delist(coin)
    for _ in range(100):
        world.step()

    assert not any(a.lots(c) for a in world.ledger.accounts for c in world.board.perps)
    assert {world.coins[t.coin].name for _ in range(300) for t in world.step().trades} <= set(
        world.board.trading()
    )


def test_what_cannot_be_listed_or_delisted_is_refused_with_the_reason(world: World) -> None:
    world.delist(ETHER)

    for wrong in (ETHER, world.coin_index["MATIC"], world.coin_index["@107"]):
        with pytest.raises(ConfigError):
            world.delist(wrong)
    for coin in (COINS[0], replace(COINS[10], name="nope:X", dex="nope")):
        with pytest.raises(ConfigError):
            world.list_coin(coin)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"coin": "NEW"},
        {"coin": "NEW", "price": -1},
        {"coin": "NEW", "price": "12"},
        {"coin": "NEW", "price": 12, "sizeDecimals": 9},
        {"coin": "NEW", "price": 12, "maxLeverage": 0},
    ],
)
def test_a_coin_to_list_has_a_known_name_or_a_price(body: Json) -> None:
    with pytest.raises(ConfigError):
        candidate(body)


def test_a_known_coin_needs_no_more_than_its_name_and_a_new_one_says_its_dex() -> None:
    assert candidate({"coin": "kBONK"}) is KNOWN["kBONK"]
    new = candidate({"coin": "xyz:NEW", "price": 12.5, "sizeDecimals": 2})

    assert (new.name, new.dex, new.size_decimals, new.price) == ("xyz:NEW", "xyz", 2, 12.5)


def _universe(world: World, dex: str = "") -> list[Json]:
    universe: list[Json] = info.answer(world, {"type": "meta", "dex": dex})["universe"]
    return universe


def _context(world: World, name: str) -> Json:
    meta, contexts = info.answer(world, {"type": "metaAndAssetCtxs"})
    names = [coin["name"] for coin in meta["universe"]]
    found: Json = contexts[names.index(name)]
    return found
