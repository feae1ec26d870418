from decimal import Decimal

import pytest

from hyperliquid_simulator.answers import info
from hyperliquid_simulator.answers.overview import active_asset_data, web_data_3
from hyperliquid_simulator.errors import RequestError
from hyperliquid_simulator.protocol.channels import parse_subscription
from hyperliquid_simulator.protocol.subscriptions import InvalidSubscriptionError
from hyperliquid_simulator.world.world import World

UNKNOWN = "0x" + "0" * 40


def test_the_page_of_an_account_says_what_its_parts_say(world: World) -> None:
    user = world.population.planted(0)[0].address
    page = info.answer(world, {"type": "webData2", "user": user})

    assert page["clearinghouseState"] == info.answer(
        world, {"type": "clearinghouseState", "user": user}
    )
    assert [page["meta"], page["assetCtxs"]] == info.answer(world, {"type": "metaAndAssetCtxs"})
    assert page["serverTime"] == world.time
    assert not page["isVault"]


def test_a_vault_and_its_leader_are_told_apart(world: World) -> None:
    people = world.population
    vault = people.vaults[0]
    leader = people.leader(vault).address

    assert web_data_3(world, vault.address)["userState"]["isVault"]
    assert "abstraction" not in web_data_3(world, vault.address)["userState"]
    led = web_data_3(world, leader)["perpDexStates"][0]["leadingVaults"]
    assert vault.address in {row["address"] for row in led}


def test_an_agent_is_named_with_its_last_day(world: World) -> None:
    agent, owner = next(iter(world.population.agents.items()))
    state = web_data_3(world, owner)["userState"]

    assert state["agentAddress"] == agent
    assert state["agentValidUntil"] > world.time
    assert web_data_3(world, UNKNOWN)["userState"]["agentAddress"] is None


def test_what_could_be_traded_is_what_is_free_times_the_leverage(world: World) -> None:
    maker = world.population.makers[0].address
    state = info.answer(world, {"type": "clearinghouseState", "user": maker})
    held = {row["position"]["coin"]: row["position"] for row in state["assetPositions"]}

    for coin in world.board.universe(""):
        data = active_asset_data(world, maker, coin)
        position = held.get(data["coin"])
        buy, sell = map(Decimal, data["availableToTrade"])
        freed = 2 * Decimal(position["marginUsed"]) if position else Decimal(0)
        assert abs(abs(buy - sell) - freed) < Decimal("0.00001")
        assert min(buy, sell) == Decimal(state["withdrawable"])
        if position:
            assert (sell > buy) == (Decimal(position["szi"]) > 0)
        size, mark = Decimal(data["maxTradeSzs"][0]), Decimal(data["markPx"])
        assert 0 <= buy * data["leverage"]["value"] - size * mark <= mark


def test_nobody_can_trade_without_money_and_nothing_but_perpetuals(world: World) -> None:
    data = active_asset_data(world, UNKNOWN, 0)

    assert data["maxTradeSzs"] == data["availableToTrade"] == ["0.0", "0.0"]
    pair = world.coins[world.board.pairs()[0]].name
    with pytest.raises(RequestError):
        info.answer(world, {"type": "activeAssetData", "user": UNKNOWN, "coin": pair})
    with pytest.raises(InvalidSubscriptionError):
        parse_subscription({"type": "activeAssetData", "user": UNKNOWN, "coin": pair}, world)


def test_predicted_fundings_are_what_is_charged_next(world: World) -> None:
    predicted = info.answer(world, {"type": "predictedFundings"})
    due = predicted[0][1][0][1]["nextFundingTime"]
    world.skip_to(due)
    while not world.funding.hours:
        world.step()

    for coin, venues in predicted:
        asked = {"type": "fundingHistory", "coin": coin, "startTime": due}
        (charged,) = info.answer(world, asked)
        assert venues == [
            ["HlPerp", {"fundingRate": charged["fundingRate"], "nextFundingTime": due}]
        ]
        assert 12 <= charged["time"] - due <= 76
