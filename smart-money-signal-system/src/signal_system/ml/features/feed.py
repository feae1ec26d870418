"""Recorded events in, rows out: live, after a restart, from a journal and in an audit alike."""

from collections.abc import Iterable, Sequence
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


class FeedSnapshot(Struct, frozen=True):
    """All that a feed is made of: its specs' hashes, what was assembled, and bars.

    Attributes
    ----------
    bars
        By interval and coin, as many as the spec that needs most of them has kept.
    """

    specs: tuple[str, ...]
    assembler: Assembler
    bars: dict[Interval, dict[str, Sequence[Bar]]]


class FeatureFeed:
    """Makes the rows of every coin by each of `specs`.

    Parameters
    ----------
    specs
        Bars of their intervals are made; candles of others are left out.
    """

    def __init__(self, specs: Sequence[FeatureSpec]) -> None:
        self.specs = tuple(specs)
        self.assembler = Assembler(tuple(dict.fromkeys(spec.interval for spec in specs)))
        self.series: dict[str, dict[str, FeatureSeries]] = {spec.hash: {} for spec in specs}

    @classmethod
    def restore(cls, specs: Sequence[FeatureSpec], saved: FeedSnapshot) -> "FeatureFeed":
        """Return the feed that `saved` was taken of, bit for bit.

        Raises
        ------
        SpecMismatchError
            If it was taken of a feed of other specs.
        """
        feed = cls(specs)
        if tuple(feed.series) != saved.specs:
            raise SpecMismatchError(
                "the snapshot is of other feature specs than this build has: fold the journal anew"
            )
        feed.assembler = saved.assembler
        for spec in feed.specs:
            feed.series[spec.hash] = {
                coin: FeatureSeries.restore(spec, Snapshot(spec.hash, bars))
                for coin, bars in saved.bars[spec.interval].items()
            }
        return feed

    def snapshot(self) -> FeedSnapshot:
        """Return what `restore` needs."""
        bars: dict[Interval, dict[str, Sequence[Bar]]] = {}
        for spec in sorted(self.specs, key=lambda spec: spec.kept_bars):
            kept = {coin: each.snapshot().bars for coin, each in self.series[spec.hash].items()}
            bars.setdefault(spec.interval, {}).update(kept)
        return FeedSnapshot(tuple(self.series), self.assembler, bars)

    def apply(self, record: StandardEvent[Any]) -> list[Told]:
        """Take an event; return the rows that it led to."""
        sample = self.assembler.apply(record)
        return [] if sample is None else self.take(sample)

    def take(self, sample: Sample) -> list[Told]:
        """Take a closed bar, wherever it comes from; return the rows that it led to."""
        rows = []
        for spec in self.specs:
            if spec.interval == sample.interval:
                row = self._series(spec, sample.coin).update(sample.bar)
                if row is not None:
                    rows.append(Told(spec, sample.coin, row))
        return rows

    def now(self, spec: FeatureSpec, coin: str) -> Vector | None:
        """Return the features of `coin` as if its forming bar closed now; None if none is known."""
        forming: Bar | None = self.assembler.forming(coin, spec.interval)
        series = self.series[spec.hash].get(coin)
        return None if forming is None or series is None else series.peek(forming)

    def _series(self, spec: FeatureSpec, coin: str) -> FeatureSeries:
        coins = self.series[spec.hash]
        if coin not in coins:
            coins[coin] = FeatureSeries(spec)
        return coins[coin]


def told(specs: Sequence[FeatureSpec], records: Iterable[StandardEvent[Any]]) -> Iterable[Told]:
    """Yield the rows that `records` lead to, in the order they come."""
    feed = FeatureFeed(specs)
    for record in records:
        yield from feed.apply(record)
