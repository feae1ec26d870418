"""The venue's websocket: connections, their subscriptions, and the fan-out of blocks to them."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from aiohttp import WSMsgType, web

from hyperliquid_simulator.clock import Clock
from hyperliquid_simulator.protocol.channels import CHANNELS, frame, parse_subscription, unreadable
from hyperliquid_simulator.protocol.connection import LARGEST_BACKLOG, Connection, text_frame
from hyperliquid_simulator.protocol.failures import Effect
from hyperliquid_simulator.protocol.faults import Faults
from hyperliquid_simulator.protocol.feeds import Channel, Feed, digest
from hyperliquid_simulator.protocol.limits import Limits
from hyperliquid_simulator.protocol.posts import Posts
from hyperliquid_simulator.protocol.subscriptions import (
    InvalidSubscriptionError,
    Subscription,
    UnknownCoinError,
)
from hyperliquid_simulator.world.world import Block, World

GREETING: Final = b"Websocket connection established."
PONG: Final = b'{"channel":"pong"}'
IDLE_S: Final = 60.0
LARGEST_MESSAGE: Final = 64 * 1024

MOST_BEHIND: Final = LARGEST_BACKLOG // 64
PATIENCE_S: Final = 2.0
REST_S: Final = 0.002


@dataclass(slots=True)
class Line:
    """One subscription and everybody who has it; their frames are the same bytes."""

    channel: Channel
    feed: Feed
    readers: set[Connection] = field(default_factory=set)
    held: bytes | None = None

    def deliver(self, data: Any, suffered: Collection[Effect]) -> None:
        """Send data to all readers, as far and as often as faults let it."""
        if Effect.NO_DATA not in suffered:
            framed = text_frame(frame(self.channel.frames(data), data))
            self._send(self._in_order(framed, suffered), suffered)

    def release(self) -> None:
        """Send the frame that was held back to come after its successor."""
        if self.held is not None:
            self._send([self.held], ())
            self.held = None

    def _in_order(self, framed: bytes, suffered: Collection[Effect]) -> list[bytes]:
        if Effect.DATA_SWAPPED not in suffered:
            return [framed]
        if self.held is None:
            self.held = framed
            return []
        swapped, self.held = [framed, self.held], None
        return swapped

    def _send(self, frames: Sequence[bytes], suffered: Collection[Effect]) -> None:
        for framed in frames:
            sent = framed * 2 if Effect.DATA_TWICE in suffered else framed
            for connection in self.readers:
                connection.add(sent)


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
        self._lines: dict[Subscription, Line] = {}
        self._connections: set[Connection] = set()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Run one connection from greeting to end."""
        ip = request.remote or ""
        if self._faults.has(Effect.NO_SOCKETS) or not self._limits.connect(ip):
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
        for line in self._lines.values():
            suffered = self._faults.of_channel(line.channel.name)
            if Effect.DATA_SWAPPED not in suffered:
                line.release()
            for data in line.channel.later(self._world, line.feed, seen):
                line.deliver(data, suffered)
        for connection in self._connections:
            connection.flush()
        self._posts.answer()

    def tend(self) -> None:
        """End sockets: the silent after a minute, and the old."""
        for connection in list(self._connections):
            if connection.silence > IDLE_S:
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

    def drop(self, reason: str) -> None:
        """Break every socket without a close frame."""
        for connection in list(self._connections):
            connection.abort(reason)

    async def _converse(self, connection: Connection, socket: web.WebSocketResponse) -> None:
        self._connections.add(connection)
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
            self._connections.discard(connection)
            for subscription in list(connection.subscriptions):
                self._forget(connection, subscription)
            await connection.end()

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
        connection.send(_acknowledged("subscribe", subscription))
        line = self._lines.get(subscription)
        if line is None:
            channel = CHANNELS[subscription.type]
            line = Line(channel, channel.feed(subscription, self._world.time))
            self._lines[subscription] = line
        line.readers.add(connection)
        data = line.channel.first(self._world, line.feed)
        if data is not None and Effect.NO_DATA not in self._faults.of_channel(line.channel.name):
            connection.say(frame(line.channel.frames(data), data))

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
        line = self._lines[subscription]
        line.readers.discard(connection)
        if not line.readers:
            del self._lines[subscription]


def _parsed(raw: str) -> dict[str, Any]:
    try:
        message = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {}
    return message if isinstance(message, dict) else {}


def _acknowledged(method: str, subscription: Subscription) -> bytes:
    return frame("subscriptionResponse", {"method": method, "subscription": subscription.wire()})
