"""Every event a service took and every tick of its timers, in the order it applied them.

A journal is a directory of segments (`journal_format`). One append is one frame, so a process
killed at any moment loses no append that returned; the next writer cuts off what was torn.

Examples
--------
>>> from tempfile import TemporaryDirectory
>>> with TemporaryDirectory() as directory:
...     with JournalWriter(Path(directory)) as journal:
...         journal.append([b"one", b"two"]), journal.append([b"three"])
...     list(read(Path(directory), start=1))
(0, 2)
[(1, b'two'), (2, b'three')]
"""

import fcntl
import os
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise, zip_longest
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from shared_events.codec import decode
from shared_events.envelope import Moment, StandardEvent
from shared_events.errors import ConfigError, DataError, TransientError
from shared_events.journal_format import (
    Frame,
    Header,
    JournalDamagedError,
    Segment,
    check_chain,
    encode_frame,
    frames,
    read_header,
    segment_at,
    segments,
    trained,
)

__all__ = [
    "SEGMENT_BYTES",
    "JournalDamagedError",
    "JournalFullError",
    "JournalLockedError",
    "JournalWriter",
    "Segment",
    "Summary",
    "Tick",
    "decode_record",
    "encode_tick",
    "forget",
    "oldest",
    "read",
    "segments",
    "verify",
]

SEGMENT_BYTES = 64 << 20
_UNTRAINED_BYTES = 1 << 20  # a segment without a dictionary is short, so that one comes soon
_SAMPLES = 256
_SAMPLE_EVERY = 8
_SAMPLE_BYTES = 4096


class JournalLockedError(ConfigError):
    """Another writer has this journal open."""


class JournalFullError(TransientError):
    """The records could not be written, and none of them was kept."""


class Tick(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A timer that fired, as a record: replaying it fires the timer at the same place."""

    at: Moment = msgspec.field(name="tick")


@dataclass(frozen=True, slots=True)
class Summary:
    """What `verify` found; `torn_bytes` is what a killed writer left unfinished at the end."""

    segments: int
    first_position: int
    next_position: int
    bytes: int
    torn_bytes: int


_tick = msgspec.json.Decoder(Tick)


def encode_tick(at: datetime) -> bytes:
    """Return the record of a timer that fired at `at`.

    Examples
    --------
    >>> encode_tick(datetime(2026, 1, 1, tzinfo=UTC))
    b'{"tick":"2026-01-01T00:00:00Z"}'
    """
    if at.utcoffset() is None:
        raise ValueError("a tick needs a moment that knows its offset")
    return msgspec.json.encode(Tick(at.astimezone(UTC)))


def decode_record(raw: bytes) -> StandardEvent[Any] | Tick:
    """Return the event or the tick in `raw`; raises what `codec.decode` raises."""
    if raw.startswith(b'{"tick":'):
        with suppress(msgspec.MsgspecError):  # an event may carry an unknown field of that name
            return _tick.decode(raw)
    return decode(raw)


class JournalWriter:
    """The only writer of the journal in `directory`; opening it cuts off a torn end.

    Parameters
    ----------
    segment_bytes
        A segment of at least this size is finished and the next one begun.
    fsync
        Whether `append` waits for the disk. Without it a crash of the process loses nothing, a
        loss of power what the kernel had not yet written: some 30 seconds.

    Raises
    ------
    ConfigError
        If `directory` cannot be used.
    JournalLockedError
        If another writer has it open.
    JournalDamagedError
        If the newest segment is damaged before its end, or an older one is missing or has another
        size than it was finished with. Flipped bits in older ones are found by `read` and `verify`.
    """

    def __init__(
        self, directory: Path, *, segment_bytes: int = SEGMENT_BYTES, fsync: bool = False
    ) -> None:
        self._directory = directory
        self._segment_bytes = segment_bytes
        self._fsync = fsync
        self._samples: deque[bytes] = deque(maxlen=_SAMPLES)
        self._lock = _locked(directory)
        self._fd = -1
        try:
            self._open_newest()
        except BaseException:
            self.close()
            raise

    @property
    def next_position(self) -> int:
        """The position of the next record; the first ever has 0."""
        return self._next

    def append(self, records: Sequence[bytes]) -> int:
        """Write `records` as one frame, whole or not at all, and return the first one's position.

        Raises
        ------
        JournalFullError
            If the disk did not take them; the same call may be tried again.
        """
        first = self._next
        if not records:
            return first
        if self._is_finished():
            self._begin(Header(self._segment.first, self._size, self._new_dictionary()))
        self._write(encode_frame(first, records, self._compressor))
        self._next += len(records)
        self._sample(first, records)
        return first

    def close(self) -> None:
        """Let go of the journal."""
        for fd in (self._fd, self._lock):
            if fd >= 0:
                os.close(fd)
        self._fd = self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open_newest(self) -> None:
        known = list(segments(self._directory))
        if known and read_header(known[-1]) is None:
            known.pop().path.unlink()
        check_chain(known)
        if not known:
            self._next = 0
            self._begin(Header())
            return
        newest = known[-1]
        header = read_header(newest) or Header()
        self._next, size = newest.first, len(header.encoded(newest.first))
        for frame in frames(newest, may_be_torn=True):
            self._next, size = frame.next, frame.end
        os.truncate(newest.path, size)
        self._use(newest, header, os.open(newest.path, os.O_WRONLY | os.O_APPEND), size)

    def _is_finished(self) -> bool:
        limit = self._segment_bytes
        if not self._dictionary:
            limit = min(limit, _UNTRAINED_BYTES)
        return self._size >= limit and self._next > self._segment.first

    def _begin(self, header: Header) -> None:
        segment = segment_at(self._directory, self._next)
        begin = header.encoded(segment.first)
        try:
            if self._fd >= 0:
                os.fsync(self._fd)
            fd = os.open(segment.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC, 0o644)
        except OSError as e:
            raise _full(segment, e.strerror) from e
        try:
            _write_whole(fd, begin, segment)
            os.fsync(self._lock)
        except BaseException:
            os.close(fd)
            segment.path.unlink()
            raise
        if self._fd >= 0:
            os.close(self._fd)
        self._use(segment, header, fd, len(begin))

    def _use(self, segment: Segment, header: Header, fd: int, size: int) -> None:
        self._segment, self._fd, self._size = segment, fd, size
        self._dictionary = header.dictionary
        self._compressor = header.compressor()

    def _write(self, frame: bytes) -> None:
        try:
            _write_whole(self._fd, frame, self._segment, flush=self._fsync)
        except BaseException:
            os.ftruncate(self._fd, self._size)
            raise
        self._size += len(frame)

    def _sample(self, first: int, records: Sequence[bytes]) -> None:
        for record in records[-first % _SAMPLE_EVERY :: _SAMPLE_EVERY]:
            if len(record) <= _SAMPLE_BYTES:
                self._samples.append(record)

    def _new_dictionary(self) -> bytes:
        return trained(self._samples) or self._dictionary


def read(directory: Path, start: int | None = None) -> Iterator[tuple[int, bytes]]:
    """Yield every record from position `start` on with its position, up to the last whole frame.

    May run beside a writer: it ends where the writer is.

    Parameters
    ----------
    start
        Where to begin; None for the oldest record that is kept.

    Raises
    ------
    JournalDamagedError
        On coming to a damaged place, or if records from `start` on are gone.
    """
    if start is None:
        start = oldest(directory)
    for frame in _frames_from(segments(directory), start):
        skip = max(start - frame.first, 0)
        yield from enumerate(frame.records()[skip:], frame.first + skip)


def oldest(directory: Path) -> int:
    """Return the position of the oldest record that is kept; 0 of an empty journal."""
    known = segments(directory)
    return known[0].first if known else 0


def forget(directory: Path, before: datetime, until: int) -> int:
    """Delete the oldest segments, and return the bytes that this freed.

    A segment goes if all its records were kept before the moment `before` and at positions before
    `until`; the newest always stays. May run beside the writer, and beside readers of what stays.
    """
    freed, known = 0, segments(directory)
    for segment, after in pairwise(known):
        if after.first > until or not _begins_before(after, before):
            break
        freed += segment.size
        segment.path.unlink()
    return freed


def verify(directory: Path) -> Summary:
    """Read the whole journal, check every checksum, and return what there is.

    Raises
    ------
    JournalDamagedError
        Naming the file and the place.
    """
    known = segments(directory)
    if not known:
        return Summary(0, 0, 0, 0, 0)
    newest, position = known[-1], known[0].first
    header = read_header(newest)
    end = len(header.encoded(newest.first)) if header else 0
    for frame in _frames_from(known, position):
        frame.records()
        position = frame.next
        if frame.first >= newest.first:
            end = frame.end
    size = sum(segment.size for segment in known)
    return Summary(len(known), known[0].first, position, size, newest.size - end)


def _begins_before(segment: Segment, moment: datetime) -> bool:
    """Tell by the first record of `segment` that knows its time; one without any came later."""
    for frame in frames(segment, may_be_torn=True):
        for raw in frame.records():
            with suppress(DataError):
                record = decode_record(raw)
                return (record.at if isinstance(record, Tick) else record.recorded_at) < moment
    return False


def _frames_from(known: Sequence[Segment], start: int) -> Iterator[Frame]:
    """Yield the frames that hold records from `start` on."""
    if known and start < known[0].first:
        raise known[0].damaged(f"the records from {start} on, which come before it, are gone")
    for segment, after in zip_longest(known, known[1:]):
        if after and after.first <= start:
            continue
        position = segment.first
        for frame in frames(segment, may_be_torn=after is None):
            position = frame.next
            if position > start:
                yield frame
        if after and position != after.first:
            raise segment.damaged(f"it ends at {position}, the next one begins at {after.first}")


def _write_whole(fd: int, data: bytes, segment: Segment, *, flush: bool = False) -> None:
    try:
        written = os.write(fd, data)
        if flush:
            os.fdatasync(fd)
    except OSError as e:
        raise _full(segment, e.strerror) from e
    if written < len(data):
        raise _full(segment, "no space left")


def _full(segment: Segment, reason: str | None) -> JournalFullError:
    return JournalFullError(f"cannot write to {segment.path}: {reason}")


def _locked(directory: Path) -> int:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as e:
        raise ConfigError(
            f"cannot keep a journal in {directory} ({e.strerror}): make it a folder that this user"
            " may write to, or choose another"
        ) from e
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as e:
        os.close(fd)
        raise JournalLockedError(f"another writer has {directory} open; stop it first") from e
    return fd
