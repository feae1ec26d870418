"""Every failure as a client sees it, in a venue whose time a test moves."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from hyperliquid_simulator.app import Venue, build, serving
from hyperliquid_simulator.config import Config

BTC = {"type": "trades", "coin": "BTC"}


class Client:
    """A client of a stepped venue that notes every trade it sees."""

    def __init__(self, venue: Venue, session: aiohttp.ClientSession) -> None:
        self.venue = venue
        self.session = session
        self.seen: dict[int, Any] = {}

    async def post(self, path: str, **body: Any) -> Any:
        async with self.session.post(path, json=body) as response:
            return await response.json()

    async def info(self, **request: Any) -> Any:
        return await self.post("/info", **request)

    async def fault(self, kind: str, **row: Any) -> None:
        assert "error" not in await self.post("/simulator/fault", kind=kind, **row)

    async def subscribed(
        self, subscription: dict[str, Any]
    ) -> tuple[aiohttp.ClientWebSocketResponse, Any]:
        """Open a socket, subscribe, and return it with the snapshot."""
        socket = await self.session.ws_connect("/ws")
        await socket.receive_str()
        await socket.send_json({"method": "subscribe", "subscription": subscription})
        await socket.receive_str()
        return socket, (await socket.receive_json(timeout=10))["data"]

    async def frames(self, socket: aiohttp.ClientWebSocketResponse) -> list[Any]:
        """Return the data of every frame that was sent until now."""
        await socket.send_str('{"method":"ping"}')
        found = []
        while (frame := await socket.receive_json(timeout=10))["channel"] != "pong":
            found.append(frame["data"])
        return found

    async def truth(self) -> Any:
        """Return every account's book."""
        async with self.session.get("/simulator/truth") as response:
            return (await response.json())["books"]

    async def printed(self, coin: str = "BTC") -> int:
        """Return how many trades of a coin the candles of the last minutes count."""
        since = self.venue.world.time - 600_000
        wanted = {"coin": coin, "interval": "1m", "startTime": since, "endTime": 2**52}
        return sum(row["n"] for row in await self.info(type="candleSnapshot", req=wanted))


@pytest.fixture
async def client(config: Config) -> AsyncIterator[Client]:
    venue = build(replace(config, stepped=True, limits=False))
    async with serving(venue) as url, aiohttp.ClientSession(url) as session:
        yield Client(venue, session)


# ── Answers ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "status", "body"),
    [
        ("refuse", 429, "null"),
        ("server_error", 500, "null"),
        ("bad_gateway", 502, "<html>"),
    ],
)
async def test_requests_fail_until_it_is_over(
    client: Client, kind: str, status: int, body: str
) -> None:
    await client.fault(kind, **{"for": 2})

    async with client.session.post("/info", json={"type": "meta"}) as response:
        assert response.status == status
        assert (await response.text()).startswith(body)
    await client.venue.step(2)
    assert await client.info(type="allMids")


async def test_slow_answers_come_after_what_was_asked_later(client: Client) -> None:
    await client.fault("slow_answers", seconds=0.15, **{"for": 60})

    slow = asyncio.create_task(client.info(type="allMids"))
    for _ in range(3):
        async with client.session.get("/simulator/faults") as response:
            await response.read()

    assert not slow.done()
    assert "BTC" in await slow


async def test_slow_posts_stay_in_flight(client: Client) -> None:
    await client.fault("slow_answers", seconds=5, **{"for": 60})
    socket, _ = await client.subscribed({"type": "allMids"})
    request = {"type": "info", "payload": {"type": "allMids"}}
    await socket.send_json({"method": "post", "id": 1, "request": request})
    await client.frames(socket)

    await client.venue.step(4.8)
    assert client.venue.limits.report()["127.0.0.1"]["posts"]["now"] == 1
    await client.venue.step(0.5)
    assert client.venue.limits.report()["127.0.0.1"]["posts"]["now"] == 0


# ── Frames ───────────────────────────────────────────────────────────────────────────────────


async def test_duplicate_frames_are_the_same_bytes_in_a_row(client: Client) -> None:
    socket, _ = await client.subscribed(BTC)
    await client.fault("duplicate_frames", channel="trades", **{"for": 5})
    await client.venue.step(5)
    during = await client.frames(socket)
    await client.venue.step(5)
    after = await client.frames(socket)

    assert during[::2] == during[1::2] != []
    assert len({frame[0]["tid"] for frame in after}) == len(after) > 0


async def test_reordered_frames_change_places_with_neighbours_and_none_is_lost(
    client: Client,
) -> None:
    before = await client.printed()
    socket, _ = await client.subscribed(BTC)
    await client.fault("reordered_frames", **{"for": 5})
    await client.venue.step(5)
    during = await client.frames(socket)
    await client.venue.step(5)
    after = await client.frames(socket)

    times = [frame[0]["time"] for frame in during]
    assert all(first > second for first, second in zip(times[::2], times[1::2], strict=False))
    assert len(set(times)) == len(times) > 4
    everything = [trade["tid"] for frame in during + after for trade in frame]
    assert len(everything) == len(set(everything)) == await client.printed() - before
    ordered = [frame[0]["time"] for frame in after[1:]]
    assert ordered == sorted(ordered)


async def test_silent_sockets_answer_pings_only(client: Client) -> None:
    socket, _ = await client.subscribed(BTC)
    await client.fault("silent_sockets", channel="trades", **{"for": 5})
    await client.venue.step(5)
    assert await client.frames(socket) == []

    await client.venue.step(5)
    assert await client.frames(socket) != []


# ── Gaps ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "trades", "lost"),
    [("short_gap", 1, 0), ("short_gap", 30, 0), ("long_gap", 31, 1), ("long_gap", 100, 70)],
)
async def test_a_gap_loses_what_the_replay_of_thirty_trades_does_not_hold(
    client: Client, kind: str, trades: int, lost: int
) -> None:
    await client.venue.step(1)
    socket, replay = await client.subscribed(BTC)
    before = await client.printed()
    await client.venue.step(10)
    frames = [replay, *await client.frames(socket)]
    live = sum(map(len, frames[1:]))
    await client.fault(kind, trades=trades, **{"for": 1})

    await client.venue.step(0.9)
    assert (await socket.receive()).type is not aiohttp.WSMsgType.TEXT
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await client.session.ws_connect("/ws")
    await client.venue.step(5)
    again, replay = await client.subscribed(BTC)
    await client.venue.step(10)
    frames += [replay, *await client.frames(again)]

    assert live > 0
    seen = {trade["tid"] for frame in frames[1:] for trade in frame}
    known = {trade["tid"] for trade in frames[0]}
    assert await client.printed() - before - len(seen - known) == lost


# ── Time and state ───────────────────────────────────────────────────────────────────────────


async def test_a_lagging_state_is_older_than_the_trades_of_its_account(client: Client) -> None:
    world = client.venue.world
    maker = world.population.makers[0].address
    await client.fault("lagging_state", **{"for": 20.1})
    stood = await client.info(type="clearinghouseState", user=maker)
    await client.venue.step(20)
    fills = await client.info(type="userFills", user=maker)

    lagging = await client.info(type="clearinghouseState", user=maker)
    await client.venue.step(0.2)
    caught_up = await client.info(type="clearinghouseState", user=maker)

    assert fills[0]["time"] > lagging["time"]
    assert _sizes(lagging) == _sizes(stood) != _sizes(caught_up)
    assert caught_up["time"] == world.time


async def test_an_early_stamp_is_that_of_a_block_whose_trades_the_state_lacks(
    client: Client,
) -> None:
    world = client.venue.world
    maker = world.population.makers[0].address
    await client.fault("early_stamp", **{"for": 60})
    ambiguous = 0

    for _ in range(60):
        state = await client.info(type="clearinghouseState", user=maker)
        await client.venue.step((state["time"] - world.time + 1) / 1000)
        fills = await client.info(type="userFillsByTime", user=maker, startTime=state["time"])
        ambiguous += len({fill["time"] for fill in fills} & {state["time"]})
        listed = {world.coins[coin].name for coin in world.board.universe("")}
        for fill in [fill for fill in fills if fill["coin"] in listed][:1]:
            assert Decimal(fill["startPosition"]) == _sizes(state).get(fill["coin"], 0)

    assert ambiguous > 3


@pytest.mark.parametrize("ms", [400, -400])
async def test_a_skewed_clock_shifts_every_stamp_and_nothing_runs_backwards(
    client: Client, ms: int
) -> None:
    socket, _ = await client.subscribed({"type": "bbo", "coin": "BTC"})
    start = client.venue.world.time
    await client.venue.step(5)
    await client.fault("clock_skew", ms=ms, **{"for": 5})
    await client.venue.step(4)
    during = client.venue.world.time
    await client.venue.step(6)

    assert during - start == pytest.approx(9_000 + ms, abs=101)
    assert client.venue.world.time - start == pytest.approx(15_000, abs=101)
    stamps = [frame["time"] for frame in await client.frames(socket)]
    assert all(later > earlier for earlier, later in pairwise(stamps))


@pytest.mark.parametrize("change", ["backstop", "deleveraging", "netting"])
async def test_a_hidden_change_moves_positions_and_prints_no_trade(
    client: Client, change: str
) -> None:
    await client.post("/simulator/pause")
    await client.venue.step(1)
    books = await client.truth()
    before = await client.printed()
    await client.fault("hidden_change", change=change)
    await client.venue.step(1)

    later = await client.truth()
    assert later != books
    assert await client.printed() == before


async def test_crowded_blocks_make_careless_pagers_lose_fills(client: Client) -> None:
    user, start = client.venue.world.addresses[0], client.venue.world.time + 1
    await client.fault("crowded_blocks", user=user)
    await client.venue.step(2)

    first = await client.info(type="userFillsByTime", user=user, startTime=start)
    cut = max(fill["time"] for fill in first)
    careless = await client.info(type="userFillsByTime", user=user, startTime=cut + 1)
    inclusive = await client.info(type="userFillsByTime", user=user, startTime=cut)

    assert len(first) == 2000
    block = [fill for fill in inclusive if fill["time"] == cut]
    held = [fill for fill in first if fill["time"] == cut]
    assert block[: len(held)] == held
    assert len(block) > len(held) > 0
    assert not [fill for fill in careless if fill["time"] == cut]


async def test_a_coin_that_is_listed_trades_and_one_that_is_delisted_rests(
    client: Client,
) -> None:
    await client.fault("new_listing", coin="NEW", price=3.5)
    await client.venue.step(5)
    listed = await client.printed("NEW")
    await client.fault("delisting", coin="NEW")
    await client.venue.step(1)
    settled = await client.printed("NEW")
    await client.venue.step(5)

    universe = (await client.info(type="meta"))["universe"]
    assert 0 < listed <= settled == await client.printed("NEW")
    assert [coin.get("isDelisted") for coin in universe if coin["name"] == "NEW"] == [True]
    assert not any("NEW" in book for book in (await client.truth()).values())


async def test_listings_that_name_no_coin_choose_one(client: Client) -> None:
    before = {coin["name"]: coin for coin in (await client.info(type="meta"))["universe"]}
    await client.fault("new_listing")
    await client.fault("delisting")
    await client.venue.step(1)

    after = {coin["name"]: coin for coin in (await client.info(type="meta"))["universe"]}
    assert len(after.keys() - before.keys()) == 1
    assert sum("isDelisted" in coin for coin in after.values()) == 1 + sum(
        "isDelisted" in coin for coin in before.values()
    )


def _sizes(state: Any) -> dict[str, Decimal]:
    return {
        row["position"]["coin"]: Decimal(row["position"]["szi"]) for row in state["assetPositions"]
    }
