"""Read candles: the history once, then every candle when it is final."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from itertools import product
from typing import ClassVar

from market_scraper.connectors.hyperliquid.parse import INTERVALS, parse_candles
from market_scraper.connectors.hyperliquid.rest import InfoClient
from market_scraper.connectors.hyperliquid.venue_time import VenueTime
from market_scraper.moments import EPOCH, milliseconds
from market_scraper.outlet import Outlet
from shared_events.payloads import Candle, Interval
from shared_events.runtime.clock import Clock

PAGE = 5_000
_LOOK_SECONDS = 2.0
_LISTING_SECONDS = 0.05
_NOT_YET_SECONDS = 30.0
_SETTLE = timedelta(seconds=2)

_Series = tuple[str, Interval]


class CandlesCollector:
    """Publishes final candles, in order, none twice in one run.

    The venue's websocket sends a candle that is not final and sometimes wrong; its REST interface
    has it right two seconds after it closed, and costs one request per candle.

    Parameters
    ----------
    coins, intervals
        Which series are read.
    history
        How far back the first reading goes.
    listed
        Returns the coins the venue lists; others are left alone.
    """

    name: ClassVar[str] = "candles"

    def __init__(  # noqa: PLR0913 -- each is a collaborator of its own
        self,
        info: InfoClient,
        outlet: Outlet,
        venue_time: VenueTime,
        clock: Clock,
        *,
        coins: Sequence[str],
        intervals: Sequence[Interval],
        history: timedelta,
        listed: Callable[[], Collection[str]],
    ) -> None:
        self.next_open: dict[_Series, datetime] = {}
        self._info = info
        self._outlet = outlet
        self._venue_time = venue_time
        self._clock = clock
        self._series: list[_Series] = list(product(coins, intervals))
        self._history = history
        self._listed = listed
        self._not_before: dict[_Series, float] = {}

    async def collect(self) -> None:
        """Read and publish until cancelled."""
        while True:
            for series in self._series:
                if series[0] in self._listed() and self._now() >= self._not_before.get(series, 0):
                    await self._catch_up(series)
            await self._clock.sleep(_LOOK_SECONDS if self._listed() else _LISTING_SECONDS)

    async def _catch_up(self, series: _Series) -> None:
        """Publish what became final since the last time, page by page."""
        now, length = self._venue_time.now(), INTERVALS[series[1]]
        start = self.next_open.get(series) or floor(now - self._history, length)
        while start + length + _SETTLE <= now:
            end = min(start + length * (PAGE - 1), now)
            final = await self._final(series, start, end, now)
            await self._outlet.tell(final)
            if not final and end == now:
                self._not_before[series] = self._now() + _NOT_YET_SECONDS
                return
            start = final[-1].close_time if final else floor(end, length)
            self.next_open[series] = start

    async def _final(
        self, series: _Series, start: datetime, end: datetime, now: datetime
    ) -> Sequence[Candle]:
        raw = await self._info.candles(
            *series,
            milliseconds(start),
            milliseconds(end),
            most_rows=(end - start) // INTERVALS[series[1]] + 2,
        )
        candles = parse_candles(raw, now - _SETTLE, "rest")
        final = [candle for candle in candles if candle.closed and candle.open_time >= start]
        return sorted(final, key=lambda candle: candle.open_time)

    def _now(self) -> float:
        return self._clock.now().timestamp()


def floor(at: datetime, length: timedelta) -> datetime:
    """Return the last multiple of `length` since the epoch that is not after `at`.

    Examples
    --------
    >>> floor(EPOCH + timedelta(minutes=125), timedelta(hours=1)).isoformat()
    '1970-01-01T02:00:00+00:00'
    """
    return at - (at - EPOCH) % length
