"""Write down what comes in, as it came, without ever being in the way."""

import asyncio
import shutil
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import ClassVar, Self

import structlog

from market_scraper.collecting import Pulse
from market_scraper.moments import EPOCH
from market_scraper.recording.notes import Note, Rules, encode_note, encode_rules
from market_scraper.tapping import Kind
from shared_events.errors import TransientError
from shared_events.journal import JournalWriter, segments
from shared_events.runtime.clock import Clock

log = structlog.get_logger()

EVERY_SECONDS = 0.5
KEY_SECONDS = 300.0
"""How often settings and roster are repeated, so that a recording whose beginning is gone can be played."""

MOST_WAITING_BYTES = 128 << 20
LEAST_FREE_BYTES = 1 << 30
_MOST_SEGMENT_BYTES = 64 << 20
_LEAST_SEGMENT_BYTES = 1 << 16
_SEGMENTS = 8
_MICROSECOND = timedelta(microseconds=1)


class Recorder:
    """A tap that keeps what it hears, the newest `most_bytes` of it on disk.

    Parameters
    ----------
    journal
        Where notes go; `open` makes it.
    folder
        Where the journal's segments are.
    rules
        Written down along.
    """

    name: ClassVar[str] = "recorder"

    def __init__(
        self, journal: JournalWriter, folder: Path, clock: Clock, rules: Rules, *, most_bytes: int
    ) -> None:
        self.pulse = Pulse()
        self.noted = 0
        self.lost = 0
        self._journal = journal
        self._folder = folder
        self._clock = clock
        self._rules = encode_rules(rules)
        self._roster: bytes | None = None
        self._most_bytes = most_bytes
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._repeat_at_us = 0
        self._writing = Lock()
        self("begin", "", b"")

    @classmethod
    def open(cls, folder: Path, clock: Clock, rules: Rules, *, most_bytes: int) -> Self:
        """Open or begin the recording in `folder`.

        Raises
        ------
        ConfigError
            If the folder cannot be used, another recorder uses it, or what is there is damaged.
        """
        wanted = max(most_bytes // _SEGMENTS, _LEAST_SEGMENT_BYTES)
        segment_bytes = min(wanted, _MOST_SEGMENT_BYTES)
        journal = JournalWriter(folder, segment_bytes=segment_bytes)
        return cls(journal, folder, clock, rules, most_bytes=most_bytes)

    def __call__(self, kind: Kind, place: str, body: bytes) -> None:
        """Take note; what cannot be kept is counted and lost."""
        if kind == "roster":
            self._roster = body
        at_us = self._now_us()
        self._keep(Note(at_us, kind, place, body))
        if at_us >= self._repeat_at_us:
            self._repeat_at_us = at_us + int(KEY_SECONDS * 1e6)
            self._keep(Note(at_us, "settings", "", self._rules))
            if self._roster is not None:
                self._keep(Note(at_us, "roster", "", self._roster))

    async def collect(self) -> None:
        """Write what was noted, until cancelled."""
        while True:
            await self._clock.sleep(EVERY_SECONDS)
            await self.settle()
            self.pulse.beat(self._clock.now(), EVERY_SECONDS)

    async def settle(self) -> None:
        """Write everything that was noted.

        Raises
        ------
        TransientError
            If the disk does not take it; the notes wait for the next call.
        """
        batch, self._waiting = self._waiting, []
        if not batch:
            return
        try:
            await asyncio.to_thread(self._write, batch)
        except TransientError:
            self._waiting = batch + self._waiting
            raise
        self._waiting_bytes = sum(map(len, self._waiting))

    def close(self) -> None:
        """Let go of the folder."""
        with self._writing:
            self._journal.close()

    def _keep(self, note: Note) -> None:
        raw = encode_note(note)
        if self._waiting_bytes + len(raw) > MOST_WAITING_BYTES:
            if not self.lost:
                log.error("notes_lost", waiting_bytes=self._waiting_bytes)
            self.lost += 1
            return
        self.noted += 1
        self._waiting.append(raw)
        self._waiting_bytes += len(raw)

    def _write(self, batch: list[bytes]) -> None:
        with self._writing:
            self._journal.append(batch)
            self._prune()

    def _prune(self) -> None:
        """Give up the oldest segments while there are too many bytes, or too few left on the disk."""
        known = segments(self._folder)
        excess = sum(segment.size for segment in known) - self._most_bytes
        excess = max(excess, LEAST_FREE_BYTES - shutil.disk_usage(self._folder).free)
        for segment in known[:-1]:
            if excess <= 0:
                return
            excess -= segment.size
            segment.path.unlink()
            log.info("recording_pruned", segment=segment.path.name)

    def _now_us(self) -> int:
        return (self._clock.now() - EPOCH) // _MICROSECOND
