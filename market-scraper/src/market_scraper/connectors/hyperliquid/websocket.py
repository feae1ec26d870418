"""Keep one line to the venue open, whatever happens to its connections."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from random import Random
from typing import NamedTuple

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from market_scraper.collecting import Patience
from market_scraper.connectors.hyperliquid.budget import WeightBudget
from market_scraper.connectors.hyperliquid.line import Line
from market_scraper.connectors.hyperliquid.session import Effect, Reconnect, Send, Session
from market_scraper.errors import WireFormatError
from market_scraper.tapping import Kind
from shared_events.runtime.clock import Clock

log = structlog.get_logger()

MESSAGES_A_MINUTE = 1_800
CONNECTIONS_A_MINUTE = 20
_PATIENCE = Patience(first_seconds=0.5, longest_seconds=30.0, jitter=0.5)
_TICK_SECONDS = 0.2
_CLOSE_SECONDS = 2.0
_MOST_AT_ONCE = 50
_MOST_BYTES = 16 << 20
_FRAMES_AT_ONCE = 20
_NORMAL_CLOSE = 1_000
_EXPIRED = "Expired"


Tap = Callable[[Kind, bool, bytes], None]
"""Called with what happened to a connection, whether it is a second, and what travelled."""


class SocketLimits:
    """What all connections together may do in any minute, and whose line has two of them."""

    def __init__(self, share: float = 1.0) -> None:
        self.messages = WeightBudget(int(MESSAGES_A_MINUTE * share))
        self.connections = WeightBudget(max(1, int(CONNECTIONS_A_MINUTE * share)))
        self.handing_over: Line | None = None


class _End(NamedTuple):
    """Why a connection ended."""

    reason: str
    by_venue: bool = False
    expired: bool = False


class VenueLine:
    """Thin I/O around a `Line`: connects, sends what its sessions say, feeds them what comes.

    Parameters
    ----------
    url
        The websocket's address.
    line
        Decides everything.
    limits
        Shared by all lines of the process.
    clock
        Tells the sessions the time.
    on_effect
        Called with everything the sessions say beyond sending and reconnecting.
    jitter
        Spreads reconnections.
    tap
        Called with everything that travels.
    """

    def __init__(  # noqa: PLR0913 -- each is a collaborator of its own
        self,
        url: str,
        line: Line,
        limits: SocketLimits,
        clock: Clock,
        on_effect: Callable[[Effect], None],
        *,
        jitter: Random,
        tap: Tap,
    ) -> None:
        self.line = line
        self.set_aside = 0
        self.handovers = 0
        self._url = url
        self._limits = limits
        self._clock = clock
        self._on_effect = on_effect
        self._jitter = jitter
        self._tap = tap
        self._failures = 0
        self._again_at = 0.0
        self._places = {False, True}

    async def run(self) -> None:
        """Stay connected until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                now = self._now()
                if now >= self._again_at and (self.line.needs_first() or self._may_hand_over(now)):
                    tasks.create_task(self._hold(self.line.begin()))
                self.line.relieve(now)
                await self._clock.sleep(_TICK_SECONDS)

    def _may_hand_over(self, now: float) -> bool:
        """Tell whether a second connection may be opened: only one line has two at a time."""
        if not self.line.needs_successor(now):
            return False
        if self._limits.handing_over is not None:
            return False
        self._limits.handing_over = self.line
        return True

    async def _hold(self, session: Session) -> None:
        """Hold one connection until it ends, and note why it did."""
        second, end, age = min(self._places), _End("cancelled"), 0.0
        self._places.discard(second)
        try:
            end = await self._connected(session, second=second)
        finally:
            age = self._now() - session.opened_at if session.open else 0.0
            culprit = self.line.ended(session, by_venue=end.by_venue)
            self._places.add(second)
            if self._limits.handing_over is self.line:
                self._limits.handing_over = None
        if culprit is not None:
            log.error("subscription_given_up", subscription=culprit.message("subscribe"))
        self._after(end, age, released=session.released)

    def _after(self, end: _End, age: float, *, released: bool) -> None:
        if end.expired:
            self.line.lifetime.expired(age)
        if released:
            self.handovers += 1
            log.info("socket_handed_over", age=round(age, 1))
            return
        self._failures = 1 if end.expired or age > _PATIENCE.longest_seconds else self._failures + 1
        wait = _PATIENCE.seconds(self._failures, self._jitter.random())
        self._again_at = self._now() + wait
        log.warning("socket_closed", reason=end.reason, age=round(age, 1), wait=round(wait, 2))

    async def _connected(self, session: Session, *, second: bool) -> _End:
        await self._enter(self._limits.connections)
        try:
            async with connect(
                self._url,
                ping_interval=None,
                compression=None,
                max_size=_MOST_BYTES,
                close_timeout=_CLOSE_SECONDS,
            ) as socket:
                self._tap("open", second, b"")
                session.opened(self._now())
                try:
                    return await self._converse(socket, session, second=second)
                except ConnectionClosed:
                    return _end_of(socket)
        except (OSError, WebSocketException) as e:
            return _End(str(e) or type(e).__name__)
        finally:
            if session.open:
                self._tap("close", second, b"")

    async def _converse(self, socket: ClientConnection, session: Session, *, second: bool) -> _End:
        reading = asyncio.create_task(self._read(socket, session, second=second))
        try:
            while not reading.done():
                if session.released:
                    return _End("handed over")
                room = min(_MOST_AT_ONCE, self._limits.messages.room(self._now()))
                for effect in list(session.due(self._now(), room)):
                    if isinstance(effect, Reconnect):
                        return _End(effect.reason)
                    if isinstance(effect, Send):
                        await self._enter(self._limits.messages)
                        self._tap("sent", second, effect.text.encode())
                        await socket.send(effect.text)
                await asyncio.wait([reading], timeout=_TICK_SECONDS)
            return reading.result()
        finally:
            reading.cancel()

    async def _read(self, socket: ClientConnection, session: Session, *, second: bool) -> _End:
        number = 0
        async with aclosing(aiter(socket)) as frames:  # type: ignore[type-var]
            async for frame in frames:
                self._understand(frame, session, second=second)
                number += 1
                if number % _FRAMES_AT_ONCE == 0:
                    await asyncio.sleep(0)
        return _end_of(socket)

    def _understand(self, frame: str | bytes, session: Session, *, second: bool) -> None:
        self._tap("frame", second, frame.encode() if isinstance(frame, str) else frame)
        try:
            for effect in session.received(frame, self._now()):
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


def _end_of(socket: ClientConnection) -> _End:
    code, reason = socket.close_code, socket.close_reason
    expired = (code, reason) == (_NORMAL_CLOSE, _EXPIRED)
    return _End(f"closed with {code} {reason or ''}".strip(), by_venue=not expired, expired=expired)
