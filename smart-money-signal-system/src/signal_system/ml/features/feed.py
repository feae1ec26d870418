"""Recorded events in, rows out: live, after a restart, from a journal and in an audit alike."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from shared_events.envelope import StandardEvent
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
    """All that a feed is made of: what was assembled, and each coin's series by spec hash."""

    assembler: Assembler
    series: dict[str, dict[str, Snapshot]]


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
        if feed.series.keys() != saved.series.keys():
            raise SpecMismatchError(
                "the snapshot is of other feature specs than this build has: fold the journal anew"
            )
        feed.assembler = saved.assembler
        for spec in feed.specs:
            coins = saved.series[spec.hash]
            feed.series[spec.hash] = {
                coin: FeatureSeries.restore(spec, each) for coin, each in coins.items()
            }
        return feed

    def snapshot(self) -> FeedSnapshot:
        """Return what `restore` needs."""
        series = {
            spec: {coin: each.snapshot() for coin, each in coins.items()}
            for spec, coins in self.series.items()
        }
        return FeedSnapshot(self.assembler, series)

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
