"""One end of a websocket: what it subscribed to, its queue of frames, and how it ends."""

import asyncio
from typing import Final

from aiohttp import WSCloseCode, WSMsgType, web

from hyperliquid_simulator.channels import CHANNELS
from hyperliquid_simulator.clock import Clock
from hyperliquid_simulator.subscriptions import Subscription

EXPIRED: Final = "Expired"
QUEUED: Final = 50_000


class Connection:
    """One open socket: what it subscribed to and the frames still to be written to it."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse, clock: Clock) -> None:
        self.ip = request.remote or ""
        self.subscriptions: set[Subscription] = set()
        self.ended: str | None = None
        self._clock = clock
        self._opened_at, self._heard_at = clock.elapsed(), clock.waited()
        self._request = request
        self._socket = socket
        self._frames: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUED)

    @property
    def age(self) -> float:
        """Seconds of venue time since it was opened."""
        return self._clock.elapsed() - self._opened_at

    @property
    def silence(self) -> float:
        """Seconds that the client has waited for data or a pong."""
        return self._clock.waited() - self._heard_at

    @property
    def behind(self) -> int:
        """Frames that are still to be written."""
        return self._frames.qsize()

    def send(self, data: bytes | None) -> None:
        """Queue a frame, None for the last; a reader that fell too far behind is cut off."""
        try:
            self._frames.put_nowait(data)
        except asyncio.QueueFull:
            self.abort("behind")

    def say(self, data: bytes) -> None:
        """Queue a frame that counts as a sign of life: data or a pong."""
        self._heard_at = self._clock.waited()
        self.send(data)

    def expire(self) -> None:
        """Close the socket as the venue does with old ones, after what is still to be written."""
        if self.ended is None:
            self.ended = EXPIRED
            self.send(None)

    def abort(self, reason: str) -> None:
        """Break the socket without a close frame."""
        self.ended = self.ended or reason
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
                    await self._socket.close(code=WSCloseCode.OK, message=EXPIRED.encode())
                    return
                await self._socket.send_frame(data, WSMsgType.TEXT)
            except ConnectionError:
                return
