import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from hyperliquid_simulator.accounts.styles import VAULTS
from hyperliquid_simulator.answers.info import INFO
from hyperliquid_simulator.coins.candles import INTERVAL_MINUTES

UNKNOWN = "0x" + "ab" * 20
COLLATERALS = ("USDC", "USDH", "USDE")


class Client:
    """Posts to one venue and remembers nothing."""

    def __init__(self, base_url: str, session: aiohttp.ClientSession) -> None:
        self.base_url = base_url
        self._session = session

    async def info(self, **request: Any) -> Any:
        status, body, _ = await self.raw(request)
        assert status == 200, body
        return body

    async def raw(self, request: Any) -> tuple[int, Any, str]:
        async with self._session.post(f"{self.base_url}/info", json=request) as response:
            kind = response.content_type
            body = await (response.json() if kind == "application/json" else response.text())
            return response.status, body, kind

    async def get(self, path: str) -> Any:
        async with self._session.get(self.base_url + path) as response:
            return await response.json()

    async def operator(self, hook: str, **body: Any) -> tuple[int, Any]:
        async with self._session.post(f"{self.base_url}/simulator/{hook}", json=body) as response:
            return response.status, await response.json()


@pytest.fixture
async def client(venue: str) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(venue, session)


@pytest.fixture
async def free(open_venue: str) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(open_venue, session)


@pytest.mark.parametrize(
    "request_",
    [
        {"type": "nope"},
        {"user": UNKNOWN},
        {"type": "clearinghouseState"},
        {"type": "clearinghouseState", "user": "0x12"},
        {"type": "clearinghouseState", "user": UNKNOWN, "dex": ["xyz"]},
        {"type": "userFillsByTime", "user": UNKNOWN},
        {"type": "userFillsByTime", "user": UNKNOWN, "startTime": "then"},
        {"type": "candleSnapshot", "req": {"coin": "BTC", "interval": "7m", "startTime": 0}},
        {"type": "candleSnapshot", "coin": "BTC"},
        {"type": "l2Book", "coin": "BTC", "nSigFigs": [5]},
        {"type": ["meta"]},
        [],
        7,
    ],
)
async def test_what_cannot_be_understood_is_422_with_the_venues_sentence(
    client: Client, request_: Any
) -> None:
    status, body, kind = await client.raw(request_)

    assert (status, kind) == (422, "text/plain")
    assert body == "Failed to deserialize the JSON body into the target type"


async def test_an_unknown_dex_or_a_mantissa_of_one_is_500_null(client: Client) -> None:
    assert await client.raw({"type": "meta", "dex": "nope"}) == (500, None, "application/json")
    wrong = {"type": "l2Book", "coin": "BTC", "nSigFigs": 5, "mantissa": 1}
    assert await client.raw(wrong) == (500, None, "application/json")


async def test_beyond_the_weight_of_a_minute_comes_429_null(client: Client) -> None:
    answers = [await client.raw({"type": "userRole", "user": UNKNOWN}) for _ in range(21)]

    assert [status for status, _, _ in answers] == [200] * 20 + [429]
    assert answers[-1][1] is None
    used = await client.get("/simulator/limits")
    assert used["127.0.0.1"]["weight"]["now"] == 1200


async def test_rows_weigh_too(client: Client) -> None:
    rows = await client.info(
        type="candleSnapshot", req={"coin": "BTC", "interval": "1m", "startTime": 0}
    )

    used = await client.get("/simulator/limits")
    assert len(rows) == 5000
    assert used["127.0.0.1"]["weight"]["now"] == 20 + 84


@pytest.mark.parametrize(
    ("asked", "base"),
    [
        ({"type": "fundingHistory", "coin": "BTC", "startTime": 0}, 20),
        ({"type": "userFunding", "startTime": 0}, 20),
        ({"type": "userNonFundingLedgerUpdates"}, 20),
        ({"type": "spotClearinghouseState"}, 2),
        ({"type": "userRateLimit"}, 20),
        ({"type": "userVaultEquities"}, 20),
        ({"type": "vaultDetails", "vaultAddress": UNKNOWN}, 20),
        ({"type": "spotMetaAndAssetCtxs"}, 20),
        ({"type": "allPerpMetas"}, 20),
    ],
)
async def test_histories_weigh_one_more_for_every_twenty_rows(
    client: Client, asked: dict[str, Any], base: int
) -> None:
    rows = await client.info(**{"user": await _planted(client)} | asked)

    used = await client.get("/simulator/limits")
    many = asked["type"] in {"fundingHistory", "userFunding", "userNonFundingLedgerUpdates"}
    assert used["127.0.0.1"]["weight"]["now"] == base + (-(-len(rows) // 20) if many else 0)


async def test_the_leaderboard_is_served_on_both_paths_without_weight(client: Client) -> None:
    one, other = await client.get("/leaderboard"), await client.get("/Mainnet/leaderboard")

    assert one == other
    assert len(one["leaderboardRows"]) == 60
    assert await client.get("/simulator/limits") == {}


async def test_unknown_users_are_empty_not_errors(client: Client) -> None:
    assert (await client.info(type="clearinghouseState", user=UNKNOWN))["assetPositions"] == []
    assert await client.info(type="userFills", user=UNKNOWN) == []
    assert await client.info(type="subAccounts", user=UNKNOWN) is None
    assert await client.info(type="userRole", user=UNKNOWN) == {"role": "missing"}
    assert len(await client.info(type="portfolio", user=UNKNOWN)) == 8
    assert await client.info(type="l2Book", coin="NOPE") is None


async def test_addresses_are_taken_in_any_case_and_answered_in_lower(free: Client) -> None:
    address = await _planted(free)
    await free.operator("pause")

    shouted = "0x" + address[2:].upper()
    one = await free.info(type="clearinghouseState", user=address)
    other = await free.info(type="clearinghouseState", user=shouted)

    assert one["assetPositions"][0]["position"]["szi"]
    assert [p["position"]["szi"] for p in one["assetPositions"]] == [
        p["position"]["szi"] for p in other["assetPositions"]
    ]


async def test_roles_and_sub_accounts_agree(free: Client) -> None:
    truth = await free.get("/simulator/truth")
    roles = {a: await free.info(type="userRole", user=a) for a in truth["books"]}

    subs = {a: r["data"]["master"] for a, r in roles.items() if r["role"] == "subAccount"}
    assert subs
    for sub, master in subs.items():
        children = await free.info(type="subAccounts", user=master)
        assert sub in {child["subAccountUser"] for child in children}
        assert roles[master] == {"role": "user"}
    vaults = {a for a, r in roles.items() if r == {"role": "vault"}}
    assert vaults == {a for a, style in truth["styles"].items() if style in VAULTS}


async def test_fills_come_newest_block_first_and_ascending_inside_a_block(free: Client) -> None:
    maker = next(
        a for a, s in (await free.get("/simulator/truth"))["styles"].items() if s == "maker"
    )
    await free.operator("burst", trades=3000)
    while len(fills := await free.info(type="userFills", user=maker)) < 500:
        await asyncio.sleep(0.01)

    times = [fill["time"] for fill in fills]
    assert len(fills) <= 2000
    assert times == sorted(times, reverse=True)
    assert len(set(times)) < len(times)
    ends: dict[str, float] = {}
    for fill in sorted(fills, key=lambda f: f["time"]):
        start = float(fill["startPosition"])
        assert abs(start - ends.get(fill["coin"], start)) < 1e-9 * max(abs(start), 1)
        size = float(fill["sz"])
        fee = float(fill["fee"]) if fill["feeToken"] not in COLLATERALS else 0.0
        ends[fill["coin"]] = start + (size if fill["side"] == "B" else -size) - fee


async def test_fills_by_time_are_inclusive_ascending_or_reversed(free: Client) -> None:
    address = await _planted(free)
    await free.operator("pause")
    known = sorted(await free.info(type="userFills", user=address), key=lambda f: f["time"])
    first, last = known[3]["time"], known[-3]["time"]

    window = {"type": "userFillsByTime", "user": address, "startTime": first, "endTime": last}
    forward = await free.info(**window)
    backward = await free.info(**window, reversed=True)

    assert forward == [f for f in known if first <= f["time"] <= last]
    assert sorted(backward, key=lambda f: f["time"]) == forward
    assert backward[0]["time"] == last


async def test_aggregated_fills_keep_size_profit_and_fees(free: Client) -> None:
    await free.operator("pause")
    shorter = 0

    for address in (await free.get("/simulator/truth"))["planted"]:
        single = await free.info(type="userFills", user=address)
        merged = await free.info(type="userFills", user=address, aggregateByTime=True)
        shorter += len(merged) < len(single)
        for field in ("sz", "closedPnl", "fee"):
            total = sum(float(fill[field]) for fill in single)
            assert sum(float(fill[field]) for fill in merged) == pytest.approx(total)

    assert shorter


@pytest.mark.parametrize("kind", INFO)
async def test_every_request_type_is_answered(free: Client, kind: str) -> None:
    everything = {
        "user": await _planted(free),
        "vaultAddress": UNKNOWN,
        "oid": 1,
        "coin": "BTC",
        "startTime": 0,
        "req": {"coin": "BTC", "interval": "1d", "startTime": 0},
    }

    status, _, content_type = await free.raw({"type": kind, **everything})

    assert (status, content_type) == (200, "application/json")


@pytest.mark.parametrize("interval", INTERVAL_MINUTES)
async def test_candles_of_every_interval_are_served_in_order(free: Client, interval: str) -> None:
    rows = await free.info(
        type="candleSnapshot", req={"coin": "ETH", "interval": interval, "startTime": 0}
    )

    assert rows
    assert all(a["T"] + 1 == b["t"] for a, b in pairwise(rows))
    assert {(row["s"], row["i"]) for row in rows} == {("ETH", interval)}


async def test_the_last_trades_come_newest_first(free: Client) -> None:
    trades = await free.info(type="recentTrades", coin="BTC")

    assert len(trades) == 30
    assert all(a["time"] >= b["time"] for a, b in pairwise(trades))


async def test_refusals_on_command_end_when_they_should(client: Client) -> None:
    await client.operator("fault", **{"kind": "refuse", "for": 60})
    assert (await client.raw({"type": "meta"}))[:2] == (429, None)


async def test_a_bad_gateway_answers_html(client: Client) -> None:
    await client.operator("fault", **{"kind": "bad_gateway", "for": 60})

    status, body, kind = await client.raw({"type": "meta"})

    assert (status, kind) == (502, "text/html")
    assert "<title>502 Bad Gateway</title>" in body


@pytest.mark.parametrize(
    ("hook", "body"),
    [
        ("flip", {"coin": "NOPE", "side": "long"}),
        ("flip", {"coin": "BTC", "side": "up"}),
        ("burst", {"trades": 0}),
        ("fault", {"kind": "earthquake"}),
    ],
)
async def test_a_hook_asked_for_nonsense_says_what_it_needs(
    client: Client, hook: str, body: Any
) -> None:
    status, answer = await client.operator(hook, **body)

    assert status == 400
    assert answer["error"]


async def _planted(client: Client) -> str:
    return str(next(iter((await client.get("/simulator/truth"))["planted"])))
