"""The venue's own Python client, unmodified, reads histories and accounts over REST."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hyperliquid.info import Info  # type: ignore[import-untyped] # the SDK carries no types

from hyperliquid_simulator.wire import ZERO_HASH
from hyperliquid_simulator.world.world import World


async def test_the_sdk_reads_funding_rates_and_payments(venue: str, world: World) -> None:
    user, origin = world.population.makers[0].address, world.past.origin_ms

    rates = await _ask(venue, lambda info: info.funding_history("BTC", origin))
    paid = await _ask(venue, lambda info: info.user_funding_history(user, origin, world.time))

    assert len(rates) == 5 * 24 + 1
    assert {row["delta"]["type"] for row in paid} == {"funding"}
    assert {row["delta"]["fundingRate"] for row in paid if row["delta"]["coin"] == "BTC"} <= {
        row["fundingRate"] for row in rates
    }


async def test_the_sdk_reads_ledger_updates(venue: str, world: World) -> None:
    user = world.population.makers[0].address

    rows = await _ask(venue, lambda info: info.user_non_funding_ledger_updates(user, 0))

    assert [row["delta"]["type"] for row in rows][:2] == ["deposit", "send"]


async def test_the_sdk_reads_spot_and_rate_limits(venue: str, world: World) -> None:
    user = world.population.makers[0].address

    spot = await _ask(venue, lambda info: info.spot_user_state(user))
    contexts = await _ask(venue, lambda info: info.spot_meta_and_asset_ctxs())
    limit = await _ask(venue, lambda info: info.user_rate_limit(user))

    assert {"USDC", "HYPE", "PURR"} <= {balance["coin"] for balance in spot["balances"]}
    assert contexts[1][107]["coin"] == "@107"
    assert limit["nRequestsCap"] > 10_000


async def test_the_sdk_reads_vault_equities(venue: str, world: World) -> None:
    leader = world.population.leader(world.population.vaults[0]).address

    equities = await _ask(venue, lambda info: info.user_vault_equities(leader))

    assert world.population.vaults[0].address in {row["vaultAddress"] for row in equities}


async def test_the_sdk_reads_orders_and_fees(venue: str, world: World) -> None:
    user = world.population.planted(0)[0].address

    orders = await _ask(venue, lambda info: info.historical_orders(user))
    oid = orders[0]["order"]["oid"]
    found = await _ask(venue, lambda info: info.query_order_by_oid(user, oid))
    unknown = await _ask(venue, lambda info: info.query_order_by_oid(user, 1))
    fees = await _ask(venue, lambda info: info.user_fees(user))

    assert {order["status"] for order in orders} == {"filled"}
    assert found == {"status": "order", "order": orders[0]}
    assert unknown == {"status": "unknownOid"}
    assert (fees["userCrossRate"], fees["userAddRate"]) == ("0.00045", "0.00015")
    assert len(fees["dailyUserVlm"]) == 15
    assert await _ask(venue, lambda info: info.open_orders(user)) == []
    assert await _ask(venue, lambda info: info.frontend_open_orders(user)) == []


async def test_the_sdk_reads_who_belongs_to_an_account(venue: str, world: World) -> None:
    master = next(t.master for t in world.population.traders if t.master is not None)
    agent, owner = next(iter(world.population.agents.items()))

    subs = await _ask(venue, lambda info: info.query_sub_accounts(world.addresses[master]))
    agents = await _ask(venue, lambda info: info.extra_agents(owner))
    empty = await _ask(venue, lambda info: info.user_state(agent))
    mode = await _ask(venue, lambda info: info.query_user_abstraction_state(owner))

    assert {sub["master"] for sub in subs} == {world.addresses[master]}
    assert agent in {row["address"] for row in agents}
    assert empty["assetPositions"] == []
    assert mode in {"unifiedAccount", "default", "disabled"}


async def test_the_sdk_reads_dexes_and_slices_of_twaps(venue: str, world: World) -> None:
    def sliced(info: Info) -> list[Any]:
        return [
            row for t in world.population.makers for row in info.user_twap_slice_fills(t.address)
        ]

    dexes = await _ask(venue, lambda info: info.perp_dexs())
    slices = await _ask(venue, sliced)

    assert dexes[0] is None
    assert "xyz" in {dex["name"] for dex in dexes[1:]}
    assert all(row["fill"]["hash"] == ZERO_HASH for row in slices)


async def _ask(base_url: str, question: Callable[[Info], Any]) -> Any:
    def ask() -> Any:
        with connected(base_url) as info:
            return question(info)

    return await asyncio.to_thread(ask)


@contextmanager
def connected(base_url: str) -> Iterator[Info]:
    """Connect the SDK without a socket and let go of its session afterwards."""
    info = Info(base_url, skip_ws=True)
    try:
        yield info
    finally:
        info.session.close()
