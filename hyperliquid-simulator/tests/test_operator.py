"""Hooks that make something happen to accounts."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from hyperliquid_simulator.app import Venue, build, serving
from hyperliquid_simulator.config import Config


@pytest.fixture
def venue(config: Config) -> Venue:
    still = replace(config, orders_per_second=0, flip_seconds=0, nettings_per_hour=0)
    return build(replace(still, stepped=True))


@pytest.fixture
async def session(venue: Venue) -> AsyncIterator[aiohttp.ClientSession]:
    async with serving(venue) as url, aiohttp.ClientSession(url) as session:
        yield session


@pytest.fixture
def trader(venue: Venue) -> str:
    """The address of whoever holds most bitcoin."""
    account = max(venue.world.ledger.accounts, key=lambda a: abs(a.lots(0)))
    return venue.world.addresses[account.index]


async def test_a_liquidation_at_the_market_is_seen_by_everybody(
    venue: Venue, session: aiohttp.ClientSession, trader: str
) -> None:
    before = await _trades(session)

    await _post(session, "/simulator/liquidate", user=trader)
    await venue.step(0.1)

    fills = await _post(session, "/info", type="userFills", user=trader)
    methods = {row["liquidation"]["method"] for row in fills if "liquidation" in row}
    assert methods == {"market"}
    assert await _trades(session) != before
    state = await _post(session, "/info", type="clearinghouseState", user=trader)
    assert state["assetPositions"] == []


async def test_a_coin_is_listed_and_another_delisted_on_command(
    venue: Venue, session: aiohttp.ClientSession
) -> None:
    listed = await _post(session, "/simulator/list", coin="XLM")
    await _post(session, "/simulator/delist", coin="ETH")
    await venue.step(0.1)

    meta = await _post(session, "/info", type="meta")
    universe = {coin["name"]: coin.get("isDelisted", False) for coin in meta["universe"]}
    assert venue.world.coins[listed["index"]].name == "XLM"
    assert (universe["XLM"], universe["ETH"], universe["BTC"]) == (False, True, False)
    assert not any(account.lots(1) for account in venue.world.ledger.accounts)
    async with session.post("/simulator/delist", json={"coin": "NOPE"}) as refused:
        assert refused.status == 400


@pytest.mark.parametrize("kind", ["backstop", "deleveraging"])
async def test_a_hidden_change_is_seen_in_fills_and_states_alone(
    venue: Venue, session: aiohttp.ClientSession, trader: str, kind: str
) -> None:
    before = await _trades(session)

    await _post(session, "/simulator/hidden", user=trader, kind=kind, coin="BTC")
    await venue.step(0.1)

    fills = await _post(session, "/info", type="userFills", user=trader)
    assert fills[0]["liquidation"]["method"] == "backstop"
    assert await _trades(session) == before
    state = await _post(session, "/info", type="clearinghouseState", user=trader)
    assert "BTC" not in {row["position"]["coin"] for row in state["assetPositions"]}


async def test_a_price_jumps(venue: Venue, session: aiohttp.ClientSession) -> None:
    before = float((await _post(session, "/info", type="allMids"))["BTC"])

    await _post(session, "/simulator/jump", coin="BTC", factor=0.9)
    await venue.step(0.1)

    after = float((await _post(session, "/info", type="allMids"))["BTC"])
    assert after == pytest.approx(0.9 * before, rel=0.002)


@pytest.mark.parametrize(
    ("hook", "body"),
    [
        ("liquidate", {"user": "0x" + "ab" * 20}),
        ("liquidate", {"method": "market"}),
        ("liquidate", {"user": None, "method": "kindly"}),
        ("hidden", {"user": None}),
        ("hidden", {"user": None, "kind": "netting"}),
        ("hidden", {"user": None, "kind": "backstop", "coin": "NOPE"}),
        ("jump", {"coin": "NOPE", "factor": 2}),
        ("jump", {"coin": "BTC"}),
        ("jump", {"coin": "BTC", "factor": 0}),
        ("jump", {"coin": "BTC", "factor": True}),
    ],
)
async def test_what_cannot_be_done_is_refused_and_says_why(
    session: aiohttp.ClientSession, trader: str, hook: str, body: dict[str, Any]
) -> None:
    named = {key: value if value is not None else trader for key, value in body.items()}

    async with session.post(f"/simulator/{hook}", json=named) as response:
        assert response.status == 400
        assert (await response.json())["error"]


async def _trades(session: aiohttp.ClientSession) -> Any:
    return await _post(session, "/info", type="recentTrades", coin="BTC")


async def _post(session: aiohttp.ClientSession, path: str, **body: Any) -> Any:
    async with session.post(path, json=body) as response:
        assert response.status == 200, await response.text()
        return await response.json()
