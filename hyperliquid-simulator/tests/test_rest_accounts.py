"""Requests about an account's money, limits and vaults."""

from decimal import Decimal
from typing import Any

import pytest

from hyperliquid_simulator import info
from hyperliquid_simulator.errors import RequestError
from hyperliquid_simulator.views import Json
from hyperliquid_simulator.wire import MICRO, decode_hash
from hyperliquid_simulator.world import World

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


def test_every_account_began_with_a_deposit_before_its_history(world: World) -> None:
    for trader in world.population.traders:
        (row,) = _ask(world, "userNonFundingLedgerUpdates", trader.address)

        account = world.ledger.accounts[trader.index]
        assert list(row) == ["time", "hash", "delta"]
        assert row["delta"]["type"] == "deposit"
        assert round(Decimal(row["delta"]["usdc"]) * MICRO) == account.deposited
        assert row["time"] < world.past.origin_ms
        assert decode_hash(row["hash"]) is not None


def test_ledger_entries_are_asked_for_by_inclusive_times(world: World) -> None:
    user = world.addresses[0]
    (row,) = _ask(world, "userNonFundingLedgerUpdates", user)
    time = row["time"]

    kind = "userNonFundingLedgerUpdates"
    assert _ask(world, kind, user, startTime=time, endTime=time) == [row]
    assert _ask(world, kind, user, startTime=time + 1) == []
    assert _ask(world, kind, user, startTime=0, endTime=time - 1) == []
    assert _ask(world, kind, UNKNOWN, startTime=0) == []


def test_nobody_holds_spot(world: World) -> None:
    for user in (world.addresses[0], UNKNOWN):
        assert _ask(world, "spotClearinghouseState", user)["balances"] == []


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

    assert metas == [info.answer(world, {"type": "meta"})]
    assert spot_meta == info.answer(world, {"type": "spotMeta"})
    assert [c["coin"] for c in contexts] == [pair["name"] for pair in spot_meta["universe"]]


def test_a_vault_is_worth_what_its_account_is(world: World) -> None:
    vault = _vault(world)

    details = info.answer(world, {"type": "vaultDetails", "vaultAddress": vault})

    state = info.clearinghouse_state(world, vault)
    (owner,) = details["followers"]
    assert owner["vaultEquity"] == state["marginSummary"]["accountValue"]
    assert details["maxWithdrawable"] == float(state["withdrawable"])
    assert details["portfolio"] == _ask(world, "portfolio", vault)
    assert owner["pnl"] == dict(details["portfolio"])["allTime"]["pnlHistory"][-1][1]
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
    assert leader["followerState"] == leader["followers"][0]
    assert other["followerState"] is None
    assert _ask(world, "userRole", details["leader"]) == {"role": "user"}
    (equity,) = _ask(world, "userVaultEquities", details["leader"])
    assert equity["equity"] == leader["followerState"]["vaultEquity"]
    assert _ask(world, "userVaultEquities", UNKNOWN) == []


def test_what_is_no_vault_has_no_details(world: World) -> None:
    for address in (UNKNOWN, world.population.makers[-1].address, world.addresses[0]):
        if address != _vault(world):
            assert info.answer(world, {"type": "vaultDetails", "vaultAddress": address}) is None


def _vault(world: World) -> str:
    return next(t.address for t in world.population.traders if t.style == "vault")


def _ask(world: World, kind: str, user: str, **more: Any) -> Any:
    return info.answer(world, {"type": kind, "user": user, **more})
