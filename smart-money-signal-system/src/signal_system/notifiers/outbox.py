"""What was issued, told to one receiver: in order, at least once, across kills of either side.

Nothing is copied: the outbox is a cursor over the events that the service keeps anyway. It moves
when the receiver has confirmed, so a kill in between tells the same again, under the same id.
"""

import asyncio
from collections.abc import Sequence
from random import Random
from typing import NamedTuple, Protocol

import structlog

from shared_events.bus.patience import Backoff
from shared_events.errors import TransientError
from shared_events.runtime.clock import Clock
from signal_system.notifiers.choosing import Choice
from signal_system.notifiers.notice import Notice
from signal_system.notifiers.port import Notifier
from signal_system.pacing import Pacer
from signal_system.storage.ledger import Delivery, Ledger
from signal_system.storage.port import Place, StorageError

BACKOFF = Backoff(first_seconds=1.0, cap_seconds=300.0)
"""Thirty failures in a row take about an hour and a half."""

log = structlog.get_logger()

_STORE_SECONDS = 5.0
_SCANNED = 500
"""Events passed over after which the cursor is kept though nothing was told."""


class Feed(Protocol):
    """What was issued, in order."""

    async def following(self, place: Place) -> Sequence[tuple[Place, bytes]]:
        """Return some of what was issued after `place`; wait until there is something."""
        ...

    async def after(self, place: Place) -> Sequence[tuple[Place, bytes]]:
        """Return some of what was issued after `place`; nothing if there is nothing yet."""
        ...


class GivenUpError(Exception):
    """A receiver failed too often in a row."""


class Found(NamedTuple):
    """A notice and where its event stands."""

    place: Place
    notice: Notice


class Outbox:
    """Tells one receiver what it wants to hear of.

    Parameters
    ----------
    name
        The receiver's.
    attempts
        Failures in a row after which it is given up until the next start.
    """

    def __init__(  # noqa: PLR0913 -- what it connects
        self,
        name: str,
        notifier: Notifier,
        choice: Choice,
        *,
        feed: Feed,
        ledger: Ledger,
        clock: Clock,
        attempts: int,
        chance: Random | None = None,
    ) -> None:
        self._name, self._notifier, self._choice = name, notifier, choice
        self._feed, self._ledger, self._clock, self._attempts = feed, ledger, clock, attempts
        self._chance = chance or Random()  # noqa: S311 -- spreads retries, guards nothing
        self._kept = 0

    async def run(self, end: Place) -> None:
        """Tell everything from where it stopped, until cancelled or given up.

        Parameters
        ----------
        end
            Where a new receiver begins; no event stands there or later yet.
        """
        place = min(await self._start(end), end)  # the journal may have lost its end with the power
        try:
            while True:
                try:
                    place = await self._round(place)
                except StorageError as e:  # before anything of the round was told
                    log.warning("outbox_waits", receiver=self._name, reason=str(e))
                    await self._clock.sleep(_STORE_SECONDS)
        except GivenUpError as e:
            self._say_disabled(str(e))

    async def _start(self, end: Place) -> Place:
        place = await asyncio.to_thread(self._ledger.cursor, self._name)
        if place is None:
            await asyncio.to_thread(self._ledger.move, self._name, end)
        return end if place is None else place

    async def _round(self, place: Place) -> Place:
        """Tell what comes after `place`; return how far that went."""
        events = await self._feed.following(place)
        found = await self._found(events)
        if found and (wait := self._notifier.hold(self._clock.now())):
            await self._clock.sleep(wait)
            while more := await self._feed.after(events[-1][0]):
                events = more
                found += await self._found(events)
        for start in range(0, len(found), self._notifier.batch):
            await self._tell(found[start : start + self._notifier.batch])
        end = events[-1][0]
        self._kept += len(events)
        if self._kept >= _SCANNED:
            await self._keep(end)
        return end

    async def _found(self, events: Sequence[tuple[Place, bytes]]) -> list[Found]:
        pacer, found = Pacer(), list[Found]()
        for place, raw in events:
            notice = self._choice.of(raw)
            if notice is not None:
                found.append(Found(place, notice))
            await pacer.breathe()
        return found

    async def _tell(self, found: Sequence[Found]) -> None:
        """Tell `found`, trying again until it is confirmed, and move the cursor.

        Raises
        ------
        GivenUpError
            If it never was.
        """
        notices = [each.notice for each in found]
        for attempt in range(1, self._attempts + 1):
            try:
                await self._notifier.send(notices)
            except TransientError as e:
                await self._note(notices, attempt, str(e))
                if attempt == self._attempts:
                    raise GivenUpError(str(e)) from e
                wait = BACKOFF.wait(attempt, self._chance)
                await self._clock.sleep(max(wait, e.retry_after or 0.0))
            else:
                await self._keep(found[-1].place)
                await self._note(notices, attempt, None)
                return

    async def _keep(self, place: Place) -> None:
        """Move the cursor; if the store does not take it, a restart tells more than once."""
        try:
            await asyncio.to_thread(self._ledger.move, self._name, place)
        except StorageError as e:
            log.warning("cursor_not_kept", receiver=self._name, reason=str(e))
        else:
            self._kept = 0

    def _say_disabled(self, reason: str) -> None:
        log.error(
            "receiver_disabled",
            receiver=self._name,
            attempts=self._attempts,
            reason=reason,
            advice="what it missed is kept: mend it, then restart the service",
        )

    async def _note(self, notices: Sequence[Notice], attempt: int, failure: str | None) -> None:
        for notice in notices:
            line = log.info if failure is None else log.warning
            line(
                "notice_delivered" if failure is None else "notice_not_delivered",
                receiver=self._name,
                event_id=notice.id,
                attempt=attempt,
                reason=failure,
            )
        at = self._clock.now()
        made = [Delivery(notice.id, at, attempt, failure) for notice in notices]
        try:
            await asyncio.to_thread(self._ledger.note, self._name, made)
        except StorageError as e:
            log.warning("delivery_not_noted", receiver=self._name, reason=str(e))
