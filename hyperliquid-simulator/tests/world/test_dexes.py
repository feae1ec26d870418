"""Dexes that builders run beside the venue's own: their universes, pockets, funding and channels."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies as st

from hyperliquid_simulator.accounts.account import Account
from hyperliquid_simulator.accounts.holdings import Pocket
from hyperliquid_simulator.accounts.ledger import Ledger
from hyperliquid_simulator.accounts.trades import Trade
from hyperliquid_simulator.answers import info
from hyperliquid_simulator.answers.views import Json
from hyperliquid_simulator.coins.dexes import BUILDER_COINS, DEXES
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.errors import RequestError
from hyperliquid_simulator.protocol.channels import CHANNELS, parse_subscription
from hyperliquid_simulator.protocol.feeds import Feed
from hyperliquid_simulator.protocol.subscriptions import InvalidSubscriptionError
from hyperliquid_simulator.wire import ZERO_HASH
from hyperliquid_simulator.world.world import World

BUILDERS = ("xyz", "flx", "hyna")


def test_the_venues_own_dex_comes_first_and_says_nothing_of_itself(world: World) -> None:
    own, *others = info.answer(world, {"type": "perpDexs"})

    assert own is None
    assert tuple(dex["name"] for dex in others) == BUILDERS
    for dex in others:
        names = [coin["name"] for coin in _universe(world, dex["name"])]
        assert [coin for coin, _ in dex["assetToStreamingOiCap"]] == names


def test_every_dex_lists_coins_under_its_own_name_and_in_its_own_collateral(world: World) -> None:
    tokens = {t["index"]: t["name"] for t in info.answer(world, {"type": "spotMeta"})["tokens"]}
    metas = {dex.name: _ask(world, "meta", dex.name) for dex in world.board.dexes}

    assert [tokens[metas[name]["collateralToken"]] for name in ("", *BUILDERS)] == [
        *("USDC", "USDC", "USDH", "USDE")
    ]
    for name, meta in metas.items():
        prefixes = {coin["name"].rpartition(":")[0] for coin in meta["universe"]}
        assert prefixes == {name}
        assert len(_ask(world, "metaAndAssetCtxs", name)[1]) == len(meta["universe"])
        assert set(_ask(world, "allMids", name)) >= {c["name"] for c in meta["universe"]}
    assert not any("@" in coin or "#" in coin for coin in _ask(world, "allMids", "xyz"))


def test_growth_mode_is_told_by_the_universe_and_halves_the_funding(world: World) -> None:
    universe = {coin["name"]: coin for coin in _universe(world, "xyz")}
    asked = {"type": "fundingHistory", "coin": "xyz:XYZ100", "startTime": 0}

    rates = Counter(row["fundingRate"] for row in info.answer(world, asked))

    assert universe["xyz:XYZ100"]["growthMode"] == "enabled"
    assert "growthMode" not in _universe(world, "flx")[0]
    assert rates.most_common(1)[0][0] == "0.00000625"


def test_some_hold_a_builders_coin_that_nobody_has_seen_them_trade(config: Config) -> None:
    world = World(replace(config, history_days=60), config.start_ms)
    seen = {who for trades in world.recent for t in trades for who in (t.buyer, t.seller)}
    hidden = [
        account
        for account in world.ledger.accounts
        if account.index not in seen
        and any(p.lots and world.board.perps[coin].dex for coin, p in account.positions.items())
    ]

    assert hidden
    for account in hidden:
        user = world.addresses[account.index]
        states = [info.clearinghouse_state(world, user, dex) for dex in BUILDERS]
        assert any(state["assetPositions"] for state in states)
        own = info.clearinghouse_state(world, user)["assetPositions"]
        assert not any(":" in row["position"]["coin"] for row in own)


def test_fills_on_a_dex_pay_their_fee_in_its_collateral(world: World) -> None:
    maker = world.population.makers[0].address
    fills = info.answer(world, {"type": "userFills", "user": maker})

    paid = {
        (fill["coin"].rpartition(":")[0], fill["feeToken"])
        for fill in fills
        if fill["coin"].isalnum() or ":" in fill["coin"]
    }
    assert ("", "USDC") in paid
    assert ("flx", "USDH") in paid
    assert paid <= {(dex.name, dex.collateral.name) for dex in DEXES}


trades = st.lists(
    st.tuples(
        st.integers(0, len(BUILDER_COINS) - 1),
        st.booleans(),
        st.integers(1, 1_000),
        st.integers(1, 10_000),
    ),
    max_size=30,
)


@given(trades)
def test_a_trade_touches_the_pockets_of_its_own_dex_alone(
    rows: list[tuple[int, bool, int, int]],
) -> None:
    ledger = Ledger([_account(0), _account(1)], frozenset(), BUILDER_COINS)

    for coin, buys, lots, ticks in rows:
        before = [_cash(account) for account in ledger.accounts]
        fills = ledger.settle(_trade(coin, lots, ticks, buyer=not buys, seller=buys))
        dex = BUILDER_COINS[coin].dex

        for (who, fill), cash in zip(fills, (before[not buys], before[buys]), strict=True):
            change = (-1 if fill.side == "B" else 1) * lots * ticks - fill.fee
            assert _cash(ledger.accounts[who]) == cash | {dex: cash[dex] + change}


async def test_an_unknown_dex_is_a_500_and_an_invalid_subscription(world: World) -> None:
    user = world.addresses[0]

    for kind in ("meta", "metaAndAssetCtxs", "allMids", "clearinghouseState"):
        with pytest.raises(RequestError) as refused:
            info.answer(world, {"type": kind, "dex": "nope", "user": user})
        assert (refused.value.status, refused.value.body) == (500, b"null")
    with pytest.raises(InvalidSubscriptionError):
        parse_subscription({"type": "clearinghouseState", "user": user, "dex": "nope"}, world)


def test_mids_name_their_dex_if_the_subscription_does(world: World) -> None:
    named = parse_subscription({"type": "allMids", "dex": "xyz"}, world)
    plain = parse_subscription({"type": "allMids"}, world)

    data = CHANNELS["allMids"].first(world, Feed(named, world.time))
    assert (named.wire(), plain.wire()) == (
        {"type": "allMids", "dex": "xyz"},
        {"type": "allMids"},
    )
    assert data == {"dex": "xyz", "mids": _ask(world, "allMids", "xyz")}
    assert list(CHANNELS["allMids"].first(world, Feed(plain, world.time))) == ["mids"]


def test_states_are_of_the_dex_asked_for(world: World) -> None:
    user = world.population.makers[0].address
    wanted = parse_subscription({"type": "clearinghouseState", "user": user, "dex": "flx"}, world)

    data = CHANNELS["clearinghouseState"].first(world, Feed(wanted, world.time))

    coins = {row["position"]["coin"] for row in data["clearinghouseState"]["assetPositions"]}
    assert data["dex"] == "flx"
    assert coins <= {"flx:CRCL"}
    assert Decimal(data["clearinghouseState"]["marginSummary"]["accountValue"]) > 0


def _ask(world: World, kind: str, dex: str) -> Any:
    return info.answer(world, {"type": kind, "dex": dex})


def _universe(world: World, dex: str) -> list[Json]:
    universe: list[Json] = _ask(world, "meta", dex)["universe"]
    return universe


def _account(index: int) -> Account:
    pockets = {dex: Pocket(10**9, 10**9) for dex in BUILDERS}
    return Account(index=index, leverage=5, pockets=pockets)


def _cash(account: Account) -> dict[str, int]:
    return {dex: pocket.cash for dex, pocket in account.pockets.items()}


def _trade(coin: int, lots: int, ticks: int, buyer: int, seller: int) -> Trade:
    return Trade(
        coin=coin,
        side="B",
        ticks=ticks,
        lots=lots,
        time=1,
        hash=ZERO_HASH,
        tid=1,
        buyer=int(buyer),
        seller=int(seller),
        buyer_order=1,
        seller_order=2,
    )
