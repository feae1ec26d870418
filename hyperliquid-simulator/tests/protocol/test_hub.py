"""The websocket's rules about time, with a clock moved by hand."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hyperliquid_simulator.clock import SteppedClock
from hyperliquid_simulator.protocol.channels import CHANNELS, parse_subscription
from hyperliquid_simulator.protocol.desk import InfoDesk
from hyperliquid_simulator.protocol.faults import Faults
from hyperliquid_simulator.protocol.feeds import Feed, digest
from hyperliquid_simulator.protocol.limits import Limits
from hyperliquid_simulator.protocol.posts import Posts
from hyperliquid_simulator.protocol.websocket import Hub
from hyperliquid_simulator.world.world import World

Socket = aiohttp.ClientWebSocketResponse


LIFETIME = 600.0


class Stage:
    """A hub whose blocks and seconds come only when a test says so."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.clock = SteppedClock(world.time)
        self.limits = Limits(self.clock.elapsed)
        faults = Faults([], self.clock.elapsed, world)
        posts = Posts(InfoDesk(world, self.limits, faults), self.limits, self.clock)
        self.hub = Hub(world, self.limits, faults, posts, self.clock, LIFETIME)

    @property
    def used(self) -> dict[str, dict[str, int]]:
        return self.limits.report()["127.0.0.1"]

    def wait(self, seconds: float) -> None:
        self.clock.pass_by(seconds)
        self.hub.tend()


@pytest.fixture
def stage(world: World) -> Stage:
    return Stage(world)


@pytest.fixture
async def socket(stage: Stage) -> AsyncIterator[Socket]:
    app = web.Application()
    app.router.add_get("/ws", stage.hub.serve)
    async with (
        TestServer(app) as server,
        aiohttp.ClientSession() as session,
        session.ws_connect(server.make_url("/ws")) as socket,
    ):
        assert await socket.receive_str() == "Websocket connection established."
        yield socket


async def test_a_socket_that_heard_nothing_for_a_minute_breaks(
    stage: Stage, socket: Socket
) -> None:
    stage.wait(60.1)

    assert await _broken(socket)
    while stage.used["connections"]["now"]:
        await asyncio.sleep(0.001)
    assert stage.used["closed"] == {"silent": 1}


async def test_a_ping_keeps_a_socket_alive_but_an_acknowledgement_does_not(
    stage: Stage, socket: Socket
) -> None:
    stage.wait(50.0)
    await socket.send_str('{"method":"ping"}')
    assert await socket.receive_str() == '{"channel":"pong"}'
    stage.wait(50.0)
    subscription = {"type": "candle", "coin": "BTC", "interval": "1m"}
    await socket.send_json({"method": "subscribe", "subscription": subscription})
    assert (await socket.receive_json())["channel"] == "subscriptionResponse"
    stage.wait(10.1)

    assert await _broken(socket)


async def test_data_keeps_a_socket_alive(stage: Stage, socket: Socket) -> None:
    await socket.send_json({"method": "subscribe", "subscription": {"type": "allMids"}})
    assert (await socket.receive_json())["channel"] == "subscriptionResponse"
    assert (await socket.receive_json())["channel"] == "allMids"
    for _ in range(5):
        stage.wait(50.0)
        for _ in range(80):
            stage.hub.publish(stage.world.step())
        assert (await socket.receive_json())["channel"] == "allMids"


async def test_an_old_socket_is_closed_as_expired_after_all_its_frames(
    stage: Stage, socket: Socket
) -> None:
    for _ in range(11):
        stage.wait(LIFETIME / 12)
        await socket.send_str('{"method":"ping"}')
        assert await socket.receive_str() == '{"channel":"pong"}'
    await socket.send_json({"method": "subscribe", "subscription": {"type": "allMids"}})
    assert (await socket.receive_json())["channel"] == "subscriptionResponse"
    assert (await socket.receive_json())["channel"] == "allMids"
    for _ in range(80):
        stage.hub.publish(stage.world.step())

    stage.wait(LIFETIME / 12)
    stage.wait(0.2)

    assert (await socket.receive_json())["channel"] == "allMids"
    closed = await socket.receive(timeout=10)
    assert closed.type is aiohttp.WSMsgType.CLOSE
    assert (closed.data, closed.extra) == (1000, "Expired")
    while stage.used["connections"]["now"]:
        await asyncio.sleep(0.001)


async def test_too_many_messages_in_a_minute_end_the_socket(stage: Stage, socket: Socket) -> None:
    for _ in range(2000):
        await socket.send_str('{"method":"ping"}')
    for _ in range(2000):
        await socket.receive_str()

    await socket.send_str('{"method":"ping"}')
    assert await _broken(socket)


@pytest.mark.parametrize("kind", CHANNELS)
async def test_every_channel_can_be_had_and_sends_data(
    stage: Stage, socket: Socket, kind: str
) -> None:
    maker = stage.world.population.makers[0].address
    everything = {"coin": "BTC", "user": maker, "interval": "1m"}
    wanted = {k: v for k, v in everything.items() if k in CHANNELS[kind].parameters}
    await socket.send_json({"method": "subscribe", "subscription": {"type": kind, **wanted}})
    assert (await socket.receive_json())["channel"] == "subscriptionResponse"

    stage.world.delist(stage.world.coin_index["#14880"])
    for _ in range(100):
        stage.hub.publish(stage.world.step())
    rare = kind in {
        "openOrders",
        "outcomeMetaUpdates",
        "twapStates",
        "userFundings",
        "userNonFundingLedgerUpdates",
        "userTwapHistory",
        "userTwapSliceFills",
    }
    frames = [await socket.receive_json() for _ in range(1 if rare else 2)]

    assert {frame["channel"] for frame in frames} == {CHANNELS[kind].frames(frames[0]["data"])}


@pytest.mark.parametrize(
    ("subscription", "pace_ms"),
    [
        ({"type": "l2Book", "coin": "BTC"}, 5_400),
        ({"type": "l2Book", "coin": "BTC", "fast": True}, 540),
        ({"type": "activeAssetCtx", "coin": "BTC"}, 1_000),
    ],
)
def test_whole_states_come_as_often_as_measured(
    world: World, subscription: dict[str, Any], pace_ms: int
) -> None:
    wanted = parse_subscription(subscription, world)
    feed, times = Feed(wanted, world.time), list[int]()

    while len(times) < 12:
        seen = digest(world.step())
        times += [world.time for _ in CHANNELS[wanted.type].later(world, feed, seen)]

    waits = [later - earlier for earlier, later in pairwise(times)]
    assert sum(waits) / len(waits) == pytest.approx(pace_ms, rel=0.02)
    assert all(abs(wait - pace_ms) <= 120 for wait in waits)


def test_middles_come_at_the_measured_spread_of_waits(world: World) -> None:
    feed, times = Feed(parse_subscription({"type": "allMids"}, world), world.time), list[int]()

    while len(times) < 200:
        seen = digest(world.step())
        times += [world.time for _ in CHANNELS["allMids"].later(world, feed, seen)]

    waits = sorted(later - earlier for earlier, later in pairwise(times))
    assert waits[0] >= 5_010
    assert waits[-1] <= 6_530
    assert waits[100] == pytest.approx(5_307, abs=60)
    assert waits[180] == pytest.approx(5_900, abs=120)


async def test_a_connection_gives_back_all_it_counted(stage: Stage, socket: Socket) -> None:
    for user in stage.world.addresses[:3]:
        subscription = {"type": "userFills", "user": user}
        await socket.send_json({"method": "subscribe", "subscription": subscription})
        await socket.receive_json()
        await socket.receive_json()
    assert stage.used["users"]["now"] == 3

    await socket.close()

    while stage.used["connections"]["now"]:
        await asyncio.sleep(0.001)
    assert stage.used["subscriptions"]["now"] == stage.used["users"]["now"] == 0
    assert stage.used["closed"] == {}


async def _broken(socket: Socket) -> bool:
    message = await socket.receive(timeout=10)
    return message.type is aiohttp.WSMsgType.CLOSED or socket.close_code == 1006
