"""The regime's features against their formulas, written down once more with whole arrays."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from signal_system.ml.features.bar import Bar
from signal_system.ml.features.feature import Feature, History
from signal_system.ml.features.regime import (
    Efficiency,
    EwDownside,
    EwSortino,
    EwTrend,
    EwVolatility,
    regime,
)
from signal_system.ml.features.series import FeatureSeries
from signal_system.testing.bars import walk

Array = NDArray[np.float64]


def ew(values: Array, half_life: int) -> float:
    weights = 0.5 ** (np.arange(len(values))[::-1] / half_life)
    return float(weights @ values / weights.sum())


def falls(returns: Array) -> Array:
    return np.minimum(returns, 0)


ORACLES: list[tuple[Feature, Callable[[Array], float]]] = [
    (EwVolatility(24), lambda r: np.log(np.sqrt(ew(r**2, 24)))),
    (EwTrend(48), lambda r: ew(r, 48) / np.sqrt(ew(r**2, 48))),
    (EwTrend(168), lambda r: ew(r, 168) / np.sqrt(ew(r**2, 168))),
    (Efficiency(72), lambda r: abs(r[-72:].sum()) / np.abs(r[-72:]).sum()),
    (EwDownside(10), lambda r: np.log(np.sqrt(ew(falls(r) ** 2, 10)))),
    (EwSortino(20), lambda r: ew(r, 20) / np.sqrt(ew(falls(r) ** 2, 20))),
    (EwSortino(60), lambda r: ew(r, 60) / np.sqrt(ew(falls(r) ** 2, 60))),
]


@pytest.mark.parametrize(("feature", "formula"), ORACLES, ids=lambda each: type(each).__name__)
def test_a_feature_is_its_formula(feature: Feature, formula: Callable[[Array], float]) -> None:
    bars = walk(3, 400)
    handle = feature.open(History(bars[:300]))

    for number in range(300, 400):
        (value,) = handle.update(bars[number])

        closes = np.array([bar.close for bar in bars[: number + 1]])
        assert value == pytest.approx(formula(np.diff(np.log(closes))), rel=1e-9, abs=1e-12)


def test_every_feature_of_the_regime_has_its_formula_here() -> None:
    written = {feature for feature, _ in ORACLES}

    assert {*regime("1h").features, *regime("1d").features} == written


def test_what_a_still_market_does_not_define_is_not_a_number() -> None:
    still = [Bar(n * 3_600_000, 7.0, 7.0, 7.0, 7.0, 0.0) for n in range(2_000)]

    values = FeatureSeries.open(regime("1h"), still).values

    assert values is not None
    assert np.isnan(values).all()
