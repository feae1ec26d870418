"""Which part of a span is done. Pure."""

from dataclasses import dataclass

import msgspec


class Covered(msgspec.Struct, frozen=True):
    """What was read of a series: everything from `from_ms` to `to_ms`.

    `seen` names what was read of the very last millisecond, which is read again.
    """

    from_ms: int
    to_ms: int
    seen: tuple[str, ...] = ()

    def encoded(self) -> str:
        """Return it as a cursor."""
        return msgspec.json.encode(self).decode()


_decoder = msgspec.json.Decoder(Covered)


@dataclass(frozen=True, slots=True)
class Span:
    """From `from_ms` to `to_ms`, both inclusive."""

    from_ms: int
    to_ms: int

    def rest(self, cursor: str | None) -> Covered:
        """Return what is done of the span, from its beginning on.

        What was read before counts if it reaches back to the span's beginning without a gap.

        Examples
        --------
        >>> Span(10, 100).rest(Covered(5, 60, ("a",)).encoded())
        Covered(from_ms=5, to_ms=60, seen=('a',))
        >>> Span(10, 100).rest(Covered(50, 60).encoded())
        Covered(from_ms=10, to_ms=10, seen=())
        """
        fresh = Covered(self.from_ms, self.from_ms)
        if cursor is None:
            return fresh
        done = _decoder.decode(cursor)
        return done if done.from_ms <= self.from_ms <= done.to_ms else fresh

    def share(self, at_ms: int) -> float:
        """Return how much of the span is over at `at_ms`, in [0, 1]."""
        length = max(self.to_ms - self.from_ms, 1)
        return min(max((at_ms - self.from_ms) / length, 0.0), 1.0)
