"""What must hold of every feature, as functions that say where it does not.

The suite runs them on made-up markets, ``signal-system features check`` on a file of candles.
"""

from collections.abc import Callable, Iterator, Sequence
from math import isnan
from random import Random
from statistics import fmean, stdev
from typing import NamedTuple

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from signal_system.ml.features.bar import Bar
from signal_system.ml.features.feature import History
from signal_system.ml.features.series import FeatureSeries, Row, Vector, rows
from signal_system.ml.features.spec import FeatureSpec

WARM_UPS = (199, 399, 499, 999, 1_999)
"""On how many bars a state is opened to see whether that is enough."""

_SIGMAS = 3.0

Matrix = NDArray[np.float32]
Labels = NDArray[np.int64]


class Broken(NamedTuple):
    """A value that is not what it must be: which column, and after which bar."""

    column: str
    event_ms: int


class Sensitivity(NamedTuple):
    """How far a column is from its value after the longest warm-up: the worst case, in percent.

    None where it is not known, after either.
    """

    column: str
    bars: int
    percent: float | None


class Shuffled(NamedTuple):
    """Scores on labels that were shuffled: whatever is learned from them leaked."""

    mean: float
    error: float
    runs: int

    @property
    def is_chance(self) -> bool:
        """Whether one half is within three standard errors."""
        return abs(self.mean - 0.5) <= _SIGMAS * self.error


def prefix_invariance(
    spec: FeatureSpec, bars: Sequence[Bar], told: Sequence[Row], cuts: Sequence[int]
) -> Iterator[Broken]:
    """Yield what differs between `told`, the rows of all `bars`, and a history that ends at a cut."""
    known = {row.event_ms: row.values for row in told}
    for cut in cuts:
        event_ms = bars[cut - 1].open_ms + spec.interval_ms
        alone = FeatureSeries.open(spec, bars[:cut]).values
        yield from _differences(spec, event_ms, known.get(event_ms), alone)


def future_perturbation(
    spec: FeatureSpec,
    bars: Sequence[Bar],
    told: Sequence[Row],
    cuts: Sequence[int],
    random: Random,
) -> Iterator[Broken]:
    """Yield what differs at or before a cut once all that comes after it is another market."""
    known = {row.event_ms: row.values for row in told}
    span = spec.kept_bars + spec.reopen_every_bars
    for cut in cuts:
        factor = random.choice((0.5, 2.0))
        after = [_scaled(bar, factor) for bar in bars[cut : cut + spec.reopen_every_bars]]
        last = bars[cut - 1].open_ms + spec.interval_ms
        for row in rows(spec, [*bars[max(0, cut - span) : cut], *after]):
            if row.event_ms == last:
                yield from _differences(spec, row.event_ms, known.get(row.event_ms), row.values)


def restarts(
    spec: FeatureSpec, bars: Sequence[Bar], told: Sequence[Row], stops: set[int]
) -> Iterator[Broken]:
    """Yield what differs from `told` if the series is restored from its snapshot at each stop."""
    known = {row.event_ms: row.values for row in told}
    series = FeatureSeries(spec)
    for number, bar in enumerate(bars):
        if number in stops:
            series = FeatureSeries.restore(spec, series.snapshot())
        row = series.update(bar)
        if row is not None:
            yield from _differences(spec, row.event_ms, known.get(row.event_ms), row.values)


def warm_up_sensitivity(
    spec: FeatureSpec, bars: Sequence[Bar], ends: Sequence[int], sizes: Sequence[int] = WARM_UPS
) -> Iterator[Sensitivity]:
    """Yield how far each column is from the truth if it is opened on so few bars.

    The truth is what all bars before an end give; `ends` count them.
    """
    for feature in spec.features:
        names = [column.name for column in feature.columns]
        worst: dict[tuple[str, int], float | None] = {}
        for end in ends:
            truth = feature.open(History(bars[:end])).update(bars[end])
            for size in sizes:
                if feature.lookback <= size <= end:
                    said = feature.open(History(bars[end - size : end])).update(bars[end])
                    for name, real, value in zip(names, truth, said, strict=True):
                        key = name, size
                        worst[key] = _worse(worst.get(key), _percent(real, value))
        for (name, size), percent in worst.items():
            yield Sensitivity(name, size, percent)


def shuffled_labels(
    score: Callable[[Matrix, Labels], float], matrix: Matrix, labels: Labels, runs: int, seed: int
) -> Shuffled:
    """Return how well `score` does on labels that have nothing to do with `matrix` any more.

    Parameters
    ----------
    score
        Learns and judges out of sample as the training does, and returns an area under the curve.
    """
    generator = np.random.default_rng(seed)
    scores = [score(matrix, generator.permutation(labels)) for _ in range(runs)]
    return Shuffled(fmean(scores), stdev(scores) / runs**0.5, runs)


def _differences(
    spec: FeatureSpec, event_ms: int, one: Vector | None, other: Vector | None
) -> Iterator[Broken]:
    if one is None or other is None:
        if one is not other:
            yield from (Broken(name, event_ms) for name in spec.names)
    elif one.tobytes() != other.tobytes():
        same = (one == other) | (np.isnan(one) & np.isnan(other))
        yield from (
            Broken(name, event_ms) for name, each in zip(spec.names, same, strict=True) if not each
        )


def _scaled(bar: Bar, factor: float) -> Bar:
    prices = {name: getattr(bar, name) * factor for name in ("open", "high", "low", "close")}
    return structs.replace(bar, volume=bar.volume * factor, **prices)


def _percent(real: float, value: float) -> float | None:
    if isnan(real) or isnan(value):
        return None
    if real == value:
        return 0.0
    return 100 * abs(value - real) / abs(real) if real else float("inf")


def _worse(one: float | None, other: float | None) -> float | None:
    known = [each for each in (one, other) if each is not None]
    return max(known, default=None)
