"""Read series from where they were left to the end, and hand every page on before remembering it."""

from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Any

import structlog

from market_scraper.backfill.series import Page, Series
from market_scraper.backfill.span import Covered, Span
from market_scraper.collecting import OURS, Patience
from market_scraper.storage.repository import Repository
from shared_events.errors import TransientError
from shared_events.runtime.clock import Clock

log = structlog.get_logger()

MOST_FAILURES = 20
"""After so many failures in a row it gives up; what was read is remembered."""

Send = Callable[[Sequence[Any]], Awaitable[None]]
"""Takes facts; has taken them for good when it returns."""


class Filling:
    """Reads one series after the other.

    Parameters
    ----------
    repository
        Remembers how far each came.
    send
        Takes the facts.
    patience
        How long to leave the venue alone when it fails.
    """

    def __init__(
        self, repository: Repository, send: Send, clock: Clock, patience: Patience = OURS
    ) -> None:
        self.told = 0
        self._repository = repository
        self._send = send
        self._clock = clock
        self._patience = patience
        self._chance = Random(0)  # noqa: S311 -- spreads attempts, keeps no secret

    async def fill(
        self, series: Series, span: Span, on_progress: Callable[[float], None] = lambda _: None
    ) -> int:
        """Read what is left of `span`; return how many facts that were.

        Raises
        ------
        TransientError
            If the venue does not answer for long.
        DataError
            If the series cannot be read on.
        """
        cursor = f"backfill {series.name}"
        done, told = span.rest(await self._repository.cursor(cursor)), 0
        while done.to_ms < span.to_ms:
            page = await self._page(series, done, span)
            await self._send(page.facts)
            told += len(page.facts)
            done = _after(done, page, span)
            await self._repository.save_cursor(cursor, done.encoded())
            on_progress(span.share(done.to_ms))
        self.told += told
        on_progress(1.0)
        return told

    async def _page(self, series: Series, done: Covered, span: Span) -> Page:
        failures = 0
        while True:
            try:
                return await series.page(done.to_ms, span.to_ms, done.seen)
            except TransientError as e:
                failures += 1
                if failures >= MOST_FAILURES:
                    raise
                wait = self._patience.seconds(failures, self._chance.random())
                wait = max(wait, e.retry_after or 0.0)
                log.warning(
                    "backfill_waits", series=series.name, wait=round(wait, 1), reason=str(e)
                )
                await self._clock.sleep(wait)


def _after(done: Covered, page: Page, span: Span) -> Covered:
    to_ms = span.to_ms if page.next_ms is None else min(page.next_ms, span.to_ms)
    return Covered(done.from_ms, to_ms, page.seen)
