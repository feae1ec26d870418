"""Recorded events in, rows out: live, after a restart, from a journal and in an audit alike."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from shared_events.envelope import StandardEvent
from shared_events.payloads.market import Interval
from signal_system.ml.features.assembler import Assembler, Sample
from signal_system.ml.features.bar import Bar
from signal_system.ml.features.series import FeatureSeries, Row, Snapshot, Vector
from signal_system.ml.features.spec import FeatureSpec, SpecMismatchError


class Told(NamedTuple):
    """A row of one coin, by the spec it was made by."""

    spec: FeatureSpec
    coin: str
    row: Row


class BarKey(NamedTuple):
    """Names a bar."""

    coin: str
    interval: Interval
    open_ms: int


class FeedSnapshot(Struct, frozen=True):
    """What a feed is made of beside its bars: its specs' hashes, and what was assembled."""

    specs: tuple[str, ...]
    assembler: Assembler


class FeatureFeed:
    """Makes the rows of every coin by each of `specs`.

    Parameters
    ----------
    specs
        Bars of their intervals are made; candles of others are left out.
    on_bar
        Told of every bar that is new or known better, if somebody keeps them.
    """

    def __init__(
        self,
        specs: Sequence[FeatureSpec],
        on_bar: Callable[[BarKey, Bar], None] | None = None,
    ) -> None:
        self.specs = tuple(sorted(specs, key=lambda spec: -spec.kept_bars))
        self._on_bar = on_bar
        self.assembler = Assembler(tuple(dict.fromkeys(spec.interval for spec in specs)))
        self.series: dict[str, dict[str, FeatureSeries]] = {spec.hash: {} for spec in specs}

    @property
    def hashes(self) -> tuple[str, ...]:
        """The hashes of the specs."""
        return tuple(self.series)

    def restore(self, saved: FeedSnapshot) -> None:
        """Become the feed that `saved` was taken of, but for its bars: `load` those.

        Raises
        ------
        SpecMismatchError
            If it was taken of a feed of other specs.
        """
        if self.hashes != saved.specs:
            raise SpecMismatchError(
                "the snapshot is of other feature specs than this build has: fold the journal anew"
            )
        self.assembler = saved.assembler

    def clear(self) -> None:
        """Forget every bar."""
        for coins in self.series.values():
            coins.clear()

    def load(self, coin: str, interval: Interval, bars: Sequence[Bar]) -> None:
        """Go on after the kept `bars` of one coin, in their order; more of them change nothing."""
        for spec in self.specs:
            if spec.interval == interval:
                saved = Snapshot(spec.hash, bars)
                self.series[spec.hash][coin] = FeatureSeries.restore(spec, saved)

    def snapshot(self) -> FeedSnapshot:
        """Return what `restore` needs."""
        return FeedSnapshot(self.hashes, self.assembler)

    def bars(self, coin: str, interval: Interval) -> Sequence[Bar]:
        """Return what `load` needs."""
        series = self._keeper(coin, interval)
        return series.snapshot().bars if series else ()

    def oldest_ms(self, coin: str, interval: Interval) -> int:
        """Return when the oldest bar opened that a value can still follow from."""
        series = self._keeper(coin, interval)
        return series.oldest.open_ms if series and series.oldest else 0

    def apply(self, record: StandardEvent[Any]) -> list[Told]:
        """Take an event; return the rows that it led to."""
        sample = self.assembler.apply(record)
        return [] if sample is None else self.take(sample)

    def take(self, sample: Sample) -> list[Told]:
        """Take a closed bar, wherever it comes from; return the rows that it led to."""
        return [told for told in self._take(sample) if told is not None]

    def steps(self, record: StandardEvent[Any]) -> Iterator[Told | None]:
        """Take an event; yield the rows that it led to, and None whenever others may run."""
        sample = self.assembler.apply(record)
        if sample is not None:
            yield from self._take(sample)

    def _take(self, sample: Sample) -> Iterator[Told | None]:
        coin, interval, bar = sample
        for spec in self.specs:
            if spec.interval == interval:
                row = yield from self._series(spec, coin).steps(bar)
                if row is not None:
                    yield Told(spec, coin, row)
        keeper = self._keeper(coin, interval)
        known = keeper.kept(bar.open_ms) if keeper and self._on_bar else None
        if known is not None and self._on_bar is not None:
            self._on_bar(BarKey(coin, interval, bar.open_ms), known)

    def now(self, spec: FeatureSpec, coin: str) -> Vector | None:
        """Return the features of `coin` as if its forming bar closed now; None if none is known."""
        forming: Bar | None = self.assembler.forming(coin, spec.interval)
        series = self.series[spec.hash].get(coin)
        return None if forming is None or series is None else series.peek(forming)

    def _keeper(self, coin: str, interval: Interval) -> FeatureSeries | None:
        """Return the series of `coin` that keeps most bars: the others' are among them."""
        for spec in self.specs:
            if spec.interval == interval:
                return self.series[spec.hash].get(coin)
        return None

    def _series(self, spec: FeatureSpec, coin: str) -> FeatureSeries:
        coins = self.series[spec.hash]
        if coin not in coins:
            coins[coin] = FeatureSeries(spec)
        return coins[coin]


def told(specs: Sequence[FeatureSpec], records: Iterable[StandardEvent[Any]]) -> Iterator[Told]:
    """Yield the rows that `records` lead to, in the order they come."""
    feed = FeatureFeed(specs)
    for record in records:
        yield from feed.apply(record)
