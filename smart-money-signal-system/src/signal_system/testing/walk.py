"""A walk through a small market with planted regimes: what tests of training look at, made once."""

from datetime import timedelta
from functools import cache

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # with scikit-learn

from signal_system.ml.bars import Bars
from signal_system.testing.regimes import bars_of, cycles
from signal_system.training.regime_data import RegimeData, regime_data
from signal_system.training.regime_plan import Plan, plan_for
from signal_system.training.regime_training import Outcome, train

BARS: Bars = bars_of(cycles(6_000))
PLAN: Plan = plan_for("1h", timedelta(days=60), timedelta(days=15))


@cache
def small_data() -> RegimeData:
    """Return the rows of `BARS`."""
    return regime_data(BARS, "1h", PLAN.horizon)


@cache
def small_outcome() -> Outcome:
    """Return what `BARS` teach under `PLAN`."""
    return walked(BARS)


def walked(bars: Bars) -> Outcome:
    """Return what `bars` teach under `PLAN`."""
    with threadpool_limits(1):  # small matrices: more threads wait for each other
        return train(bars, "BTC", PLAN, cost=0.001)
