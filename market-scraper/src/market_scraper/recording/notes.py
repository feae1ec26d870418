"""What a recording is made of: what came in, when, in a journal of its own.

The journal's format (`shared_events.journal`) brings checksums, zstd and rotation. A note is a msgpack array.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import msgspec

from market_scraper.errors import RecordingError
from market_scraper.positions.roster import Member
from market_scraper.tapping import Kind
from shared_events.journal import read, segments


class Note(msgspec.Struct, frozen=True, array_like=True):
    """What came in, by our own clock in microseconds since 1970."""

    at_us: int
    kind: Kind
    place: str
    body: bytes


class Rules(msgspec.Struct, frozen=True):
    """The settings by which events are made out of what came in."""

    coins: tuple[str, ...]
    coalesce_ms: int
    republish_seconds: float
    leaderboard_rows: int
    least_account_value: Decimal
    status_seconds: float
    context_days: int


_note = msgspec.msgpack.Decoder(Note)
_rules = msgspec.json.Decoder(Rules)
_roster = msgspec.json.Decoder(tuple[tuple[str, Decimal, str], ...])
_encoder = msgspec.msgpack.Encoder()


def encode_note(note: Note) -> bytes:
    """Return `note` as it is written."""
    return _encoder.encode(note)


def encode_rules(rules: Rules) -> bytes:
    """Return the body of a ``settings`` note."""
    return msgspec.json.encode(rules)


def encode_roster(members: Sequence[Member]) -> bytes:
    """Return the body of a ``roster`` note."""
    return msgspec.json.encode([(m.address, m.score, m.reason) for m in members])


def decode_rules(body: bytes) -> Rules:
    """Return what a ``settings`` note says."""
    try:
        return _rules.decode(body)
    except msgspec.MsgspecError as e:
        raise RecordingError(f"the recording's settings cannot be read: {e}") from e


def decode_roster(body: bytes) -> list[Member]:
    """Return whom a ``roster`` note names."""
    return [Member(*row) for row in _roster.decode(body)]


def is_notes(path: Path) -> bool:
    """Tell whether `path` is a folder of notes."""
    try:
        return path.is_dir() and bool(segments(path)) and next(notes(path), None) is not None
    except RecordingError:
        return False


def notes(folder: Path) -> Iterator[Note]:
    """Yield every note, oldest first.

    Raises
    ------
    JournalDamagedError
        On coming to a damaged place.
    RecordingError
        If it is another kind of journal.
    """
    known = segments(folder)
    for position, raw in read(folder, known[0].first if known else 0):
        try:
            yield _note.decode(raw)
        except msgspec.MsgspecError as e:
            raise RecordingError(f"{folder}, record {position} is no note: {e}") from e
