"""Requests about an account's money, limits and vaults."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from hyperliquid_simulator.accounts.population import Trader
from hyperliquid_simulator.accounts.styles import DEMO, Style
from hyperliquid_simulator.answers import info
from hyperliquid_simulator.answers.views import Json
from hyperliquid_simulator.coins.market import DAY_MS
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.errors import RequestError
from hyperliquid_simulator.wire import decode_hash
from hyperliquid_simulator.world.world import World

UNKNOWN = "0x" + "ab" * 20


@pytest.mark.parametrize(
    "request_",
    [
        {"type": "userFunding", "user": UNKNOWN},
        {"type": "userFunding", "startTime": 0},
        {"type": "userFunding", "user": UNKNOWN, "startTime": -1},
        {"type": "userFunding", "user": UNKNOWN, "startTime": 0, "endTime": "now"},
        {"type": "fundingHistory", "startTime": 0},
        {"type": "fundingHistory", "coin": "BTC"},
        {"type": "userNonFundingLedgerUpdates"},
        {"type": "spotClearinghouseState", "user": "0x1"},
        {"type": "userRateLimit"},
        {"type": "vaultDetails"},
        {"type": "vaultDetails", "vaultAddress": "HLP"},
        {"type": "vaultDetails", "vaultAddress": UNKNOWN, "user": 7},
    ],
)
def test_a_request_without_what_it_needs_is_422(world: World, request_: Json) -> None:
    with pytest.raises(RequestError) as refused:
        info.answer(world, request_)

    assert refused.value.status == 422


def test_rates_of_an_unknown_coin_are_500(world: World) -> None:
    with pytest.raises(RequestError) as refused:
        info.answer(world, {"type": "fundingHistory", "coin": "NOPE", "startTime": 0})

    assert (refused.value.status, refused.value.body) == (500, b"null")


def test_every_account_began_with_money_before_its_history(world: World) -> None:
    for trader in world.population.traders:
        rows = _ask(world, "userNonFundingLedgerUpdates", trader.address)

        first = rows[0]
        assert list(first) == ["time", "hash", "delta"]
        assert first["delta"]["type"] in _beginning(trader)
        assert first["time"] < world.past.origin_ms + trader.days[0] * DAY_MS
        assert decode_hash(first["hash"]) is not None
        assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)


def test_ledger_entries_are_asked_for_by_inclusive_times(world: World) -> None:
    kind = "userNonFundingLedgerUpdates"
    user = max(world.addresses, key=lambda who: len(_ask(world, kind, who)))
    rows = _ask(world, kind, user)
    first, second, *_, last = rows

    assert _ask(world, kind, user, startTime=first["time"], endTime=first["time"]) == [first]
    assert _ask(world, kind, user, startTime=first["time"] + 1) == rows[1:]
    assert _ask(world, kind, user, startTime=0, endTime=second["time"] - 1) == [first]
    assert _ask(world, kind, user, startTime=last["time"]) == [last]
    assert _ask(world, kind, UNKNOWN, startTime=0) == []


def test_who_was_ruined_in_the_past_was_liquidated_in_fills_and_ledger(config: Config) -> None:
    reckless = {**DEMO, Style.GAMBLER: 0.2}
    world = World(replace(config, history_days=60, shares=reckless), config.start_ms)

    assert world.past.deaths
    for index in world.past.deaths:
        user = world.addresses[index]
        entries = _ask(world, "userNonFundingLedgerUpdates", user)
        (entry,) = (row for row in entries if row["delta"]["type"] == "liquidation")
        newest, *_ = _ask(world, "userFills", user)
        state = _ask(world, "clearinghouseState", user, dex=newest["coin"].rpartition(":")[0])
        assert newest["liquidation"]["liquidatedUser"] == user
        assert (entry["time"], entry["hash"]) == (newest["time"], newest["hash"])
        assert entry["delta"]["type"] == "liquidation"
        worth = Decimal(state["marginSummary"]["accountValue"])
        before = Decimal(entry["delta"]["accountValue"])
        assert 0 <= worth < before < Decimal(entry["delta"]["liquidatedNtlPos"]) / 20
        assert state["assetPositions"] == []


def test_nobody_unknown_holds_spot(world: World) -> None:
    assert _ask(world, "spotClearinghouseState", UNKNOWN)["balances"] == []


def test_an_account_may_act_once_per_dollar_traded_and_ten_thousand_times_more(
    world: World,
) -> None:
    for trader in world.population.traders:
        limit = _ask(world, "userRateLimit", trader.address)
        fills = info.answer(world, {"type": "userFills", "user": trader.address})

        assert limit["nRequestsCap"] == 10_000 + int(Decimal(limit["cumVlm"]))
        assert limit["nRequestsUsed"] >= len(fills)

    assert _ask(world, "userRateLimit", UNKNOWN) == {
        "cumVlm": "0.0",
        "nRequestsUsed": 0,
        "nRequestsCap": 10_000,
        "nRequestsSurplus": 0,
    }


def test_every_live_fill_uses_an_action(world: World) -> None:
    user = world.population.makers[0].address
    before = _ask(world, "userRateLimit", user)["nRequestsUsed"]

    filled = sum(
        account == world.population.makers[0].index
        for _ in range(50)
        for account, _ in world.step().fills
    )

    assert filled
    assert _ask(world, "userRateLimit", user)["nRequestsUsed"] == before + filled


def test_all_perp_metas_and_the_spot_contexts_follow_their_universes(world: World) -> None:
    metas = info.answer(world, {"type": "allPerpMetas"})
    spot_meta, contexts = info.answer(world, {"type": "spotMetaAndAssetCtxs"})

    names = [dex["name"] if dex else "" for dex in info.answer(world, {"type": "perpDexs"})]
    assert metas == [info.answer(world, {"type": "meta", "dex": name}) for name in names]
    assert spot_meta == info.answer(world, {"type": "spotMeta"})
    for pair in spot_meta["universe"]:
        assert contexts[pair["index"]]["coin"] == pair["name"]


def test_a_vault_is_worth_what_its_account_is(world: World) -> None:
    vault = _vault(world)

    details = info.answer(world, {"type": "vaultDetails", "vaultAddress": vault})

    children = details["relationship"]["data"]["childAddresses"]
    states = [
        info.clearinghouse_state(world, who, dex.name)
        for who in (vault, *children)
        for dex in world.board.dexes
    ]
    owners = details["followers"]
    worth = sum(Decimal(state["marginSummary"]["accountValue"]) for state in states)
    assert sum(Decimal(o["vaultEquity"]) for o in owners) == pytest.approx(worth, abs=_dust(owners))
    assert details["maxWithdrawable"] == pytest.approx(
        sum(float(state["withdrawable"]) for state in states)
    )
    assert details["portfolio"] == _ask(world, "portfolio", vault)
    earned = Decimal(dict(details["portfolio"])["allTime"]["pnlHistory"][-1][1])
    assert sum(Decimal(o["pnl"]) for o in owners) == pytest.approx(earned, abs=_dust(owners))
    assert list(details)[:7] == [
        "name",
        "vaultAddress",
        "leader",
        "description",
        "portfolio",
        "apr",
        "followerState",
    ]
    assert isinstance(details["apr"], float)


def test_only_who_follows_a_vault_has_a_state_in_it(world: World) -> None:
    vault = _vault(world)
    asked = {"type": "vaultDetails", "vaultAddress": vault}
    details = info.answer(world, asked)

    leader = info.answer(world, asked | {"user": details["leader"]})
    other = info.answer(world, asked | {"user": UNKNOWN})

    assert details["followerState"] is None
    assert leader["followerState"] in details["followers"]
    assert 0.1 < details["leaderFraction"] < 0.3
    assert other["followerState"] is None
    assert _ask(world, "userRole", details["leader"]) == {"role": "user"}
    equities = _ask(world, "userVaultEquities", details["leader"])
    (equity,) = [row["equity"] for row in equities if row["vaultAddress"] == vault]
    assert equity == leader["followerState"]["vaultEquity"]
    assert _ask(world, "userVaultEquities", UNKNOWN) == []


def test_who_follows_a_vault_paid_into_it_before_its_history(world: World) -> None:
    vault = _vault(world)
    followers = info.answer(world, {"type": "vaultDetails", "vaultAddress": vault})["followers"]

    assert len(followers) > 5
    for follower in followers:
        rows = _ask(world, "userNonFundingLedgerUpdates", follower["user"])
        paid = [row for row in rows if row["delta"].get("vault") == vault]
        basis = Decimal(follower["vaultEquity"]) - Decimal(follower["pnl"])
        cost = sum(Decimal(row["delta"]["usdc"]) for row in paid)
        assert cost == pytest.approx(basis, abs=_dust(followers))
        assert follower["vaultEntryTime"] == paid[0]["time"] < world.past.origin_ms
        all_of_them = _ask(world, "userVaultEquities", follower["user"])
        (own,) = (each for each in all_of_them if each["vaultAddress"] == vault)
        assert own["lockedUntilTimestamp"] == follower["lockupUntil"]


def test_a_child_vault_names_its_parent_and_belongs_to_it(world: World) -> None:
    vault = _vault(world)
    details = info.answer(world, {"type": "vaultDetails", "vaultAddress": vault})

    children = details["relationship"]["data"]["childAddresses"]
    assert world.population.liquidator.address in children
    for child in children:
        own = info.answer(world, {"type": "vaultDetails", "vaultAddress": child})
        assert own["relationship"] == {"type": "child", "data": {"parentAddress": vault}}
        assert [row["user"] for row in own["followers"]] == [vault]
        assert _ask(world, "userRole", child) == {"role": "vault"}
        assert _ask(world, "subAccounts", vault) is None


def test_agents_are_listed_with_their_account_and_answer_empty_themselves(world: World) -> None:
    for agent, owner in world.population.agents.items():
        listed = _ask(world, "extraAgents", owner)

        assert agent in {row["address"] for row in listed}
        assert all(row["validUntil"] > world.time for row in listed)
        assert _ask(world, "clearinghouseState", agent)["assetPositions"] == []
        assert _ask(world, "userRole", agent) == {"role": "agent", "data": {"user": owner}}
    assert _ask(world, "extraAgents", UNKNOWN) == []


def test_sub_accounts_on_all_dexes_are_the_same_people(world: World) -> None:
    master = next(
        t.master for t in world.population.traders if t.style == "sub_account" and t.master
    )

    one = _ask(world, "subAccounts", world.addresses[master])
    other = _ask(world, "subAccounts2", world.addresses[master])

    for mine, later in zip(one, other, strict=True):
        assert dict(later["dexToClearinghouseState"])[""] == mine["clearinghouseState"]
        assert later["abstraction"] == _ask(world, "userAbstraction", later["subAccountUser"])
        shared = ("name", "subAccountUser", "master", "spotState")
        assert [mine[key] for key in shared] == [later[key] for key in shared]


def test_some_accounts_keep_their_money_in_other_ways(world: World) -> None:
    ways = {_ask(world, "userAbstraction", who) for who in world.addresses}

    assert (
        {"default", "unifiedAccount"}
        <= ways
        <= {
            "default",
            "disabled",
            "dexAbstraction",
            "unifiedAccount",
        }
    )
    assert _ask(world, "userAbstraction", UNKNOWN) == "default"


def test_what_is_no_vault_has_no_details(world: World) -> None:
    for address in (UNKNOWN, world.population.makers[-1].address, world.addresses[0]):
        if address != _vault(world):
            assert info.answer(world, {"type": "vaultDetails", "vaultAddress": address}) is None


def _beginning(trader: Trader) -> set[str]:
    if trader.style in {"provider", "vault"}:
        return {"vaultCreate", "vaultDeposit"}
    if trader.master is None:
        return {"deposit"}
    return {"vaultDeposit"} if trader.style == "child" else {"subAccountTransfer"}


def _dust(owners: list[Json]) -> Decimal:
    """Return what rounding everybody's part to a micro-dollar may cost."""
    return Decimal("0.000002") * len(owners)


def _vault(world: World) -> str:
    return next(t.address for t in world.population.traders if t.style == "provider")


def _ask(world: World, kind: str, user: str, **more: Any) -> Any:
    return info.answer(world, {"type": kind, "user": user, **more})
