"""Binance's trades and books over one websocket, for as long as it holds."""

import asyncio

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from market_scraper.collecting import Pulse
from market_scraper.connectors.answers import said
from market_scraper.connectors.binance.parse import VENUE, Top, coin_of, parse_stream
from market_scraper.connectors.binance.tapped import STREAM, place_of
from market_scraper.errors import SourceUnavailableError, WireFormatError
from market_scraper.outlet import Outlet
from market_scraper.positions.ledger import Trade
from market_scraper.processors.trade_flow import FlowBars
from market_scraper.tapping import Tap, untapped
from shared_events.runtime.clock import Clock

log = structlog.get_logger()

_MOST_BYTES = 1 << 20
SILENCE_SECONDS = 60.0
_OPEN_SECONDS = 10.0


class BinanceStream:
    """Tells one-second bars of trades, and keeps the newest top of every book.

    The venue closes every connection after a day, without notice; then, and whenever nothing comes for a
    minute, `collect` raises, and the manager calls it again.

    Parameters
    ----------
    url
        The websocket's address, without streams.
    symbols
        Which markets are followed.
    tap
        Called with every frame.
    """

    name = f"{VENUE}_stream"

    def __init__(
        self, url: str, symbols: tuple[str, ...], outlet: Outlet, clock: Clock, tap: Tap = untapped
    ) -> None:
        self.pulse = Pulse()
        self.tops: dict[str, Top] = {}
        self.set_aside = 0
        streams = [
            f"{symbol.lower()}@{kind}"
            for symbol in symbols
            for kind in ("aggTrade", "depth20@500ms")
        ]
        self._url = f"{url.rstrip('/')}/stream?streams={'/'.join(streams)}"
        self._coins = frozenset(map(coin_of, symbols))
        self._tap = tap
        self._outlet = outlet
        self._clock = clock
        self._bars = FlowBars(named=False)

    async def collect(self) -> None:
        """Follow the streams until they end."""
        try:
            async with connect(
                self._url,
                max_size=_MOST_BYTES,
                open_timeout=_OPEN_SECONDS,
                user_agent_header=None,
            ) as socket:
                await self._follow(socket)
        except (OSError, WebSocketException) as e:
            raise SourceUnavailableError(f"the stream broke: {said(e)}") from e
        finally:
            self.tops.clear()

    async def _follow(self, socket: ClientConnection) -> None:
        while True:
            try:
                async with asyncio.timeout(SILENCE_SECONDS):
                    frame = await socket.recv()
            except TimeoutError as e:
                raise SourceUnavailableError("the stream fell silent") from e
            self._take(frame)
            bars = list(self._bars.over())
            if bars:
                await self._outlet.tell(bars, source=VENUE)
            self.pulse.beat(self._clock.now())

    def _take(self, frame: str | bytes) -> None:
        self._tap("page", place_of(STREAM), frame.encode() if isinstance(frame, str) else frame)
        try:
            match parse_stream(frame):
                case Trade() as trade if trade.coin in self._coins:
                    self._bars.take(trade, ())
                case Top() as top:
                    self.tops[top.symbol] = top
                case _:
                    pass
        except WireFormatError as e:
            self.set_aside += 1
            log.warning("frame_set_aside", source=VENUE, reason=str(e))
