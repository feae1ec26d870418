"""The last fills of an account: the newest as they are, older ones as bytes, a quarter the size."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from hyperliquid_simulator.accounts.trades import Fill

KEPT: Final = 10_000
"""As many fills of an account as the venue remembers."""

PACKED: Final = 100
"""Fills that are turned into bytes at once."""

EVER: Final = 2**62

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[Fill]).decode


class Pack(NamedTuple):
    """Fills as bytes, and when the first and the last of them happened."""

    first_ms: int
    last_ms: int
    fills: bytes


class FillLog:
    """What an account filled, in order of time, of which only the last `KEPT` are remembered."""

    __slots__ = ("_newest", "_packs")

    def __init__(self) -> None:
        self._packs: deque[Pack] = deque(maxlen=KEPT // PACKED)
        self._newest: list[Fill] = []

    def append(self, fill: Fill) -> None:
        """Remember one more, the latest."""
        self._newest.append(fill)
        if len(self._newest) == PACKED:
            first, last = self._newest[0], self._newest[-1]
            self._packs.append(Pack(first.time, last.time, _pack(self._newest)))
            self._newest.clear()

    def __len__(self) -> int:
        return min(len(self._packs) * PACKED + len(self._newest), KEPT)

    def __iter__(self) -> Iterator[Fill]:
        return self.oldest_first(0, EVER)

    def oldest_first(self, start_ms: int, end_ms: int) -> Iterator[Fill]:
        """Yield the fills with start <= time <= end, oldest first."""
        for fills in self._parts(start_ms, end_ms):
            yield from (fill for fill in fills if start_ms <= fill.time <= end_ms)

    def newest_first(self, start_ms: int, end_ms: int) -> Iterator[Fill]:
        """Yield the same in the opposite order."""
        for fills in self._parts(start_ms, end_ms, backwards=True):
            yield from (fill for fill in reversed(fills) if start_ms <= fill.time <= end_ms)

    def _parts(
        self, start_ms: int, end_ms: int, *, backwards: bool = False
    ) -> Iterator[Sequence[Fill]]:
        """Yield parts of the log that have something of a time, unpacking no others."""
        newest, packs = list(self._newest), list(self._packs)
        spare = max(len(packs) * PACKED + len(newest) - KEPT, 0)
        if backwards:
            yield newest
        for pack in reversed(packs) if backwards else packs:
            if pack.first_ms <= end_ms and pack.last_ms >= start_ms:
                yield _unpack(pack.fills)[spare if pack is packs[0] else 0 :]
        if not backwards:
            yield newest
