"""What probabilities were worth on rows that nothing was learned from, with how well that is known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from signal_system.evaluation.deflated_sharpe import Track
from signal_system.evaluation.metrics import compounded, deepest_fall
from signal_system.ml.arrays import Flags, Floats, Ints
from signal_system.ml.direction import CLASSES
from signal_system.ml.labels import Labels
from signal_system.ml.standing import STATES
from signal_system.training.direction_data import DirectionData
from signal_system.training.resampling import Estimate, by_day, covered, estimate, redrawn

BUY, SELL = CLASSES.index("buy"), CLASSES.index("sell")
BINS = 10

_DAYS_PER_YEAR = 365.25
_SMALLEST = 1e-9


@dataclass(frozen=True, slots=True)
class Traded:
    """What acting on it paid: one position at a time, taken at the close, held until its outcome.

    Attributes
    ----------
    gross, net
        Sharpe ratios a year, of daily sums, before and after costs.
    paid
        What one unit became after costs, less that unit.
    """

    trades_per_year: float
    gross: Estimate
    net: Estimate
    paid: float
    fall: float


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows that were given about the same probability: how often it came true."""

    said: float
    came: float
    rows: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Everything about one way, on all tests together.

    Attributes
    ----------
    log_loss, brier
        Of all three classes; less is better.
    gain
        Log loss less than the base rate's, in thousandths of a nat a row.
    auc, matthews
        Area under the curve and correlation of the direction, on the rows on which the price did
        reach a barrier.
    auc_of_sign
        Area under the curve of whether it ended higher or lower, on all rows.
    calibration_error
        Mean distance between what was said and what came, over ten equal bins of each class.
    by_market
        The gain in each market.
    followed, gated
        What it paid to take the likelier side always, and only when it was worth its costs.
    """

    log_loss: Estimate
    brier: Estimate
    gain: Estimate
    auc: Estimate
    auc_of_sign: Estimate
    matthews: Estimate
    calibration_error: float
    reliability: dict[str, tuple[Bin, ...]]
    by_market: dict[str, float]
    followed: Traded
    gated: Traded


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """Judges every way on the same rows.

    Parameters
    ----------
    rows
        Numbers of the test rows of all folds, ascending.
    base
        What the base rate says to each of them.
    cost
        Of a round trip, as a fraction.
    """

    data: DirectionData
    rows: Ints
    base: Floats
    cost: float

    def verdict(self, said: Floats) -> Verdict:
        """Return what the probabilities `said`, of shape (rows, classes), were worth."""
        classes = self.data.classes[self.rows]
        came = np.eye(len(CLASSES))[classes]
        bins: dict[str, tuple[Bin, ...]] = {
            name: _bins(said[:, n], came[:, n]) for n, name in enumerate(CLASSES)
        }
        markets = self.data.markets[self.rows]
        gains = 1_000 * (_losses(self.base, classes) - _losses(said, classes))
        return Verdict(
            log_loss=self._mean(_losses(said, classes)),
            brier=self._mean(((said - came) ** 2).sum(axis=1)),
            gain=self._mean(gains),
            auc=self._auc(said, self.data.labels.outcomes[self.rows]),
            auc_of_sign=self._auc(said, self.data.labels.returns[self.rows]),
            matthews=self._matthews(said),
            calibration_error=float(np.mean([_error(each) for each in bins.values()])),
            reliability=bins,
            by_market={STATES[m]: float(gains[markets == m].mean()) for m in np.unique(markets)},
            followed=self._traded(np.sign(_lean(said)).astype(np.int64)),
            gated=self._traded(self.worthwhile(said)),
        )

    def log_loss(self, said: Floats) -> float:
        """Return the mean log loss."""
        return float(_losses(said, self.data.classes[self.rows]).mean())

    def better_than(self, said: Floats, other: Floats) -> Estimate:
        """Return by how much less the log loss of `said` is, in thousandths of a nat a row."""
        classes = self.data.classes[self.rows]
        return self._mean(1_000 * (_losses(other, classes) - _losses(said, classes)))

    def area(self, said: Floats) -> float | None:
        """Return `Verdict.auc` without its interval; None if the price went one way only."""
        rows, up = _ways(self.data.labels.outcomes[self.rows])
        return None if _is_one_sided(up) else _area(_lean(said)[rows], up)(np.ones(len(up)))

    def _auc(self, said: Floats, went: Floats | Ints) -> Estimate:
        """Return how well `said` tells where the price `went`: above 0 is up, 0 does not count."""
        rows, up = _ways(went)
        if _is_one_sided(up):
            return Estimate(None)
        _, places = np.unique(self.data.days[self.rows][rows], return_inverse=True)
        area, draws = _area(_lean(said)[rows], up), redrawn(int(places.max()) + 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            drawn = np.array([area(draw[places]) for draw in draws.T])
        return covered(area(np.ones(len(up))), drawn)

    def worthwhile(self, said: Floats) -> Ints:
        """Return the side whose expected return is above the cost of taking it, 0 for neither."""
        expected = (said[:, BUY] - said[:, SELL]) * self.data.labels.reach[self.rows]
        return np.where(np.abs(expected) > self.cost, np.sign(expected), 0).astype(np.int64)

    def net_track(self, sides: Ints) -> Track | None:
        """Return the shape of the daily net returns of taking `sides`."""
        return Track.of(self.daily(sides)[1].tolist())

    def _mean(self, values: Floats) -> Estimate:
        table = by_day(self.data.days[self.rows], values, np.ones(len(values)))
        return estimate(table, lambda sums: sums[0] / sums[1])

    def _matthews(self, said: Floats) -> Estimate:
        outcomes, lean = self.data.labels.outcomes[self.rows], _lean(said)
        counts = [
            (lean > 0) & (outcomes > 0),
            (lean > 0) & (outcomes < 0),
            (lean < 0) & (outcomes > 0),
            (lean < 0) & (outcomes < 0),
        ]
        table = by_day(self.data.days[self.rows], *[each.astype(float) for each in counts])
        return estimate(table, _matthews)

    def _traded(self, sides: Ints) -> Traded:
        gross, net = self.daily(sides)
        years = len(net) / _DAYS_PER_YEAR
        labels = self.data.labels.rows(self.rows)
        return Traded(
            trades_per_year=len(taken(sides, labels)) / years,
            gross=_sharpe(gross),
            net=_sharpe(net),
            paid=compounded(net.tolist()),
            fall=deepest_fall(net.tolist()),
        )

    def daily(self, sides: Ints) -> tuple[Floats, Floats]:
        """Return what each day of the tests paid, before and after costs."""
        labels = self.data.labels.rows(self.rows)
        chosen = taken(sides, labels)
        days = self.data.days[self.rows]
        ended = np.minimum((labels.ended[chosen] - 1) // 86_400_000, days[-1]) - days[0]
        size = int(days[-1] - days[0]) + 1
        of_long = labels.returns[chosen] * sides[chosen]
        gross = np.bincount(ended, weights=of_long, minlength=size).astype(float)
        paid = np.bincount(ended, minlength=size).astype(float) * self.cost
        return gross, gross - paid


def taken(sides: Ints, labels: Labels) -> Ints:
    """Return the rows at which a position is opened, there being none before it is closed.

    Examples
    --------
    >>> from types import SimpleNamespace as Some
    >>> few = Some(began=np.array([1, 2, 3, 4]), ended=np.array([3, 4, 5, 6]))
    >>> taken(np.array([1, -1, 1, 0]), few).tolist()
    [0, 2]
    """
    chosen, free_from = [], -1
    for row in np.flatnonzero(sides).tolist():
        if labels.began[row] >= free_from:
            chosen.append(row)
            free_from = int(labels.ended[row])
    return np.array(chosen, dtype=np.int64)


def _lean(said: Floats) -> Floats:
    return np.asarray(np.log(said[:, BUY]) - np.log(said[:, SELL]))


def _losses(said: Floats, classes: Ints) -> Floats:
    return np.asarray(-np.log(np.maximum(said[np.arange(len(said)), classes], _SMALLEST)))


def _bins(said: Floats, came: Floats) -> tuple[Bin, ...]:
    parts = np.array_split(said.argsort(kind="stable"), BINS)
    return tuple(
        Bin(float(said[part].mean()), float(came[part].mean()), len(part)) for part in parts
    )


def _error(bins: Sequence[Bin]) -> float:
    return float(np.average([abs(b.said - b.came) for b in bins], weights=[b.rows for b in bins]))


def _sharpe(daily: Floats) -> Estimate:
    table = np.stack([daily, daily**2, np.ones(len(daily))])

    def ratio(sums: Floats) -> Floats:
        mean = sums[0] / sums[2]
        return np.asarray(mean / np.sqrt(sums[1] / sums[2] - mean**2) * _DAYS_PER_YEAR**0.5)

    return estimate(table, ratio)


def _matthews(sums: Floats) -> Floats:
    hits, alarms, misses, rejections = sums
    norm = (hits + alarms) * (hits + misses) * (rejections + alarms) * (rejections + misses)
    return np.asarray((hits * rejections - alarms * misses) / np.sqrt(norm))


def _ways(went: Floats | Ints) -> tuple[Ints, Flags]:
    """Return the rows on which the price went somewhere, and whether that was up."""
    rows = np.flatnonzero(went)
    return rows, np.asarray(went[rows] > 0)


def _is_one_sided(up: Flags) -> bool:
    return not up.any() or bool(up.all())


def _area(scores: Floats, positive: Flags) -> Callable[[Floats], float]:
    """Return what tells the chance that a positive row scores above a negative one.

    It takes how much each row weighs; a tie is half of it.
    """
    order = scores.argsort(kind="stable")
    groups = np.flatnonzero(np.diff(scores[order], prepend=-np.inf) > 0)
    rising = positive[order]

    def area(weights: Floats) -> float:
        each = weights[order]
        up = np.add.reduceat(np.where(rising, each, 0.0), groups)
        down = np.add.reduceat(np.where(rising, 0.0, each), groups)
        below = np.cumsum(down) - down / 2
        return float((up @ below) / (up.sum() * down.sum()))

    return area
