"""The features of one coin as a stream of bars: closed, forming, late, corrected or missing."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import chain
from typing import NamedTuple, TypeVar, cast

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from signal_system.ml.features.bar import Bar
from signal_system.ml.features.feature import Handle, History, Values
from signal_system.ml.features.spec import FeatureSpec, SpecMismatchError

Vector = NDArray[np.float32]
Result = TypeVar("Result")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_AT_ONCE = 16  # bars that a state is fed before others may run


class Row(NamedTuple):
    """One row of the matrix: what was known of a closed bar, and when it was known.

    `event_ms` is the bar's close, `available_ms` when the news that led to the row was learned;
    `values` are float32, NaN where something is not known.
    """

    event_ms: int
    available_ms: int
    values: Vector

    @property
    def digest(self) -> str:
        """The SHA-256 of the values' bytes: what a prediction states it was made of."""
        return sha256(self.values.tobytes()).hexdigest()


class Snapshot(Struct, frozen=True):
    """All that a series is made of: the bars that its values follow from, and whose values."""

    spec_hash: str
    bars: Sequence[Bar]


class FeatureSeries:
    """Takes the bars of one coin and says the features after each.

    Parameters
    ----------
    spec
        What is said.

    Attributes
    ----------
    heard
        What became of the bars: ``new``, ``late``, ``corrected``, ``repeated``, ``stale`` (older
        than all that is kept), ``corrupt``, ``off_grid``, ``premature``.
    """

    def __init__(self, spec: FeatureSpec) -> None:
        self.spec = spec
        self.heard: Counter[str] = Counter()
        self._bars: list[Bar] = []
        self._block_ms = spec.interval_ms * spec.reopen_every_bars
        self._block = -1
        self._handles: list[Handle] | None = None
        self._next: tuple[int, list[Handle] | None] | None = None
        self._values: Vector | None = None

    @classmethod
    def open(cls, spec: FeatureSpec, history: Iterable[Bar]) -> "FeatureSeries":
        """Return the series after `history`, as if it had taken one bar after the other."""
        series = cls(spec)
        for bar in history:
            series.heard[series._place(bar)] += 1
        _whole(series._rebuild())
        return series

    @classmethod
    def restore(cls, spec: FeatureSpec, saved: Snapshot) -> "FeatureSeries":
        """Return the series that `saved` was taken of, bit for bit; more bars change nothing.

        Raises
        ------
        SpecMismatchError
            If it was taken of a series of another spec.
        """
        if saved.spec_hash != spec.hash:
            raise SpecMismatchError(
                f"the snapshot is of the spec {saved.spec_hash[:12]}, not of {spec.name!r}"
                f" {spec.hash[:12]}: open the series on the history anew"
            )
        series = cls(spec)
        series._bars = list(saved.bars)
        del series._bars[: max(0, series._begin() - spec.warm_up_bars)]
        _whole(series._rebuild())
        return series

    @property
    def newest(self) -> Bar | None:
        """The newest closed bar."""
        return self._bars[-1] if self._bars else None

    @property
    def bars(self) -> Sequence[Bar]:
        """The kept bars in their order: more than any value follows from, never fewer."""
        return self._bars

    @property
    def values(self) -> Vector | None:
        """The values after the newest bar; None while there are too few bars."""
        return self._values

    def newest_row(self, at: datetime) -> Row | None:
        """Return the newest bar's row for somebody who asks at that moment; None if none is known."""
        newest = self.newest
        if newest is None or self._values is None:
            return None
        event_ms = newest.open_ms + self.spec.interval_ms
        return Row(event_ms, max(event_ms, (at - _EPOCH) // _MILLISECOND), self._values)

    def snapshot(self) -> Snapshot:
        """Return what `restore` needs."""
        return Snapshot(self.spec.hash, tuple(self._bars))

    def update(self, bar: Bar) -> Row | None:
        """Take a closed bar; return the row of the newest one if it said something new.

        None means: nothing new, or too few bars to say anything. A bar that comes late or corrects
        an older one leads to the newest bar's row as it is known since.
        """
        return _whole(self.steps(bar))

    def steps(self, bar: Bar) -> Generator[None, None, Row | None]:
        """Do what `update` does in pieces of a millisecond or less, and return what it returns.

        In between the series knows neither the old row nor the new one.
        """
        verdict = self._place(bar)
        self.heard[verdict] += 1
        self._next = None
        if verdict == "new":
            yield from self._advance(len(self._bars) - 1)
        elif verdict in _NEWS:
            yield from self._rebuild()
        if verdict not in _NEWS or self._values is None:
            return None
        event_ms = self._bars[-1].open_ms + self.spec.interval_ms
        learned_ms = _learned(bar, self.spec.interval_ms)
        return Row(event_ms, max(event_ms, learned_ms), self._values)

    def peek(self, forming: Bar) -> Vector | None:
        """Return the values as if the bar that is forming closed now; the series stays as it is.

        None if it does not follow the newest bar, is flawed, or there are too few bars.
        """
        newest = self.newest
        if newest is None or forming.open_ms <= newest.open_ms:
            return None
        if self._is_cut(newest, forming):
            return None
        if structs.replace(forming, available_ms=None).flaw(self.spec.interval_ms):
            return None
        handles = self._ahead(self._block_of(forming))
        return None if handles is None else _vector([handle.peek(forming) for handle in handles])

    def _place(self, bar: Bar) -> str:
        """Put `bar` among the kept ones; say what it was."""
        flaw = bar.flaw(self.spec.interval_ms)
        if flaw:
            return flaw
        newest = self.newest
        if newest is not None and bar.open_ms <= newest.open_ms:
            return self._revise(bar)
        if newest is not None and self._block_of(bar) != self._block_of(newest):
            del self._bars[: -self.spec.warm_up_bars]
        self._bars.append(bar)
        return "new"

    def _revise(self, bar: Bar) -> str:
        place = bisect_left(self._bars, bar.open_ms, key=_open_ms)
        known = self._bars[place]
        if known.open_ms == bar.open_ms:
            if bar.revision < known.revision or _same(bar, known):
                return "repeated"
            self._bars[place] = bar.correcting(known)
            return "corrected"
        if place == 0 and len(self._bars) >= self.spec.warm_up_bars:
            return "stale"
        self._bars.insert(place, bar)
        return "late"

    def kept(self, open_ms: int) -> Bar | None:
        """Return the kept bar that opened then, as it is known now; None if there is none."""
        place = bisect_left(self._bars, open_ms, key=_open_ms)
        found = self._bars[place] if place < len(self._bars) else None
        return found if found is not None and found.open_ms == open_ms else None

    @property
    def oldest(self) -> Bar | None:
        """The oldest bar that a value can still follow from."""
        return self._bars[0] if self._bars else None

    def _rebuild(self) -> Generator[None, None, None]:
        """Open the newest bar's block again and go through it."""
        self._block, self._handles, self._values = -1, None, None
        for index in range(self._begin(), len(self._bars)):
            if index % _AT_ONCE == 0:
                yield
            yield from self._advance(index)

    def _begin(self) -> int:
        """Return the place of the first bar of the newest bar's block."""
        if not self._bars:
            return 0
        begin = self._block_of(self._bars[-1]) * self._block_ms
        return bisect_left(self._bars, begin, key=_open_ms)

    def _advance(self, index: int) -> Generator[None, None, None]:
        """Let the state take the bar at `index`, the next one."""
        bar, self._values = self._bars[index], None
        if self._block_of(bar) != self._block:
            self._block, self._handles = self._block_of(bar), None
            self._handles = yield from self._opened(index)
        if index and self._is_cut(self._bars[index - 1], bar):
            self._handles = None
        if self._handles is not None:
            self._values = _vector([handle.update(bar) for handle in self._handles])

    def _ahead(self, block: int) -> list[Handle] | None:
        """Return the state that a bar of `block` would meet; opened once while no bar closes."""
        if block == self._block:
            return self._handles
        if self._next is None or self._next[0] != block:
            self._next = block, _whole(self._opened(len(self._bars)))
        return self._next[1]

    def _opened(self, end: int) -> Generator[None, None, list[Handle] | None]:
        window = self._window(end)
        if len(window) < self.spec.least_bars:
            return None
        history, handles = History(window), list[Handle]()
        for feature in self.spec.features:
            handles.append(feature.open(history))
            yield
        return handles

    def _window(self, end: int) -> Sequence[Bar]:
        """Return the last bars before `end` that no long gap parts."""
        first, least = end, max(0, end - self.spec.warm_up_bars)
        while first > least:
            first -= 1
            if first + 1 < end and self._is_cut(self._bars[first], self._bars[first + 1]):
                return self._bars[first + 1 : end]
        return self._bars[first:end]

    def _is_cut(self, earlier: Bar, later: Bar) -> bool:
        missing = (later.open_ms - earlier.open_ms) // self.spec.interval_ms - 1
        return missing > self.spec.gaps.max_missing_bars

    def _block_of(self, bar: Bar) -> int:
        return bar.open_ms // self._block_ms


def _whole(steps: Generator[None, None, Result]) -> Result:
    """Take every step at once and return what they come to."""
    while True:
        try:
            next(steps)
        except StopIteration as e:
            return cast("Result", e.value)


def rows(spec: FeatureSpec, bars: Iterable[Bar]) -> Iterator[Row]:
    """Yield the rows that `bars` lead to, in the order they come: the batch is this loop."""
    series = FeatureSeries(spec)
    for bar in bars:
        row = series.update(bar)
        if row is not None:
            yield row


_NEWS = frozenset(("new", "late", "corrected"))


def _open_ms(bar: Bar) -> int:
    return bar.open_ms


def _learned(bar: Bar, interval_ms: int) -> int:
    return bar.open_ms + interval_ms if bar.available_ms is None else bar.available_ms


def _same(bar: Bar, known: Bar) -> bool:
    """Tell whether two bars say the same of the market, whenever it was said."""
    return structs.replace(bar, available_ms=known.available_ms, revision=known.revision) == known


def _vector(values: Iterable[Values]) -> Vector:
    return np.array(list(chain.from_iterable(values)), np.float32)
