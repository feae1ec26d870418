"""Small markets whose next step is planted, or chance: what tests of classifiers learn from."""

from dataclasses import replace
from datetime import timedelta
from functools import cache

import numpy as np

from signal_system.ml.bars import Bars
from signal_system.ml.features.registry import classifier
from signal_system.testing.bars import HOUR_MS, START_MS
from signal_system.training.direction_data import DirectionData, direction_data
from signal_system.training.direction_plan import Plan
from signal_system.training.direction_training import Outcome, train
from signal_system.training.ensembles import Shape
from signal_system.training.feature_build import bars_of, from_bars

HOURS = 5_200
PLAN = Plan(
    horizon=timedelta(hours=2),
    window=timedelta(days=60),
    step=timedelta(days=15),
    cost=0.001,
    shapes=(Shape(2, 15), Shape(3, 15)),
)


@cache
def hours(memory: float, count: int = HOURS, seed: int = 3) -> Bars:
    """Return hourly bars whose return keeps the share `memory` of the one before: 0 is chance."""
    random = np.random.default_rng(seed)
    returns = 0.006 * random.standard_normal(count)
    for hour in range(1, count):
        returns[hour] += memory * returns[hour - 1]
    closes = 100 * np.exp(np.cumsum(returns))
    opens = np.concatenate([[100.0], closes[:-1]])
    reach = 1 + np.abs(0.002 * random.standard_normal((2, count)))
    return Bars(
        length=timedelta(hours=1),
        opened=START_MS + HOUR_MS * np.arange(count),
        opens=opens,
        highs=np.maximum(opens, closes) * reach[0],
        lows=np.minimum(opens, closes) / reach[1],
        closes=closes,
        volumes=random.exponential(100.0, count),
    )


@cache
def planted(memory: float = 0.5) -> DirectionData:
    """Return the rows of such a market."""
    return rows_of(hours(memory))


@cache
def outcome_of(memory: float) -> Outcome:
    """Return what is learned from such a market."""
    return train(hours(memory), planted(memory), PLAN)


def rows_of(bars: Bars, plan: Plan = PLAN) -> DirectionData:
    """Return features and outcomes of `bars`."""
    spec = classifier("1h")
    built = from_bars([spec], "BTC", bars_of(bars))[0]
    return direction_data(bars, built.rows, spec, plan.horizon, plan.barriers)


def first_rows(data: DirectionData, count: int) -> DirectionData:
    """Return the first rows of `data` alone."""
    chosen = np.arange(count)
    return replace(
        data,
        features=data.features[chosen],
        labels=data.labels.rows(chosen),
        classes=data.classes[chosen],
        last_returns=data.last_returns[chosen],
        markets=data.markets[chosen],
    )
