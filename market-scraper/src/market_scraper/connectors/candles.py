"""Read candles of any venue: the history once, then every candle when it is final."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from itertools import product
from typing import Protocol

from market_scraper.collecting import Pulse
from market_scraper.intervals import INTERVALS, floor
from market_scraper.outlet import Outlet
from shared_events.payloads import Candle, Interval
from shared_events.runtime.clock import Clock

_LOOK_SECONDS = 2.0
_LISTING_SECONDS = 0.05
_NOT_YET_SECONDS = 30.0
_SETTLE = timedelta(seconds=2)

_Series = tuple[str, Interval]


class Now(Protocol):
    """Knows what time it is at the venue."""

    def now(self) -> datetime:
        """Return it."""
        ...


class CandleSource(Protocol):
    """A venue that can be asked for candles."""

    @property
    def name(self) -> str:
        """What its events call it."""
        ...

    @property
    def page(self) -> int:
        """How many candles it gives at once."""
        ...

    async def candles(
        self, coin: str, interval: Interval, start: datetime, end: datetime, over: datetime
    ) -> Sequence[Candle]:
        """Return candles that opened from `start` to `end`, closed if they ended by `over`."""
        ...


class CandlesCollector:
    """Publishes final candles, in order, none twice in one run.

    Websockets send candles that are not final and sometimes wrong; REST interfaces have them right
    two seconds after they closed, and cost one request per candle.

    Parameters
    ----------
    coins, intervals
        Which series are read; the coins as they are at any time.
    history
        How far back the first reading goes.
    listed
        Returns the coins the venue lists; others are left alone.
    """

    def __init__(  # noqa: PLR0913 -- each is a collaborator of its own
        self,
        name: str,
        source: CandleSource,
        outlet: Outlet,
        venue_time: Now,
        clock: Clock,
        *,
        coins: Collection[str],
        intervals: Sequence[Interval],
        history: timedelta,
        listed: Callable[[], Collection[str]],
    ) -> None:
        self.name = name
        self.pulse = Pulse()
        self.next_open: dict[_Series, datetime] = {}
        self._source = source
        self._outlet = outlet
        self._venue_time = venue_time
        self._clock = clock
        self._coins = coins
        self._intervals = intervals
        self._history = history
        self._listed = listed
        self._not_before: dict[_Series, float] = {}

    async def collect(self) -> None:
        """Read and publish until cancelled."""
        while True:
            for series in list(product(self._coins, self._intervals)):
                if series[0] in self._listed() and self._now() >= self._not_before.get(series, 0):
                    await self._catch_up(series)
            self.pulse.beat(self._clock.now(), _LOOK_SECONDS)
            await self._clock.sleep(_LOOK_SECONDS if self._listed() else _LISTING_SECONDS)

    async def _catch_up(self, series: _Series) -> None:
        """Publish what became final since the last time, page by page."""
        now, length = self._venue_time.now(), INTERVALS[series[1]]
        start = self.next_open.get(series) or floor(now - self._history, length)
        while start + length + _SETTLE <= now:
            end = min(start + length * (self._source.page - 1), now)
            final = await self._final(series, start, end, now)
            await self._outlet.tell(final, self._source.name)
            if not final and end == now:
                self._not_before[series] = self._now() + _NOT_YET_SECONDS
                return
            start = final[-1].close_time if final else floor(end, length)
            self.next_open[series] = start

    async def _final(
        self, series: _Series, start: datetime, end: datetime, now: datetime
    ) -> Sequence[Candle]:
        candles = await self._source.candles(*series, start, end, now - _SETTLE)
        final = [candle for candle in candles if candle.closed and candle.open_time >= start]
        return sorted(final, key=lambda candle: candle.open_time)

    def _now(self) -> float:
        return self._clock.now().timestamp()
