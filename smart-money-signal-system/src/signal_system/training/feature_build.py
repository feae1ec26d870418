"""Rows from what was recorded: a journal, or plain candles."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shared_events.envelope import StandardEvent
from shared_events.journal import decode_record, read
from shared_events.payloads.market import Interval
from signal_system.ml.bars import Bars
from signal_system.ml.features.assembler import Assembler, Sample
from signal_system.ml.features.bar import INTERVAL_MS, Bar
from signal_system.ml.features.feed import FeatureFeed, Told
from signal_system.ml.features.series import Row
from signal_system.ml.features.spec import FeatureSpec


@dataclass(frozen=True, slots=True)
class Built:
    """The rows of one coin by one spec, and what became of its bars."""

    spec: FeatureSpec
    coin: str
    rows: Sequence[Row]
    heard: Mapping[str, int]


def bars_of(columns: Bars) -> Iterator[Bar]:
    """Yield the bars that `columns` hold; each counts as learned when it closed."""
    values = (
        columns.opened,
        columns.opens,
        columns.highs,
        columns.lows,
        columns.closes,
        columns.volumes,
    )
    for opened, *prices in zip(*(each.tolist() for each in values), strict=True):
        yield Bar(int(opened), *prices)


def from_bars(
    specs: Sequence[FeatureSpec],
    coin: str,
    bars: Iterable[Bar],
    on_progress: Callable[[int], None] = lambda _: None,
) -> Sequence[Built]:
    """Return the rows that the bars of one coin lead to; all `specs` are of bars as long."""
    feed, collected = FeatureFeed(specs), _Collected()
    for number, bar in enumerate(bars):
        on_progress(number)
        collected.take(feed.take(Sample(coin, specs[0].interval, bar)))
    return collected.built(feed)


def from_journal(
    specs: Sequence[FeatureSpec],
    journal: Path,
    coins: Collection[str],
    on_progress: Callable[[int], None] = lambda _: None,
) -> Sequence[Built]:
    """Return the rows that a journal leads to, as the service would have had them.

    Parameters
    ----------
    coins
        Whose rows are kept; none means all.
    """
    feed, collected = FeatureFeed(specs), _Collected(frozenset(coins))
    for position, raw in read(journal):
        on_progress(position)
        record = decode_record(raw)
        if isinstance(record, StandardEvent):
            collected.take(feed.apply(record))
    return collected.built(feed)


def recorded_bars(
    journal: Path,
    coin: str,
    interval: Interval,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Sequence[Bar]:
    """Return the closed bars of `coin` that a journal recorded, corrected and in order."""
    assembler, bars = Assembler((interval,)), dict[int, Bar]()
    for position, raw in read(journal):
        on_progress(position)
        record = decode_record(raw)
        sample = assembler.apply(record) if isinstance(record, StandardEvent) else None
        if sample is not None and sample.coin == coin:
            bar, known = sample.bar, bars.get(sample.bar.open_ms)
            if bar.flaw(INTERVAL_MS[interval]) is None:
                bars[bar.open_ms] = bar if known is None else bar.correcting(known)
    return [bars[open_ms] for open_ms in sorted(bars)]


class _Collected:
    def __init__(self, coins: Collection[str] = ()) -> None:
        self._coins = coins
        self._rows: dict[tuple[str, str], list[Row]] = defaultdict(list)

    def take(self, told: Sequence[Told]) -> None:
        for spec, coin, row in told:
            if not self._coins or coin in self._coins:
                self._rows[spec.hash, coin].append(row)

    def built(self, feed: FeatureFeed) -> Sequence[Built]:
        return [
            Built(spec, coin, self._rows[spec.hash, coin], Counter(series.heard))
            for spec in feed.specs
            for coin, series in sorted(feed.series[spec.hash].items())
            if not self._coins or coin in self._coins
        ]
