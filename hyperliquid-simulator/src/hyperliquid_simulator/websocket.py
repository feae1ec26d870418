"""The venue's websocket: connections, their subscriptions, and the fan-out of blocks to them."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import orjson
from aiohttp import WSCloseCode, WSMsgType, web

from hyperliquid_simulator.channels import CHANNELS, frame, parse_subscription, unreadable
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
EXPIRED: Final = b"Expired"
QUEUED: Final = 50_000
LARGEST_MESSAGE: Final = 64 * 1024


class Connection:
    """One open socket: what it subscribed to and the frames still to be written to it."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse, now: float) -> None:
        self.ip = request.remote or ""
        self.subscriptions: set[Subscription] = set()
        self.opened_at = self.heard_at = now
        self.expired = False
        self._request = request
        self._socket = socket
        self._frames: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUED)

    def send(self, data: bytes | None) -> None:
        """Queue a frame, None for the last; a reader that fell too far behind is cut off."""
        try:
            self._frames.put_nowait(data)
        except asyncio.QueueFull:
            self.abort()

    def expire(self) -> None:
        """Close the socket as the venue does with old ones, after what is still to be written."""
        if not self.expired:
            self.expired = True
            self.send(None)

    def abort(self) -> None:
        """Break the socket without a close frame."""
        if self._request.transport is not None:
            self._request.transport.abort()

    def confused_by(self, subscription: Subscription) -> bool:
        """Tell whether its frames could not be told from another account's on this socket."""
        return CHANNELS[subscription.type].anonymous and any(
            other.type == subscription.type for other in self.subscriptions
        )

    async def write(self) -> None:
        """Write queued frames until the socket is gone."""
        while not self._socket.closed:
            data = await self._frames.get()
            try:
                if data is None:
                    await self._socket.close(code=WSCloseCode.OK, message=EXPIRED)
                    return
                await self._socket.send_frame(data, WSMsgType.TEXT)
            except ConnectionError:
                return


class Hub:
    """All connections and feeds; the world's blocks go in, frames go out."""

    def __init__(
        self,
        world: World,
        limits: Limits,
        faults: Faults,
        posts: Posts,
        elapsed: Callable[[], float],
        lifetime: float | None = None,
    ) -> None:
        self._world = world
        self._lifetime = lifetime
        self._limits = limits
        self._faults = faults
        self._elapsed = elapsed
        self._posts = posts
        self._feeds: dict[Subscription, Feed] = {}
        self._readers: dict[Subscription, set[Connection]] = {}
        self._connections: set[Connection] = set()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Run one connection from greeting to end."""
        ip = request.remote or ""
        if self._faults.sockets_dropped(self._elapsed()) or not self._limits.connect(ip):
            return web.Response(status=429, body=b"null", content_type="application/json")
        socket = web.WebSocketResponse(compress=False, max_msg_size=LARGEST_MESSAGE)
        try:
            await socket.prepare(request)
            await self._converse(request, socket)
        finally:
            self._limits.disconnect(ip)
        return socket

    def publish(self, block: Block) -> None:
        """Send what a block changed to everybody who subscribed to it, and answer requests."""
        seen, now = digest(block), self._elapsed()
        for subscription, feed in self._feeds.items():
            channel = CHANNELS[subscription.type]
            for data in channel.later(self._world, feed, seen):
                self._send(self._readers[subscription], channel, data, now)
        self._posts.answer()

    def tend(self) -> None:
        """End sockets: the silent after a minute, the old, or all if a fault says so."""
        now = self._elapsed()
        dropped = self._faults.sockets_dropped(now)
        for connection in list(self._connections):
            if dropped or now - connection.heard_at > IDLE_S:
                connection.abort()
            elif self._lifetime is not None and now - connection.opened_at >= self._lifetime:
                connection.expire()

    def close(self) -> None:
        """Break every socket: the venue goes down."""
        for connection in list(self._connections):
            connection.abort()

    async def _converse(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        connection = Connection(request, socket, self._elapsed())
        self._connections.add(connection)
        writer = asyncio.create_task(connection.write())
        connection.send(GREETING)
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT or not self._limits.message(connection.ip):
                    break
                self._receive(connection, message.data)
        finally:
            if not connection.expired:
                writer.cancel()
            self._connections.discard(connection)
            for subscription in list(connection.subscriptions):
                self._forget(connection, subscription)

    def _receive(self, connection: Connection, raw: str) -> None:
        message = _parsed(raw)
        method = message.get("method")
        if method == "ping":
            connection.heard_at = self._elapsed()
            connection.send(PONG)
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
            connection.abort()
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
            self._send({connection}, channel, data, self._elapsed())

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

    def _send(self, readers: set[Connection], channel: Channel, data: Any, now: float) -> None:
        if self._faults.silenced(now, channel.name):
            return
        encoded = frame(channel.frames, data)
        for connection in readers:
            connection.heard_at = now
            connection.send(encoded)


def _parsed(raw: str) -> dict[str, Any]:
    try:
        message = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {}
    return message if isinstance(message, dict) else {}


def _acknowledged(method: str, subscription: Subscription) -> bytes:
    return frame("subscriptionResponse", {"method": method, "subscription": subscription.wire()})
