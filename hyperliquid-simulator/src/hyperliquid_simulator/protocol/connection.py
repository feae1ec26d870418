"""One end of a websocket: what it subscribed to, its frames, and how it ends."""

import asyncio
from typing import Final

from aiohttp import WSCloseCode, web

from hyperliquid_simulator.clock import Clock
from hyperliquid_simulator.protocol.channels import CHANNELS
from hyperliquid_simulator.protocol.subscriptions import Subscription

EXPIRED: Final = "Expired"
LARGEST_BACKLOG: Final = 64 * 1024 * 1024
"""Bytes that wait for a reader at most: some minutes of the busiest channels."""

TEXT: Final = b"\x81"
SHORT: Final = 125
MEDIUM: Final = 0xFFFF


def text_frame(payload: bytes) -> bytes:
    r"""Return a whole text frame as a server sends it: unmasked and in one piece.

    Examples
    --------
    >>> text_frame(b"pong")
    b'\x81\x04pong'
    >>> text_frame(bytes(300))[:4].hex()
    '817e012c'
    """
    size = len(payload)
    if size <= SHORT:
        return TEXT + size.to_bytes(1) + payload
    if size <= MEDIUM:
        return TEXT + b"\x7e" + size.to_bytes(2) + payload
    return TEXT + b"\x7f" + size.to_bytes(8) + payload


class Connection:
    """One open socket. Frames wait until `flush`, so that a block goes out in one write."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse, clock: Clock) -> None:
        self.ip = request.remote or ""
        self.subscriptions: set[Subscription] = set()
        self.ended: str | None = None
        self._clock = clock
        self._opened_at, self._heard_at = clock.elapsed(), clock.waited()
        self._transport = request.transport
        self._socket = socket
        self._frames: list[bytes] = []
        self._closing: asyncio.Task[bool] | None = None

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
        """Bytes that the client has yet to take."""
        if self._transport is None or self._transport.is_closing():
            return 0
        return self._transport.get_write_buffer_size()

    def add(self, frame: bytes) -> None:
        """Add data, already framed; it goes out with the next `flush` and counts as a sign of life."""
        self._frames.append(frame)

    def flush(self) -> None:
        """Write what was added; a reader that fell too far behind is cut off."""
        if not self._frames:
            return
        self._heard_at = self._clock.waited()
        self._write(b"".join(self._frames))
        self._frames.clear()
        if self.behind > LARGEST_BACKLOG:
            self.abort("behind")

    def say(self, payload: bytes) -> None:
        """Write data or a pong at once: a sign of life."""
        self.add(text_frame(payload))
        self.flush()

    def send(self, payload: bytes) -> None:
        """Write anything else at once: on the venue that does not keep a socket alive."""
        self._write(text_frame(payload))

    def expire(self) -> None:
        """Close the socket as the venue does with old ones, after what was written."""
        if self.ended is None:
            self.ended = EXPIRED
            closing = self._socket.close(code=WSCloseCode.OK, message=EXPIRED.encode())
            self._closing = asyncio.create_task(closing)

    def abort(self, reason: str) -> None:
        """Break the socket without a close frame."""
        self.ended = self.ended or reason
        if self._transport is not None:
            self._transport.abort()

    async def end(self) -> None:
        """Wait until a close that was begun is over."""
        if self._closing is not None:
            await self._closing

    def confused_by(self, subscription: Subscription) -> bool:
        """Tell whether its frames could not be told from another account's on this socket."""
        return CHANNELS[subscription.type].anonymous and any(
            other.type == subscription.type for other in self.subscriptions
        )

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)
