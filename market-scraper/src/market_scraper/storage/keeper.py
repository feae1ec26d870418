"""Write down, in batches, what is told and seen."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import structlog

from market_scraper.collecting import Pulse
from market_scraper.moments import milliseconds
from market_scraper.positions.anchors import Account
from market_scraper.positions.books import book_of
from market_scraper.storage.changes import PositionChanges
from market_scraper.storage.repository import Repository
from market_scraper.storage.tables import CANDLES, METRICS, POSITIONS, CandleRow, MetricRow, Table
from shared_events.payloads import Candle, ContextMetric, TrackedTrader, TraderPositions
from shared_events.runtime.clock import Clock

log = structlog.get_logger()

MOST_WAITING = 500_000
"""Rows held at most while the store cannot be written to; what comes then is given up."""


class Keeper:
    """Takes rows at once and writes them every few seconds.

    Parameters
    ----------
    every_seconds
        How long rows are gathered.
    position_max_interval_seconds
        After so long a position is written although nothing changed.
    """

    name: ClassVar[str] = "keeper"

    def __init__(
        self,
        repository: Repository,
        clock: Clock,
        *,
        every_seconds: float,
        position_max_interval_seconds: float,
    ) -> None:
        self.positions = PositionChanges(most_ms=int(position_max_interval_seconds * 1000))
        self.pulse = Pulse()
        self.given_up = 0
        self._repository = repository
        self._clock = clock
        self._every_seconds = every_seconds
        self._waiting: dict[Table[Any], dict[tuple[Any, ...], Any]] = {}

    @property
    def waiting(self) -> int:
        """How many rows are to be written."""
        return sum(map(len, self._waiting.values()))

    async def collect(self) -> None:
        """Write what was taken, until cancelled."""
        while True:
            await self._clock.sleep(self._every_seconds)
            await self.settle()
            self.pulse.beat(self._clock.now(), self._every_seconds)

    async def settle(self) -> None:
        """Write everything that was taken.

        Raises
        ------
        TransientError
            If the store cannot be written to now; the rows wait for the next call.
        """
        for row in self.positions.drain():
            self._take(POSITIONS, row)
        for table in list(self._waiting):
            rows = self._waiting[table]
            await self._repository.save(table, list(rows.values()))
            self._waiting[table] = {
                key: row for key, row in self._waiting[table].items() if rows.get(key) is not row
            }

    def told(self, facts: Iterable[Any]) -> None:
        """Take what of `facts` is kept."""
        for fact in facts:
            match fact:
                case TraderPositions():
                    at_ms = milliseconds(fact.as_of)
                    self.positions.see(fact.address, at_ms, fact.positions, whole=fact.full)
                case TrackedTrader(tracked=False):
                    self.positions.forget(fact.address)
                case Candle(closed=True):
                    self._take(CANDLES, _candle(fact))
                case ContextMetric():
                    self._take(METRICS, _metric(fact, milliseconds(self._clock.now())))
                case _:
                    pass

    def stated(self, books: Sequence[Account]) -> None:
        """Take everything that one trader holds, of whom the venue has just stated a book."""
        known = [account for account in books if account.anchored]
        as_of_ms = max(account.as_of_ms for account in known)
        self.positions.see(known[0].address, as_of_ms, book_of(known), whole=True)

    def _take(self, table: Table[Any], row: Any) -> None:
        if self.waiting >= MOST_WAITING:
            if not self.given_up:
                log.error("rows_given_up", waiting=self.waiting)
            self.given_up += 1
            return
        self._waiting.setdefault(table, {})[table.key_of(row)] = row


def _candle(fact: Candle) -> CandleRow:
    return CandleRow(
        coin=fact.coin,
        interval=fact.interval,
        at_ms=milliseconds(fact.open_time),
        open=fact.open,
        high=fact.high,
        low=fact.low,
        close=fact.close,
        volume=fact.volume,
        trades=fact.trades,
        origin=fact.origin,
        revision=fact.revision,
    )


def _metric(fact: ContextMetric, learned_ms: int) -> MetricRow:
    return MetricRow(
        metric=fact.metric,
        at_ms=milliseconds(fact.at),
        value=fact.value,
        learned_ms=learned_ms,
        unit=fact.unit,
        revision=fact.revision,
    )
