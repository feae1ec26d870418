"""What one file of a journal looks like: a header with a dictionary, then frames.

Header and frame are made alike: fixed fields behind their checksum, then a block the fields give
the length and the checksum of. Each is written in one call, so a killed writer leaves at most one
of them cut off at the very end; anything else that does not fit is damage.
"""

import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from zlib import crc32

from zstandard import (
    DICT_TYPE_FULLDICT,
    ZstdCompressionDict,
    ZstdCompressor,
    ZstdDecompressor,
    ZstdError,
    train_dictionary,
)

from shared_events.errors import ConfigError

SUFFIX = ".journal"
_MAGIC = b"SMJRNL\x00\x01"
_LEVEL = 1
_DICTIONARY_BYTES = 16 << 10
_SECTOR_BYTES = 512
_CRC = struct.Struct("<I")
# The last two fields of both are the block's checksum and its length.
_HEADER = struct.Struct("<8sQQQII")  # magic, first position, first and bytes of the segment before
_FRAME = struct.Struct("<QIII")  # first position, records


class JournalDamagedError(ConfigError):
    """Bytes in the middle of a journal are not what was written; a person has to decide."""


class Segment(NamedTuple):
    """One file of a journal, named for the position of its first record."""

    first: int
    path: Path

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return self.path.stat().st_size

    def damaged(self, what: str) -> JournalDamagedError:
        """Return the error that tells a person where the damage is and what to do."""
        return JournalDamagedError(
            f"{self.path} is damaged: {what}; restore it, or move it and every later segment away"
        )


@dataclass(frozen=True, slots=True)
class Header:
    """How a segment begins: what came before it, and the dictionary its frames need."""

    previous_first: int = 0
    previous_bytes: int = 0
    dictionary: bytes = b""

    def encoded(self, first: int) -> bytes:
        """Return the bytes of the header of the segment that begins at `first`."""
        fields = (_MAGIC, first, self.previous_first, self.previous_bytes)
        return _piece(_HEADER, fields, self.dictionary)

    def compressor(self) -> ZstdCompressor:
        """Return what compresses this segment's blocks."""
        dictionary = _dictionary(self.dictionary)
        if dictionary:
            dictionary.precompute_compress(level=_LEVEL)
        return ZstdCompressor(level=_LEVEL, dict_data=dictionary)


@dataclass(frozen=True, slots=True)
class Frame:
    """The records of one append; `end` is the offset in the file at which it ends."""

    first: int
    count: int
    end: int
    block: bytes = field(repr=False)
    decompressor: ZstdDecompressor = field(repr=False)

    @property
    def next(self) -> int:
        """The position after its last record."""
        return self.first + self.count

    def records(self) -> list[bytes]:
        """Return the records; the block starts with the length of each."""
        raw = self.decompressor.decompress(self.block)
        lengths = struct.Struct(f"<{self.count}I")
        ends = accumulate(lengths.unpack_from(raw), initial=lengths.size)
        return [raw[begin:end] for begin, end in pairwise(ends)]


def encode_frame(first: int, records: Sequence[bytes], compressor: ZstdCompressor) -> bytes:
    """Return the bytes of the frame that holds `records`."""
    lengths = struct.pack(f"<{len(records)}I", *map(len, records))
    block = compressor.compress(b"".join((lengths, *records)))
    return _piece(_FRAME, (first, len(records)), block)


def trained(samples: Sequence[bytes]) -> bytes:
    """Return a dictionary for records like `samples`; empty if they are too few to learn from.

    It makes frames of a single event less than half as large.
    """
    try:
        return train_dictionary(_DICTIONARY_BYTES, list(samples)).as_bytes()
    except (ZstdError, ValueError):
        return b""


def segments(directory: Path) -> tuple[Segment, ...]:
    """Return the journal's files, oldest first; none if there is no journal."""
    paths = (path for path in directory.glob(f"*{SUFFIX}") if path.stem.isdecimal())
    return tuple(sorted(Segment(int(path.stem), path) for path in paths))


def segment_at(directory: Path, first: int) -> Segment:
    """Return the segment whose first record has the position `first`, existing or not."""
    return Segment(first, directory / f"{first:020d}{SUFFIX}")


def read_header(segment: Segment) -> Header | None:
    """Return how the newest segment begins, or None if its writer was stopped before it did."""
    with segment.path.open("rb") as file:
        return _header(segment, file, may_be_torn=True)


def frames(segment: Segment, *, may_be_torn: bool) -> Iterator[Frame]:
    """Yield the frames of `segment`, each checked.

    Raises
    ------
    JournalDamagedError
        At the first place that is neither a whole frame nor, where that may be, a torn end.
    """
    with segment.path.open("rb") as file:
        header = _header(segment, file, may_be_torn=may_be_torn)
        position = segment.first
        decompressor = ZstdDecompressor(dict_data=_dictionary(header.dictionary if header else b""))
        while found := _next(segment, file, _FRAME, may_be_torn=may_be_torn):
            first, count, block = found
            if first != position:
                raise segment.damaged(f"position {first} where {position} should be")
            position += count
            yield Frame(first, count, file.tell(), block, decompressor)


def check_chain(known: Sequence[Segment]) -> None:
    """Check, without reading them, that each older segment has the size it was finished with.

    Raises
    ------
    JournalDamagedError
        If one does not, or one in the middle is missing.
    """
    for before, segment in pairwise(known):
        header = read_header(segment)
        finished = header and (header.previous_first, header.previous_bytes)
        if finished != (before.first, before.size):
            raise before.damaged(f"it, or a file between it and {segment.path.name}, is not whole")


def _header(segment: Segment, file: BinaryIO, *, may_be_torn: bool) -> Header | None:
    found = _next(segment, file, _HEADER, may_be_torn=may_be_torn)
    if found is None:
        if may_be_torn:
            return None
        raise segment.damaged("it is empty")
    magic, first, *rest = found
    if (magic, first) != (_MAGIC, segment.first):
        raise segment.damaged("it does not begin as a segment of that name does")
    return Header(*rest)


def _piece(layout: struct.Struct, fields: tuple[Any, ...], block: bytes) -> bytes:
    packed = layout.pack(*fields, crc32(block), len(block))
    return b"".join((packed, _CRC.pack(crc32(packed)), block))


def _next(
    segment: Segment, file: BinaryIO, layout: struct.Struct, *, may_be_torn: bool
) -> tuple[Any, ...] | None:
    """Return the fields and the block that come next, or None at the end."""
    offset = file.tell()
    head = file.read(layout.size + _CRC.size)
    if not head:
        return None
    if fields := _fields(layout, head):
        *values, checksum, length = fields
        block = file.read(length)
        if len(block) == length and crc32(block) == checksum:
            return (*values, block)
    file.seek(offset)
    if may_be_torn and _is_torn(layout, file.read()):
        file.seek(0, os.SEEK_END)
        return None
    raise segment.damaged(f"what begins at byte {offset} is not what was written")


def _fields(layout: struct.Struct, head: bytes) -> tuple[Any, ...] | None:
    packed, checksum = head[: layout.size], head[layout.size :]
    if len(checksum) < _CRC.size or _CRC.pack(crc32(packed)) != checksum:
        return None
    return layout.unpack(packed)


def _is_torn(layout: struct.Struct, rest: bytes) -> bool:
    """Tell whether `rest` is the beginning of one piece, cut off or never reached by the disk.

    A loss of power can leave the unwritten part as zeros, of which compressed data has no long run.
    """
    written = rest.rstrip(b"\0")
    if len(rest) - len(written) < _SECTOR_BYTES:
        written = rest
    head_bytes = layout.size + _CRC.size
    if len(written) < head_bytes:
        return True
    fields = _fields(layout, written[:head_bytes])
    return fields is not None and head_bytes + int(fields[-1]) > len(written)


def _dictionary(raw: bytes) -> ZstdCompressionDict | None:
    return ZstdCompressionDict(raw, dict_type=DICT_TYPE_FULLDICT) if raw else None
