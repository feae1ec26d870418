"""Keep one websocket connection to the venue open, whatever happens to it."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from random import Random

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from market_scraper.connectors.hyperliquid.budget import WeightBudget
from market_scraper.connectors.hyperliquid.session import Effect, Reconnect, Send, Session
from market_scraper.errors import WireFormatError
from market_scraper.tapping import Kind
from shared_events.runtime.clock import Clock

log = structlog.get_logger()

MESSAGES_A_MINUTE = 1_800
CONNECTIONS_A_MINUTE = 20
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 30.0
_TICK_SECONDS = 0.2
_MOST_BYTES = 16 << 20
_FRAMES_AT_ONCE = 20


Tap = Callable[[Kind, bytes], None]
"""Called with what happened to the connection, and what travelled."""


class SocketLimits:
    """What all connections together may do in any minute."""

    def __init__(self) -> None:
        self.messages = WeightBudget(MESSAGES_A_MINUTE)
        self.connections = WeightBudget(CONNECTIONS_A_MINUTE)


class VenueSocket:
    """Thin I/O around a `Session`: connects, sends what it says, feeds it what comes.

    Parameters
    ----------
    url
        The websocket's address.
    session
        Decides everything.
    limits
        Shared by all sockets of the process.
    clock
        Tells the session the time.
    on_effect
        Called with everything the session says beyond sending and reconnecting.
    jitter
        Spreads reconnections.
    tap
        Called with everything that travels.
    """

    def __init__(  # noqa: PLR0913 -- each is a collaborator of its own
        self,
        url: str,
        session: Session,
        limits: SocketLimits,
        clock: Clock,
        on_effect: Callable[[Effect], None],
        *,
        jitter: Random,
        tap: Tap,
    ) -> None:
        self.session = session
        self.open = False
        self.set_aside = 0
        self._url = url
        self._limits = limits
        self._clock = clock
        self._on_effect = on_effect
        self._jitter = jitter
        self._tap = tap

    async def run(self) -> None:
        """Stay connected until cancelled."""
        wait = _FIRST_WAIT_SECONDS
        while True:
            opened = self._now()
            reason = await self._connected()
            wait = _FIRST_WAIT_SECONDS if self._now() - opened > _LONGEST_WAIT_SECONDS else wait * 2
            seconds = self._jitter.uniform(0.5, 1.0) * min(wait, _LONGEST_WAIT_SECONDS)
            log.warning("socket_closed", reason=reason, wait=round(seconds, 2))
            await self._clock.sleep(seconds)

    async def _connected(self) -> str:
        """Hold one connection; return why it ended."""
        await self._enter(self._limits.connections)
        try:
            async with connect(
                self._url, ping_interval=None, compression=None, max_size=_MOST_BYTES
            ) as socket:
                self.open = True
                self._tap("open", b"")
                self.session.opened(self._now())
                return await self._converse(socket)
        except (OSError, WebSocketException) as e:
            return str(e) or type(e).__name__
        finally:
            if self.open:
                self._tap("close", b"")
            self.open = False
            self.session.closed()

    async def _converse(self, socket: ClientConnection) -> str:
        reading = asyncio.create_task(self._read(socket))
        try:
            while not reading.done():
                for effect in self.session.due(self._now()):
                    if isinstance(effect, Reconnect):
                        return effect.reason
                    if isinstance(effect, Send):
                        await self._enter(self._limits.messages)
                        self._tap("sent", effect.text.encode())
                        await socket.send(effect.text)
                await asyncio.wait([reading], timeout=_TICK_SECONDS)
            return reading.result()
        finally:
            reading.cancel()

    async def _read(self, socket: ClientConnection) -> str:
        count = 0
        async with aclosing(aiter(socket)) as frames:  # type: ignore[type-var]
            async for frame in frames:
                self._understand(frame)
                count += 1
                if count % _FRAMES_AT_ONCE == 0:
                    await asyncio.sleep(0)
        return f"closed with {socket.close_code} {socket.close_reason}"

    def _understand(self, frame: str | bytes) -> None:
        self._tap("frame", frame.encode() if isinstance(frame, str) else frame)
        try:
            for effect in self.session.received(frame, self._now()):
                self._on_effect(effect)
        except WireFormatError as e:
            self.set_aside += 1
            log.warning("frame_set_aside", reason=str(e))

    async def _enter(self, budget: WeightBudget) -> None:
        while (seconds := budget.wait(1, self._now())) > 0:
            await self._clock.sleep(seconds)
        budget.take(1, self._now())

    def _now(self) -> float:
        return self._clock.now().timestamp()
