"""Recorded REST answers and the simulator's have the same keys, types and number formats."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from hyperliquid_simulator.accounts.movements import Kind, delta
from hyperliquid_simulator.answers import info, views
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.world.events import Method
from hyperliquid_simulator.world.world import World

pytestmark = pytest.mark.data

Shape = dict[str, set[str]]


def shape(value: Any, path: str = "") -> Shape:
    """Return the kinds of values at every path; the order of keys is left to other tests."""
    if isinstance(value, dict):
        children = [(f"{path}.{key}", child) for key, child in value.items()]
    elif isinstance(value, list):
        children = [(f"{path}[]", child) for child in value]
    else:
        return {path: {kind(value)}}
    found: Shape = {path: {type(value).__name__}}
    for place, child in children:
        for inner, kinds in shape(child, place).items():
            found.setdefault(inner, set()).update(kinds)
    return found


def kind(value: Any) -> str:
    if not isinstance(value, str):
        return type(value).__name__
    patterns = (("decimal", r"-?\d+\.\d{1,10}"), ("hash", r"0x[0-9a-f]{64}"))
    return next((name for name, p in patterns if re.fullmatch(p, value)), "text")


def test_funding_rates_have_the_recorded_form(recordings: Path, world: World) -> None:
    ours = info.answer(world, {"type": "fundingHistory", "coin": "BTC", "startTime": 0})
    recorded = _cassette(recordings, "test_get_funding_history[None]_1_fundingHistory")

    assert shape(ours) == shape(recorded)


def test_funding_payments_have_the_recorded_form(recordings: Path, world: World) -> None:
    user = world.population.makers[0].address
    ours = shape(info.answer(world, {"type": "userFunding", "user": user, "startTime": 0}))
    name = "test_user_funding_history_without_end_time_0_userFunding"
    recorded = shape(_cassette(recordings, name))

    hourly = recorded | {"[].delta.nSamples": {"NoneType"}}
    assert ours == hourly


@pytest.mark.parametrize(
    "kind", ["deposit", "withdraw", "internalTransfer", "accountClassTransfer", "spotTransfer"]
)
def test_movements_have_the_recorded_form(recordings: Path, config: Config, kind: str) -> None:
    theirs = _recorded_deltas(recordings)[kind]
    world = World(replace(config, movements_per_day=50_000), config.start_ms)
    for _ in range(200):
        world.step()
    rows = [
        row
        for user in world.addresses
        for row in info.answer(world, {"type": "userNonFundingLedgerUpdates", "user": user})
    ]
    ours = [row["delta"] for row in rows if row["delta"]["type"] == kind]

    no_nonce = {"[].nonce": {"NoneType", "int"}} if kind == "spotTransfer" else {}
    assert shape(ours) | no_nonce == shape(theirs)
    assert {tuple(row) for row in ours} == {tuple(row) for row in theirs}
    frame = _frame(recordings, "userNonFundingLedgerUpdates_snapshot")
    assert {tuple(row) for row in rows} == {
        tuple(row) for row in frame["data"]["nonFundingLedgerUpdates"]
    }


def test_a_liquidation_has_the_recorded_form_in_fills_events_and_ledger(
    recordings: Path, world: World
) -> None:
    account = max(world.ledger.accounts, key=lambda a: abs(a.lots(0)))
    world.events.liquidate(account, Method.MARKET)
    block = world.step()
    fills = [fill for who, fill in block.fills if who == account.index and fill.cause]
    row = next(row for row in block.movements if row.kind is Kind.LIQUIDATION)

    path = recordings / "nautilus_frames" / "ws_user_fill_liquidation.json"
    (fill,) = orjson.loads(path.read_bytes())["data"]["fills"]
    del fill["cloid"]
    ours = views.fill(fills[0], world.coins[fills[0].coin])
    assert list(ours) == list(fill)
    assert list(ours["liquidation"]) == list(fill["liquidation"])
    assert shape(ours) == shape(fill)
    told = _recorded_deltas(recordings)["liquidation"]
    mine = delta(row, world.addresses)
    assert list(mine) == list(told[0])
    assert shape([mine]) == shape(told)
    event = _frame(recordings, "user_liquidation")["data"]["liquidation"]
    assert list(views.liquidation(row)) == list(event)
    assert shape(views.liquidation(row)) == shape(event)


def test_spot_contexts_have_the_recorded_form(recordings: Path, world: World) -> None:
    contexts = info.answer(world, {"type": "spotMetaAndAssetCtxs"})[1]
    recorded = _frame(recordings, "activeSpotAssetCtx")["data"]["ctx"]

    assert {tuple(context) for context in contexts} == {tuple(recorded)}
    assert shape(contexts[107]) == shape(recorded)
    pair_without_a_book = {".midPx": {"NoneType"}}
    assert shape(contexts[1]) == shape(recorded) | pair_without_a_book


def test_spot_states_have_the_recorded_keys(recordings: Path, world: World) -> None:
    asked = {"type": "spotClearinghouseState", "user": world.population.makers[0].address}
    recorded = _frame(recordings, "spotState")["data"]["spotState"]
    ours = info.answer(world, asked)

    assert list(ours) == list(recorded)
    assert shape(ours) == shape(recorded)
    assert [list(row) for row in ours["balances"][:2]] == [list(r) for r in recorded["balances"]]


def test_rate_limits_have_the_recorded_form_and_the_later_surplus(
    recordings: Path, world: World
) -> None:
    asked = {"type": "userRateLimit", "user": world.addresses[0]}
    recorded = shape(_cassette(recordings, "test_user_rate_limit_0_userRateLimit"))

    assert shape(info.answer(world, asked)) == recorded | {".nRequestsSurplus": {"int"}}


def test_vault_equities_have_the_recorded_form(recordings: Path, world: World) -> None:
    asked = {
        "type": "userVaultEquities",
        "user": world.population.leader(world.population.vaults[0]).address,
    }
    recorded = _cassette(recordings, "test_user_vault_equities_0_userVaultEquities")
    ours = info.answer(world, asked)

    assert shape(ours) == shape(recorded)
    assert list(ours[0]) == list(recorded[0])


def _recorded_deltas(recordings: Path) -> dict[str, list[Any]]:
    """Return recorded ledger entries by type: a websocket's and a node's."""
    frame = _frame(recordings, "userNonFundingLedgerUpdates_snapshot")
    found = [row["delta"] for row in frame["data"]["nonFundingLedgerUpdates"]]
    node = recordings / "gareth_node_and_ws" / "hyperliquidNodeDataSample" / "20250716"
    events = [orjson.loads(line) for line in (node / "misc_events").read_bytes().splitlines()]
    found += [
        row["inner"]["LedgerUpdate"]["delta"] for row in events if "LedgerUpdate" in row["inner"]
    ]
    return {
        kind: [row for row in found if row["type"] == kind] for kind in {r["type"] for r in found}
    }


def _frame(recordings: Path, name: str) -> Any:
    path = recordings / "recorded_frames" / "gocryptotrader_fork_2026-10-06.jsonl"
    rows = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    return orjson.loads(next(row["raw"] for row in rows if row["name"] == name))


def _cassette(recordings: Path, name: str) -> Any:
    return orjson.loads((recordings / "rest_cassettes" / f"{name}.json").read_bytes())["response"]
