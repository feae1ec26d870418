"""What classifiers are taught and judged on: features known at a close, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from signal_system.ml.arrays import Floats, Ints, Matrix
from signal_system.ml.band import Band
from signal_system.ml.bars import Bars
from signal_system.ml.direction import CLASSES, Barriers
from signal_system.ml.features.series import Row
from signal_system.ml.features.spec import FeatureSpec
from signal_system.ml.labels import Labels, triple_barrier
from signal_system.ml.regime_detection import MarketRegimeDetector
from signal_system.ml.standing import STATES

DAY_MS = timedelta(days=1) // timedelta(milliseconds=1)

_CLASS_OF_OUTCOME = np.array([CLASSES.index(name) for name in ("hold", "buy", "sell")])


@dataclass(frozen=True, slots=True, eq=False)
class DirectionData:
    """One row for each bar whose features and whose outcome are known, in order.

    Attributes
    ----------
    features
        Of shape (rows, features), as the service computes them; NaN is not known.
    classes
        What came of it, as a place in `CLASSES`.
    last_returns
        Of the bar that was decided at, over the one before.
    markets
        Which market it was, as a place in `STATES`: by the moving-average band of the days before.
    """

    spec: FeatureSpec
    features: Matrix
    labels: Labels
    classes: Ints
    last_returns: Floats
    markets: Ints

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def days(self) -> Ints:
        """The day since 1970 that each row was decided on."""
        return np.asarray((self.labels.began - 1) // DAY_MS)


def direction_data(
    bars: Bars, rows: Sequence[Row], spec: FeatureSpec, horizon: timedelta, barriers: Barriers
) -> DirectionData:
    """Join the `rows` of features with the outcomes of `bars`, by the close that both speak of.

    Of a bar that was corrected later, the row as it was first known counts.
    """
    labels = triple_barrier(
        bars,
        horizon,
        width=barriers.width,
        half_life=barriers.half_life_bars,
        floor=barriers.floor,
    )
    events, firsts = np.unique([row.event_ms for row in rows], return_index=True)
    _, at_label, at_event = np.intersect1d(labels.began, events, return_indices=True)
    labels = labels.rows(at_label)
    values = [rows[place].values for place in firsts[at_event]]
    return DirectionData(
        spec=spec,
        features=np.array(values, np.float32).reshape(len(labels), len(spec.names)),
        labels=labels,
        classes=_CLASS_OF_OUTCOME[labels.outcomes],
        last_returns=bars.log_returns()[labels.first],
        markets=_markets(bars, labels.began),
    )


def _markets(bars: Bars, moments: Ints) -> Ints:
    """Return the state of the band after the last day that was over at each of `moments`."""
    days = (bars.closed - 1) // DAY_MS
    last = np.flatnonzero(np.diff(days, append=days[-1:] + 1))
    detector, states = MarketRegimeDetector(Band()), [STATES.index("unknown")]
    for day, close in zip(days[last].tolist(), bars.closes[last].tolist(), strict=True):
        detector.close(day * DAY_MS, close)
        states.append(STATES.index(detector.standing.state))
    return np.array(states)[np.searchsorted((days[last] + 1) * DAY_MS, moments, side="right")]
