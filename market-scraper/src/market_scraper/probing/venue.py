"""What the probe asks with: its own connections and requests, and what it heard meanwhile."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from websockets.asyncio.client import ClientConnection, connect

from market_scraper.connectors.hyperliquid.rest import InfoClient
from market_scraper.connectors.hyperliquid.session import TradesSeen
from market_scraper.connectors.hyperliquid.throttle import Throttle
from shared_events.runtime.clock import Clock

_PATIENCE_SECONDS = 5.0


@dataclass(slots=True)
class Heard:
    """The public trades since the probe began, by identity, by block, by who took part."""

    trades: set[tuple[str, int, int]] = field(default_factory=set)
    blocks: set[int] = field(default_factory=set)
    traders: Counter[str] = field(default_factory=Counter)

    def take(self, seen: TradesSeen) -> None:
        """Note trades."""
        for trade in seen.taken.trades:
            self.trades.add((seen.coin, trade.ms, trade.tid))
            self.blocks.add(trade.ms)
            self.traders.update((trade.buyer, trade.seller))

    def busiest(self, most: int) -> list[str]:
        """Return who traded most."""
        return [address for address, _ in self.traders.most_common(most)]


@dataclass(frozen=True, slots=True)
class Venue:
    """Everything a check may use.

    Parameters
    ----------
    minute
        How long the venue's minute is, in our seconds: 60, less if it is a simulator that runs fast.
    """

    http: aiohttp.ClientSession
    url: str
    websocket: str
    leaderboard: str
    info: InfoClient
    throttle: Throttle
    clock: Clock
    heard: Heard
    minute: float

    async def status(self, request: dict[str, Any]) -> int:
        """Ask past the budget, which must be held for that; return the status."""
        async with self.http.post(f"{self.url}/info", json=request) as response:
            await response.read()
            return response.status

    @asynccontextmanager
    async def clean_minute(self) -> AsyncIterator[None]:
        """Let nobody on this address ask for anything, and wait until what was asked is forgotten."""
        await self.throttle.hold(3 * self.minute)
        await self.clock.sleep(1.05 * self.minute)
        yield
        await self.throttle.hold(self.minute)

    @asynccontextmanager
    async def socket(self) -> AsyncIterator["Wire"]:
        """Open a connection of one's own."""
        async with connect(self.websocket, ping_interval=None, compression=None) as socket:
            yield Wire(socket)

    def now(self) -> float:
        """Return our time in seconds."""
        return self.clock.now().timestamp()


class Wire:
    """A connection that is asked one thing at a time."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def send(self, message: dict[str, Any]) -> None:
        """Send `message`."""
        await self._socket.send(json.dumps(message))

    async def frame(self) -> dict[str, Any] | None:
        """Return the next frame that is JSON; None if none comes."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                async for text in self._socket:
                    if text[:1] in {"{", b"{"}:
                        read: dict[str, Any] = json.loads(text)
                        return read
        except TimeoutError:
            pass
        return None

    async def until(self, *channels: str) -> dict[str, Any] | None:
        """Return the next frame of one of `channels`; None if none comes."""
        while (frame := await self.frame()) is not None:
            if frame.get("channel") in channels:
                return frame
        return None
