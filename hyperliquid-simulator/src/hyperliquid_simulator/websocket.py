"""The venue's websocket: connections, their subscriptions, and the fan-out of blocks to them."""

import asyncio
from typing import Any, Final

import orjson
from aiohttp import WSMsgType, web

from hyperliquid_simulator.channels import CHANNELS, frame, parse_subscription, unreadable
from hyperliquid_simulator.clock import Clock
from hyperliquid_simulator.connection import EXPIRED, QUEUED, Connection
from hyperliquid_simulator.faults import Faults
from hyperliquid_simulator.feeds import Channel, Feed, digest
from hyperliquid_simulator.limits import Limits
from hyperliquid_simulator.posts import Posts
from hyperliquid_simulator.subscriptions import (
    InvalidSubscriptionError,
    Subscription,
    UnknownCoinError,
)
from hyperliquid_simulator.world import Block, World

GREETING: Final = b"Websocket connection established."
PONG: Final = b'{"channel":"pong"}'
IDLE_S: Final = 60.0
LARGEST_MESSAGE: Final = 64 * 1024

MOST_BEHIND: Final = QUEUED // 10
PATIENCE_S: Final = 2.0
REST_S: Final = 0.002


class Hub:
    """All connections and feeds; the world's blocks go in, frames go out."""

    def __init__(
        self,
        world: World,
        limits: Limits,
        faults: Faults,
        posts: Posts,
        clock: Clock,
        lifetime: float | None = None,
    ) -> None:
        self._world = world
        self._lifetime = lifetime
        self._limits = limits
        self._faults = faults
        self._clock = clock
        self._posts = posts
        self._feeds: dict[Subscription, Feed] = {}
        self._readers: dict[Subscription, set[Connection]] = {}
        self._connections: set[Connection] = set()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Run one connection from greeting to end."""
        ip = request.remote or ""
        if self._faults.sockets_dropped() or not self._limits.connect(ip):
            return web.Response(status=429, body=b"null", content_type="application/json")
        socket = web.WebSocketResponse(compress=False, max_msg_size=LARGEST_MESSAGE)
        connection = Connection(request, socket, self._clock)
        try:
            await socket.prepare(request)
            await self._converse(connection, socket)
        finally:
            self._limits.disconnect(ip, connection.ended)
        return socket

    def publish(self, block: Block) -> None:
        """Send what a block changed to everybody who subscribed to it, and answer requests."""
        seen = digest(block)
        for subscription, feed in self._feeds.items():
            channel = CHANNELS[subscription.type]
            for data in channel.later(self._world, feed, seen):
                self._send(self._readers[subscription], channel, data)
        self._posts.answer()

    def tend(self) -> None:
        """End sockets: the silent after a minute, the old, or all if a fault says so."""
        dropped = self._faults.sockets_dropped()
        for connection in list(self._connections):
            if dropped:
                connection.abort("dropped")
            elif connection.silence > IDLE_S:
                connection.abort("silent")
            elif self._lifetime is not None and connection.age >= self._lifetime:
                connection.expire()

    async def room(self) -> None:
        """Let readers catch up; one that does not for some seconds is left to its fate."""
        await asyncio.sleep(0)
        patience = PATIENCE_S
        while patience > 0 and any(c.behind > MOST_BEHIND for c in self._connections):
            patience -= REST_S
            await asyncio.sleep(REST_S)

    def close(self) -> None:
        """Break every socket: the venue goes down."""
        for connection in list(self._connections):
            connection.abort("down")

    async def _converse(self, connection: Connection, socket: web.WebSocketResponse) -> None:
        self._connections.add(connection)
        writer = asyncio.create_task(connection.write())
        connection.send(GREETING)
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
                if not self._limits.message(connection.ip):
                    connection.abort("messages")
                    break
                self._receive(connection, message.data)
        finally:
            if connection.ended != EXPIRED:
                writer.cancel()
            self._connections.discard(connection)
            for subscription in list(connection.subscriptions):
                self._forget(connection, subscription)

    def _receive(self, connection: Connection, raw: str) -> None:
        message = _parsed(raw)
        method = message.get("method")
        if method == "ping":
            connection.say(PONG)
            return
        if method == "post":
            self._posts.accept(connection.ip, message, raw, connection.send)
            return
        wanted = message.get("subscription")
        known = isinstance(wanted, dict) and str(wanted.get("type")) in CHANNELS
        if method not in ("subscribe", "unsubscribe") or not known or wanted is None:
            connection.send(unreadable(raw))
            return
        try:
            subscription = parse_subscription(wanted, self._world)
        except InvalidSubscriptionError:
            echo = orjson.dumps(wanted).decode()
            connection.send(frame("error", f"Invalid subscription {echo}"))
        except UnknownCoinError:
            connection.abort("unknown coin")
        else:
            change = self._subscribe if method == "subscribe" else self._unsubscribe
            change(connection, subscription)

    def _subscribe(self, connection: Connection, subscription: Subscription) -> None:
        echo = orjson.dumps(subscription.wire()).decode()
        if subscription in connection.subscriptions:
            connection.send(frame("error", f"Already subscribed: {echo}"))
            return
        if connection.confused_by(subscription):
            connection.send(frame("error", f"Invalid subscription {echo}"))
            return
        complaint = self._limits.subscribe(connection.ip, subscription.user)
        if complaint is not None:
            connection.send(frame("error", complaint))
            return
        connection.subscriptions.add(subscription)
        feed = self._feeds.setdefault(subscription, Feed(subscription, self._world.time))
        self._readers.setdefault(subscription, set()).add(connection)
        connection.send(_acknowledged("subscribe", subscription))
        channel = CHANNELS[subscription.type]
        data = channel.first(self._world, feed)
        if data is not None:
            self._send({connection}, channel, data)

    def _unsubscribe(self, connection: Connection, subscription: Subscription) -> None:
        if subscription not in connection.subscriptions:
            echo = orjson.dumps(subscription.wire()).decode()
            connection.send(frame("error", f"Already unsubscribed: {echo}"))
            return
        self._forget(connection, subscription)
        connection.send(_acknowledged("unsubscribe", subscription))

    def _forget(self, connection: Connection, subscription: Subscription) -> None:
        connection.subscriptions.discard(subscription)
        self._limits.unsubscribe(connection.ip, subscription.user)
        readers = self._readers[subscription]
        readers.discard(connection)
        if not readers:
            del self._readers[subscription], self._feeds[subscription]

    def _send(self, readers: set[Connection], channel: Channel, data: Any) -> None:
        if self._faults.silenced(channel.name):
            return
        encoded = frame(channel.frames, data)
        for connection in readers:
            connection.say(encoded)


def _parsed(raw: str) -> dict[str, Any]:
    try:
        message = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {}
    return message if isinstance(message, dict) else {}


def _acknowledged(method: str, subscription: Subscription) -> bytes:
    return frame("subscriptionResponse", {"method": method, "subscription": subscription.wire()})
