"""What regimes are fitted on and judged by: features row by row, and what came after each."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from signal_system.ml.arrays import Floats, Ints
from signal_system.ml.bars import Bars
from signal_system.ml.features.regime import regime
from signal_system.ml.features.series import rows
from signal_system.ml.jump_regime import JumpInterval, priced

DAY_MS = timedelta(days=1) // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, eq=False)
class RegimeData:
    """One row for each bar whose features are known.

    Attributes
    ----------
    closed
        When the row's bar ended: from then on its features may decide.
    features
        Of shape (rows, features), as the service computes them.
    closes, returns
        Of the row's bar; log returns, over the bar before.
    ahead
        The log of the root of the summed squared returns of the next bars; NaN where they have not
        all come.
    horizon
        How many bars those are.
    daily_days, daily_closes
        The days since 1970 that the bars know, and the last close of each.
    """

    interval: JumpInterval
    closed: Ints
    features: Floats
    closes: Floats
    returns: Floats
    ahead: Floats
    horizon: int
    per_year: float
    daily_days: Ints
    daily_closes: Floats

    def __len__(self) -> int:
        return len(self.closed)

    @property
    def days(self) -> Ints:
        """The number of each row's day since 1970: of the day that its bar lay in."""
        return np.asarray((self.closed - 1) // DAY_MS)


def regime_data(bars: Bars, interval: JumpInterval, horizon: int) -> RegimeData:
    """Return the rows of `bars`; the features come from the stream that the service runs."""
    told = (priced(*bar) for bar in zip(bars.opened.tolist(), bars.closes.tolist(), strict=True))
    known = [row for row in rows(regime(interval), told) if np.isfinite(row.values).all()]
    closed = np.array([row.event_ms for row in known], dtype=np.int64)
    features = np.array([row.values for row in known], dtype=float)
    at = np.searchsorted(bars.closed, closed)
    returns = bars.log_returns()
    days, last_of_day = _last_of_each_day(bars)
    return RegimeData(
        interval=interval,
        closed=closed,
        features=features.reshape(len(known), len(regime(interval).names)),
        closes=bars.closes[at],
        returns=returns[at],
        ahead=_log_volatility_ahead(returns, horizon)[at],
        horizon=horizon,
        per_year=bars.per_year,
        daily_days=days,
        daily_closes=bars.closes[last_of_day],
    )


def _last_of_each_day(bars: Bars) -> tuple[Ints, Ints]:
    days = (bars.closed - 1) // DAY_MS
    last = np.flatnonzero(np.diff(days, append=days[-1:] + 1))
    return days[last], last


def _log_volatility_ahead(returns: Floats, horizon: int) -> Floats:
    sums = np.concatenate([[0.0], np.cumsum(returns**2)])
    found = np.full(len(returns), np.nan)
    whole = sums[horizon + 1 :] - sums[1:-horizon]
    with np.errstate(divide="ignore"):
        found[: len(whole)] = np.log(np.sqrt(np.maximum(whole, 0)))
    return np.where(np.isfinite(found), found, np.nan)
