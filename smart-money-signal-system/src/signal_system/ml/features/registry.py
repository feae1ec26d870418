"""Every feature there is. A new one is a class in this folder and a line here."""

from collections.abc import Callable

from shared_events.payloads.market import Interval
from signal_system.ml.features.feature import Feature
from signal_system.ml.features.momentum import (
    MacdHistogram,
    RelativeStrength,
    Stochastic,
)
from signal_system.ml.features.regime import DAILY, HOURLY, regime
from signal_system.ml.features.smart_money import (
    SPANS,
    Crowding,
    Funding,
    NetExposure,
    OpenInterest,
    TrackedShare,
    Turnover,
)
from signal_system.ml.features.spec import FeatureSpec
from signal_system.ml.features.temporal import Clock
from signal_system.ml.features.trend import BarsAboveEma, EmaAlignment, PriceToEma, Return
from signal_system.ml.features.volatility import Bollinger, Directional, TrueRange
from signal_system.ml.features.volume import TradeImbalance, VolumeLevel, Vpin

TREND: tuple[Feature, ...] = (
    PriceToEma(9),
    PriceToEma(21),
    PriceToEma(50),
    EmaAlignment(9, 21, 50),
    BarsAboveEma(21),
    Return(1),
    Return(5),
    Return(20),
)
MOMENTUM: tuple[Feature, ...] = (
    RelativeStrength(14),
    RelativeStrength(7),
    MacdHistogram(),
    Stochastic(),
    Return(10, "momentum"),
)
VOLATILITY: tuple[Feature, ...] = (TrueRange(14), Bollinger(), Directional(14))
VOLUME: tuple[Feature, ...] = (VolumeLevel(20), TradeImbalance(), Vpin(50))
TEMPORAL: tuple[Feature, ...] = (Clock(),)
SMART_MONEY: tuple[Feature, ...] = (
    NetExposure("all"),
    NetExposure("whales"),
    NetExposure("smaller"),
    NetExposure("proven"),
    Crowding(),
    Turnover(),
    TrackedShare(),
    Funding(),
    OpenInterest(),
)

CLASSIFIER: tuple[Feature, ...] = TREND + MOMENTUM + VOLATILITY + VOLUME + TEMPORAL

FEATURES: dict[str, tuple[Feature, ...]] = {
    "trend": TREND,
    "momentum": MOMENTUM,
    "volatility": VOLATILITY,
    "volume": VOLUME,
    "time": TEMPORAL,
    "smart money": SMART_MONEY,
    "regime": tuple(dict.fromkeys(HOURLY + DAILY)),
}
"""What the contract tests and the reference run over."""


def classifier(interval: Interval) -> FeatureSpec:
    """Return the 28 features of the classifier, on bars of `interval`.

    After 1,000 bars no recursion remembers where it began to within what float32 can tell.
    """
    return FeatureSpec("classifier", interval, CLASSIFIER, 1_000, 1_000, 256)


def smart_money(interval: Interval) -> FeatureSpec:
    """Return what the tracked traders hold and do, on bars of `interval`.

    Nothing is remembered for longer than the longest change: a day of hours and no more.
    """
    return FeatureSpec("smart_money", interval, SMART_MONEY, max(SPANS), 0, 24)


SPECS: dict[str, Callable[[Interval], FeatureSpec]] = {
    "classifier": classifier,
    "regime": regime,
    "smart_money": smart_money,
}
"""What can be built by name."""


SERVED: tuple[FeatureSpec, ...] = (classifier("1h"), smart_money("1h"))
"""What the service keeps up for every coin; a regime's model brings its own."""
