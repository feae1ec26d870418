"""Brings every row that the fold made to where others find it: the served log, and Redis."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog

from shared_events.errors import TransientError
from shared_events.runtime.clock import Clock
from signal_system.ml.features.feed import Told
from signal_system.ml.features.series import Row
from signal_system.ml.features.view import FeatureView, view
from signal_system.storage.feature_redis import OnlineFeatures
from signal_system.storage.served_features import ServedFeatures, ServedLogError

MAX_WAITING = 50_000
"""Rows that may wait for a disk that does not take them; then the oldest are dropped."""

log = structlog.get_logger()

_RETRY_SECONDS = 5.0
_MILLISECOND = timedelta(milliseconds=1)


class FeatureServing:
    """Takes rows as they are made, and writes them in the background.

    A row that came too late to decide by was served to nobody and is left out: a history that is
    loaded leaves no trace here.

    Parameters
    ----------
    served
        Keeps all rows, for the audit.
    online
        Keeps the newest ones, for whoever predicts elsewhere; None without Redis.
    """

    def __init__(self, served: ServedFeatures, online: OnlineFeatures | None) -> None:
        self._served, self._online = served, online
        self._waiting = deque[Told](maxlen=MAX_WAITING)
        self._newest: dict[str, tuple[FeatureView, dict[str, Row]]] = {}
        self._writing = 0
        self._news = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many rows are not yet where they are found, once for each place."""
        return (
            self._writing + len(self._waiting) + sum(len(rows) for _, rows in self._newest.values())
        )

    def add(self, rows: Sequence[Told]) -> None:
        """Take rows that were just made."""
        for told in rows:
            table = view(told.spec)
            if told.row.available_ms - told.row.event_ms <= table.ttl // _MILLISECOND:
                self._waiting.append(told)
                if self._online is not None:
                    self._newest.setdefault(table.name, (table, {}))[1][told.coin] = told.row
                self._news.set()

    async def serve(self, clock: Clock) -> None:
        """Write until cancelled; what the disk or Redis does not take is tried again."""
        while True:
            await self._news.wait()
            self._news.clear()
            done = [await _tried(self._write), await _tried(self._put)]
            if not all(done):
                self._news.set()
                await clock.sleep(_RETRY_SECONDS)

    async def forget_before(self, moment: datetime) -> None:
        """Drop what was served on days that were over at `moment`."""
        try:
            await asyncio.to_thread(self._served.forget_before, moment)
        except ServedLogError as e:
            log.warning("served_features_not_forgotten", reason=str(e))

    async def _write(self) -> None:
        rows, self._waiting = list(self._waiting), deque(maxlen=MAX_WAITING)
        self._writing = len(rows)
        try:
            await asyncio.to_thread(self._served.write, rows)
        except ServedLogError:
            self._waiting.extendleft(reversed(rows))
            raise
        finally:
            self._writing = 0

    async def _put(self) -> None:
        if self._online is None:
            return
        for table, rows in list(self._newest.values()):
            told = dict(rows)
            if told:
                await self._online.put(table, told)
            for coin, row in told.items():
                if rows[coin] is row:
                    del rows[coin]


async def _tried(write: Callable[[], Awaitable[None]]) -> bool:
    try:
        await write()
    except TransientError as e:
        log.warning("features_not_served", reason=str(e))
        return False
    return True
