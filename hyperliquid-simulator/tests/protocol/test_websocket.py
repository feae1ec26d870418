import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Any

import aiohttp
import orjson
import pytest

from hyperliquid_simulator.app import running
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.wire import address

GREETING = "Websocket connection established."


class Socket:
    """A client's end of one websocket."""

    def __init__(self, inner: aiohttp.ClientWebSocketResponse) -> None:
        self.inner = inner

    async def send(self, text: str | dict[str, Any]) -> None:
        await self.inner.send_str(text if isinstance(text, str) else orjson.dumps(text).decode())

    async def subscribe(self, **subscription: Any) -> None:
        await self.send({"method": "subscribe", "subscription": subscription})

    async def text(self) -> str:
        return await self.inner.receive_str(timeout=10)

    async def frame(self, channel: str | None = None) -> Any:
        """Return the next frame, or the next of a channel."""
        while True:
            frame = orjson.loads(await self.text())
            if channel in (None, frame["channel"]):
                return frame

    async def ended(self) -> bool:
        """Read what is left; True when the socket broke without a close frame."""
        while True:
            message = await self.inner.receive(timeout=10)
            if message.type is not aiohttp.WSMsgType.TEXT:
                return self.inner.close_code in (None, 1006)


class Floor:
    """Opens sockets to one venue."""

    def __init__(self, base_url: str, session: aiohttp.ClientSession) -> None:
        self.base_url = base_url
        self.session = session
        self.sockets: list[Socket] = []

    async def socket(self) -> Socket:
        socket = Socket(await self.session.ws_connect(self.base_url + "/ws"))
        self.sockets.append(socket)
        assert await socket.text() == GREETING
        return socket

    async def post(self, path: str, **body: Any) -> Any:
        async with self.session.post(self.base_url + path, json=body) as response:
            return await response.json()

    async def truth(self) -> Any:
        async with self.session.get(self.base_url + "/simulator/truth") as response:
            return await response.json()


@pytest.fixture
async def floor(venue: str) -> AsyncIterator[Floor]:
    async with opened(venue) as floor:
        yield floor


@pytest.fixture
async def fast(open_venue: str) -> AsyncIterator[Floor]:
    async with opened(open_venue) as floor:
        yield floor


@asynccontextmanager
async def opened(base_url: str) -> AsyncIterator[Floor]:
    async with aiohttp.ClientSession() as session:
        floor = Floor(base_url, session)
        yield floor
        for socket in floor.sockets:
            await socket.inner.close()


async def test_a_ping_is_answered_by_a_pong_without_data(floor: Floor) -> None:
    socket = await floor.socket()
    await socket.send('{"method":"ping"}')

    assert await socket.text() == '{"channel":"pong"}'


@pytest.mark.parametrize(
    ("asked", "echo"),
    [
        ({"coin": "BTC", "type": "trades", "x": 1}, '{"type":"trades","coin":"BTC"}'),
        ({"type": "allMids"}, '{"type":"allMids"}'),
        ({"type": "bbo", "coin": "ETH"}, '{"type":"bbo","coin":"ETH"}'),
        (
            {"type": "candle", "coin": "BTC", "interval": "1m"},
            '{"type":"candle","interval":"1m","coin":"BTC"}',
        ),
        (
            {"type": "l2Book", "coin": "BTC"},
            '{"type":"l2Book","coin":"BTC","nSigFigs":null,"mantissa":null,"fast":false}',
        ),
        (
            {"type": "userFills", "user": "0x" + "AB" * 20},
            '{"type":"userFills","user":"0x' + "ab" * 20 + '","aggregateByTime":false}',
        ),
        (
            {"type": "clearinghouseState", "user": "0x" + "AB" * 20},
            '{"type":"clearinghouseState","user":"0x' + "ab" * 20 + '","dex":""}',
        ),
        *(
            (
                {"type": kind, "user": "0x" + "AB" * 20, "aggregateByTime": True},
                f'{{"type":"{kind}","user":"0x' + "ab" * 20 + '"}',
            )
            for kind in ("userFundings", "userNonFundingLedgerUpdates")
        ),
        ({"type": "fastAssetCtxs", "dex": ""}, '{"type":"fastAssetCtxs"}'),
        ({"type": "allDexsAssetCtxs"}, '{"type":"allDexsAssetCtxs"}'),
        (
            {"user": "0x" + "AB" * 20, "type": "allDexsClearinghouseState"},
            '{"type":"allDexsClearinghouseState","user":"0x' + "ab" * 20 + '"}',
        ),
        (
            {"user": "0x" + "AB" * 20, "type": "userEvents"},
            '{"type":"userEvents","user":"0x' + "ab" * 20 + '"}',
        ),
        (
            {"user": "0x" + "AB" * 20, "type": "orderUpdates"},
            '{"type":"orderUpdates","user":"0x' + "ab" * 20 + '"}',
        ),
    ],
)
async def test_acknowledgements_are_canonical(
    floor: Floor, asked: dict[str, Any], echo: str
) -> None:
    socket = await floor.socket()
    await socket.subscribe(**asked)

    acknowledged = '{"channel":"subscriptionResponse","data":{"method":"subscribe","subscription":'
    assert await socket.text() == acknowledged + echo + "}}"


async def test_every_subscription_to_trades_replays_the_last_thirty(floor: Floor) -> None:
    await floor.post("/simulator/pause")
    one, other = await floor.socket(), await floor.socket()
    await one.subscribe(type="trades", coin="BTC")
    await other.subscribe(type="trades", coin="BTC")

    replay = (await one.frame("trades"))["data"]

    assert len(replay) == 30
    assert (await other.frame("trades"))["data"] == replay
    assert [t["time"] for t in replay] == sorted(t["time"] for t in replay)


async def test_positions_follow_from_trades_and_agree_with_the_states_at_rest(fast: Floor) -> None:
    await fast.post("/simulator/pause")
    before, socket = await fast.truth(), await fast.socket()
    seen: set[tuple[int, str, int]] = set()
    books: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for account, book in before["books"].items():
        books.update({(account, coin): Decimal(size) for coin, size in book.items()})
    for coin in ("BTC", "ETH", "SOL", "HYPE"):
        await socket.subscribe(type="trades", coin=coin)
        seen |= {(t["time"], t["coin"], t["tid"]) for t in (await socket.frame("trades"))["data"]}

    await fast.post("/simulator/resume")
    for side in ("long", "short", "long"):
        for coin in ("BTC", "ETH"):
            await fast.post("/simulator/flip", coin=coin, side=side)
        await asyncio.sleep(0.1)
    rest = await fast.post("/simulator/pause")

    await socket.subscribe(type="bbo", coin="BTC")
    while (frame := await socket.frame())["channel"] != "bbo" or frame["data"]["time"] < rest[
        "time"
    ]:
        for trade in frame["data"] if frame["channel"] == "trades" else ():
            key = (trade["time"], trade["coin"], trade["tid"])
            assert key not in seen
            seen.add(key)
            buyer, seller = trade["users"]
            books[buyer, trade["coin"]] += Decimal(trade["sz"])
            books[seller, trade["coin"]] -= Decimal(trade["sz"])
    after = await fast.truth()

    assert {key: size for key, size in books.items() if size} == {
        (account, coin): Decimal(size)
        for account, book in after["books"].items()
        for coin, size in book.items()
    }
    for account, book in list(after["books"].items())[:10]:
        state = await fast.post("/info", type="clearinghouseState", user=account)
        held = {p["position"]["coin"]: p["position"]["szi"] for p in state["assetPositions"]}
        assert held == book


async def test_user_fills_open_with_a_snapshot_and_go_on_without_the_mark(fast: Floor) -> None:
    maker = next(a for a, s in (await fast.truth())["styles"].items() if s == "maker")
    socket = await fast.socket()
    await socket.subscribe(type="userFills", user=maker)

    snapshot, update = await socket.frame("userFills"), await socket.frame("userFills")

    assert list(snapshot["data"]) == ["isSnapshot", "user", "fills"]
    assert list(update["data"]) == ["user", "fills"]
    assert update["data"]["fills"][0]["time"] > snapshot["data"]["fills"][0]["time"]


async def test_an_unknown_user_gets_an_empty_snapshot(floor: Floor) -> None:
    socket = await floor.socket()
    await socket.subscribe(type="userFills", user="0x" + "0" * 40)

    assert (await socket.frame("userFills"))["data"]["fills"] == []


async def test_candles_come_as_single_objects_on_change(fast: Floor) -> None:
    socket = await fast.socket()
    await socket.subscribe(type="candle", coin="BTC", interval="1m")

    one, other = await socket.frame("candle"), await socket.frame("candle")

    assert list(one["data"]) == ["t", "T", "s", "i", "o", "c", "h", "l", "v", "n"]
    assert (other["data"]["t"], other["data"]["n"]) > (one["data"]["t"], one["data"]["n"])


async def test_whole_states_come_at_once_and_again_at_their_pace(fast: Floor) -> None:
    socket = await fast.socket()
    await socket.subscribe(type="activeAssetCtx", coin="BTC")
    await socket.subscribe(type="l2Book", coin="BTC", fast=True)
    await socket.subscribe(type="l2Book", coin="ETH", nSigFigs=3)
    seen: dict[str, int] = defaultdict(int)

    while min(seen["activeAssetCtx"], seen["fast"], seen["coarse"]) < 2:
        frame = await socket.frame()
        if frame["channel"] == "l2Book" and frame["data"].get("fast"):
            assert [len(side) for side in frame["data"]["levels"]] == [5, 5]
            seen["fast"] += 1
        elif frame["channel"] == "l2Book":
            assert Decimal(frame["data"]["spread"]) > 0
            seen["coarse"] += 1
        else:
            seen[frame["channel"]] += 1

    assert seen["fast"] > seen["activeAssetCtx"] > 1


@pytest.mark.parametrize(
    "text",
    [
        '{"method": "subscribe",  "subscription": {"type": "noSuchType", "coin": "BTC"}}',
        '{"method":"shout"}',
        '{"method":"subscribe","subscription":"trades"}',
        "not json",
        "[]",
    ],
)
async def test_what_cannot_be_understood_is_echoed_and_the_socket_lives(
    floor: Floor, text: str
) -> None:
    socket = await floor.socket()
    await socket.send(text)

    error = await socket.frame()

    assert error == {
        "channel": "error",
        "data": f"Error parsing JSON into valid websocket request: {text}",
    }
    await socket.send('{"method":"ping"}')
    assert await socket.frame() == {"channel": "pong"}


async def test_wrong_parameters_and_repetitions_are_named(floor: Floor) -> None:
    socket = await floor.socket()
    await socket.subscribe(type="candle", coin="BTC", interval="7m")
    wrong = await socket.frame("error")
    await socket.subscribe(type="allMids")
    await socket.subscribe(type="allMids")
    again = await socket.frame("error")
    await socket.send({"method": "unsubscribe", "subscription": {"type": "allMids"}})
    gone = await socket.frame("subscriptionResponse")
    await socket.send({"method": "unsubscribe", "subscription": {"type": "allMids"}})
    twice = await socket.frame("error")

    assert wrong["data"].startswith('Invalid subscription {"type":"candle"')
    assert again["data"] == 'Already subscribed: {"type":"allMids"}'
    assert gone["data"]["subscription"] == {"type": "allMids"}
    assert twice["data"] == 'Already unsubscribed: {"type":"allMids"}'


async def test_a_post_is_answered_under_its_id_on_the_same_socket(floor: Floor) -> None:
    socket = await floor.socket()
    request = {"type": "info", "payload": {"type": "exchangeStatus"}}
    await socket.send({"method": "post", "id": 7, "request": request})

    data = (await socket.frame("post"))["data"]

    assert data["id"] == 7
    assert data["response"]["payload"]["type"] == "exchangeStatus"
    assert data["response"]["payload"]["data"]["time"] > 0


async def test_an_unknown_coin_breaks_the_socket_without_a_frame(floor: Floor) -> None:
    socket = await floor.socket()
    await socket.subscribe(type="trades", coin="NOPE")

    assert await socket.ended()


async def test_the_eleventh_connection_is_refused_until_one_ends(floor: Floor) -> None:
    sockets = [await floor.socket() for _ in range(10)]
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await floor.socket()
    assert refused.value.status == 429

    await sockets[0].inner.close()
    await _until_connections(floor, 9)
    await floor.socket()


async def test_the_eleventh_user_is_refused_over_all_sockets_of_an_address(floor: Floor) -> None:
    users = [address(1, "any", n) for n in range(11)]
    one, other = await floor.socket(), await floor.socket()
    for user in users[:10]:
        await one.subscribe(type="clearinghouseState", user=user)
        await one.frame("clearinghouseState")

    await other.subscribe(type="userFills", user=users[3])
    assert (await other.frame("userFills"))["data"]["user"] == users[3]
    await other.subscribe(type="userFills", user=users[10])
    assert (await other.frame("error"))["data"] == "Cannot track more than 10 total users."


@pytest.mark.parametrize("kind", ["userEvents", "orderUpdates"])
async def test_a_socket_has_events_and_orders_of_one_account_only(floor: Floor, kind: str) -> None:
    user, second = address(1, "any", 1), address(1, "any", 2)
    one, other = await floor.socket(), await floor.socket()
    await one.subscribe(type=kind, user=user)
    await one.frame("subscriptionResponse")

    await one.subscribe(type=kind, user=second)
    refused = await one.frame("error")
    await one.subscribe(type="userFills", user=second)
    await other.subscribe(type=kind, user=second)

    assert refused["data"] == f'Invalid subscription {{"type":"{kind}","user":"{second}"}}'
    assert (await one.frame("userFills"))["data"]["user"] == second
    assert (await other.frame())["channel"] == "subscriptionResponse"
    await one.send({"method": "unsubscribe", "subscription": {"type": kind, "user": user}})
    await one.subscribe(type=kind, user=second)
    echoes = [(await one.frame("subscriptionResponse"))["data"] for _ in range(2)]
    assert echoes[-1]["subscription"] == {"type": kind, "user": second}


async def test_users_of_every_channel_count_together(floor: Floor) -> None:
    kinds = ("userEvents", "orderUpdates", "userFills", "allDexsClearinghouseState")
    sockets = [await floor.socket() for _ in range(3)]
    users = [address(1, "any", n) for n in range(11)]
    wanted = [
        (sockets[n], kind, users[2 * n + m]) for n in range(3) for m, kind in enumerate(kinds[:2])
    ]
    wanted += [(sockets[0], kinds[n % 2 + 2], users[n]) for n in range(6, 10)]
    for socket, kind, user in wanted:
        await socket.subscribe(type=kind, user=user)
        assert (await socket.frame("subscriptionResponse"))["data"]["subscription"]["type"] == kind

    for kind in kinds[2:]:
        await sockets[0].subscribe(type=kind, user=users[10])
        error = await sockets[0].frame("error")
        assert error["data"] == "Cannot track more than 10 total users."


async def test_sockets_break_on_command(floor: Floor) -> None:
    socket = await floor.socket()
    await floor.post("/simulator/fault", **{"kind": "drop_sockets", "for": 1})

    assert await socket.ended()


async def test_a_silent_socket_answers_pings_and_nothing_else(fast: Floor) -> None:
    socket = await fast.socket()
    await socket.subscribe(type="trades", coin="BTC")
    await socket.frame("trades")
    fault = {"kind": "silent_sockets", "for": 60, "channel": "trades"}
    await fast.post("/simulator/fault", **fault)
    await socket.send('{"method":"ping"}')
    await socket.frame("pong")

    await socket.subscribe(type="bbo", coin="BTC")
    later = [await socket.frame() for _ in range(20)]

    assert {frame["channel"] for frame in later} == {"subscriptionResponse", "bbo"}


async def test_a_lagging_node_serves_states_older_than_the_trades(fast: Floor) -> None:
    user = next(iter((await fast.truth())["planted"]))
    await fast.post("/simulator/fault", **{"kind": "lagging_state", "for": 60})
    await asyncio.sleep(0.05)

    one = await fast.post("/info", type="clearinghouseState", user=user)
    await asyncio.sleep(0.05)
    other = await fast.post("/info", type="clearinghouseState", user=user)

    assert one["time"] == other["time"]
    assert other["time"] < (await fast.post("/info", type="exchangeStatus"))["time"]


async def test_faults_from_a_file_happen_at_their_time(config: Config, tmp_path: Any) -> None:
    path = tmp_path / "faults.json"
    path.write_bytes(b'[{"kind": "drop_sockets", "at": 0, "for": 60}]')
    async with (
        running(replace(config, faults=path)) as base_url,
        aiohttp.ClientSession() as session,
    ):
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(base_url + "/ws")


async def _until_connections(floor: Floor, wanted: int) -> None:
    for _ in count():
        async with floor.session.get(floor.base_url + "/simulator/limits") as response:
            if (await response.json())["127.0.0.1"]["connections"]["now"] == wanted:
                return
        await asyncio.sleep(0.01)
