"""The classifier's features against their formulas, written down once more in numpy."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import pytest
import talib
from numpy.typing import NDArray

from signal_system.ml.features.bar import Bar
from signal_system.ml.features.feature import History
from signal_system.ml.features.registry import CLASSIFIER
from signal_system.ml.features.trend import BarsAboveEma
from signal_system.ml.features.volume import Vpin
from signal_system.testing.bars import HOUR_MS, walk

Array = NDArray[np.float64]


class Known(NamedTuple):
    """All bars up to the one that is judged."""

    opened: NDArray[np.int64]
    high: Array
    low: Array
    close: Array
    volume: Array
    bought: Array
    sold: Array


def known(bars: list[Bar]) -> Known:
    return Known(
        np.array([bar.open_ms for bar in bars]),
        *(
            np.array([getattr(bar, name) for bar in bars])
            for name in ("high", "low", "close", "volume", "buy_volume", "sell_volume")
        ),
    )


def ema(values: Array, period: int) -> Array:
    """Begun as the mean of the first `period`; NaN before that."""
    said = np.full(len(values), np.nan)
    start = int(np.argmax(~np.isnan(values)))
    said[start + period - 1] = values[start : start + period].mean()
    for n in range(start + period, len(values)):
        said[n] = said[n - 1] + 2 / (period + 1) * (values[n] - said[n - 1])
    return said


def wilder_mean(values: Array, period: int) -> Array:
    """Wilder's average: a mean of the first `period`, then one part in `period` new."""
    said = np.full(len(values), np.nan)
    said[period - 1] = values[:period].mean()
    for n in range(period, len(values)):
        said[n] = (said[n - 1] * (period - 1) + values[n]) / period
    return said


def wilder_sum(values: Array, period: int) -> Array:
    """Wilder's running sum: begun over one value less, as the library does."""
    said = np.full(len(values), np.nan)
    total = values[: period - 1].sum()
    for n in range(period - 1, len(values)):
        total = total - total / period + values[n]
        said[n] = total
    return said


def price_to_ema(period: int) -> Callable[[Known], float]:
    return lambda k: k.close[-1] / ema(k.close, period)[-1] - 1


def alignment(k: Known) -> float:
    fast, middle, slow = (ema(k.close, period)[-1] for period in (9, 21, 50))
    return float(np.sign(fast - middle) + np.sign(middle - slow)) / 2


def bars_above(k: Known) -> float:
    sides = np.sign(k.close - ema(k.close, 21))[20:]
    other = np.flatnonzero(sides != sides[-1])
    return float(sides[-1] * (len(sides) - 1 - (other[-1] if len(other) else -1)))


def change(bars: int) -> Callable[[Known], float]:
    return lambda k: k.close[-1] / k.close[-1 - bars] - 1


def rsi(period: int) -> Callable[[Known], float]:
    def formula(k: Known) -> float:
        steps = np.diff(k.close)
        rises = wilder_mean(np.maximum(steps, 0), period)[-1]
        falls = wilder_mean(np.maximum(-steps, 0), period)[-1]
        return float(100 * rises / (rises + falls))

    return formula


def macd_histogram(k: Known) -> float:
    fast = ema(k.close[14:], 12)  # both averages begin at the same bar
    line = fast - ema(k.close, 26)[14:]
    return float((line - ema(line, 9))[-1] / k.close[-1])


def stochastic(k: Known) -> Array:
    fast = [
        100
        * (k.close[n] - k.low[n - 13 : n + 1].min())
        / np.ptp([k.high[n - 13 : n + 1].max(), k.low[n - 13 : n + 1].min()])
        for n in range(len(k.close) - 5, len(k.close))
    ]
    return np.convolve(fast, np.ones(3) / 3, "valid")


def true_range(k: Known) -> Array:
    before = k.close[:-1]
    return np.maximum(k.high[1:], before) - np.minimum(k.low[1:], before)


def bands(k: Known) -> tuple[float, float, float]:
    mean, spread = k.close[-20:].mean(), k.close[-20:].std()
    return mean - 2 * spread, mean, mean + 2 * spread


def bollinger_position(k: Known) -> float:
    lower, _, upper = bands(k)
    return float((k.close[-1] - lower) / (upper - lower))


def bollinger_width(k: Known) -> float:
    lower, mean, upper = bands(k)
    return (upper - lower) / mean


def directions(k: Known) -> tuple[Array, Array]:
    up, down = np.diff(k.high), -np.diff(k.low)
    reach = wilder_sum(true_range(k), 14)
    rises = wilder_sum(np.where((up > down) & (up > 0), up, 0), 14)
    falls = wilder_sum(np.where((down > up) & (down > 0), down, 0), 14)
    return 100 * rises / reach, 100 * falls / reach


def adx(k: Known) -> float:
    plus, minus = directions(k)
    index = 100 * np.abs(plus - minus) / (plus + minus)
    return float(wilder_mean(index[~np.isnan(index)][: len(index)], 14)[-1])


def vpin(k: Known) -> float:
    """Second by second: one unit of volume after the other into buckets."""
    fills: list[float] = []
    size = room = surplus = 0.0
    for n in range(len(k.bought)):
        volumes = (k.bought + k.sold)[max(0, n - 49) : n + 1]
        left, lean = volumes[-1], (k.bought[n] - k.sold[n]) / volumes[-1]
        while left > 0:
            if room == 0:
                size = room = volumes.mean()
            part = min(room, left)
            room, left, surplus = room - part, left - part, surplus + part * lean
            if room <= 1e-9 * size:
                fills.append(abs(surplus) / size)
                room = surplus = 0.0
    return float(np.mean(fills[-50:]))


def clock(k: Known) -> tuple[float, float]:
    opened = datetime.fromtimestamp(k.opened[-1] / 1000, UTC)
    hour = opened.hour + opened.minute / 60
    return hour / 24, (opened.weekday() + hour / 24) / 7


ORACLES: dict[str, Callable[[Known], float]] = {
    "price_to_ema_9": price_to_ema(9),
    "price_to_ema_21": price_to_ema(21),
    "price_to_ema_50": price_to_ema(50),
    "ema_alignment": alignment,
    "bars_above_ema_21": bars_above,
    "return_1": change(1),
    "return_5": change(5),
    "return_20": change(20),
    "rsi_14": rsi(14),
    "rsi_7": rsi(7),
    "macd_histogram": macd_histogram,
    "stochastic_k": lambda k: stochastic(k)[-1],
    "stochastic_d": lambda k: stochastic(k).mean(),
    "momentum_10": change(10),
    "atr_percent_14": lambda k: 100 * wilder_mean(true_range(k), 14)[-1] / k.close[-1],
    "bollinger_position": bollinger_position,
    "bollinger_width": bollinger_width,
    "adx_14": adx,
    "di_plus_14": lambda k: directions(k)[0][-1],
    "di_minus_14": lambda k: directions(k)[1][-1],
    "volume_ratio": lambda k: k.volume[-1] / k.volume[-20:].mean(),
    "volume_z": lambda k: (k.volume[-1] - k.volume[-20:].mean()) / k.volume[-20:].std(),
    "trade_imbalance": lambda k: (k.bought[-1] - k.sold[-1]) / (k.bought[-1] + k.sold[-1]),
    "vpin_50": vpin,
    "hour_sin": lambda k: np.sin(2 * np.pi * clock(k)[0]),
    "hour_cos": lambda k: np.cos(2 * np.pi * clock(k)[0]),
    "weekday_sin": lambda k: np.sin(2 * np.pi * clock(k)[1]),
    "weekday_cos": lambda k: np.cos(2 * np.pi * clock(k)[1]),
}


@pytest.mark.parametrize("feature", CLASSIFIER, ids=str)
def test_a_feature_is_its_formula(feature: object) -> None:
    chosen = next(each for each in CLASSIFIER if each is feature)
    bars = walk(11, 190)
    handle = chosen.open(History(bars[:100]))

    for number in range(100, 190):
        values = handle.update(bars[number])

        seen = known(bars[: number + 1])
        expected = [ORACLES[column.name](seen) for column in chosen.columns]
        assert values == pytest.approx(expected, rel=1e-6, abs=1e-9, nan_ok=True)


def test_every_column_of_the_classifier_has_its_formula_here() -> None:
    assert list(ORACLES) == [column.name for each in CLASSIFIER for column in each.columns]


def test_a_close_on_the_average_ends_a_run() -> None:
    feature, bars = BarsAboveEma(21), walk(11, 60)
    handle = feature.open(History(bars))
    average = float(talib.EMA(np.array([bar.close for bar in bars]), 21)[-1])

    said = [
        handle.update(Bar(n, 1, 1, 1, close, 1)) for n, close in enumerate((average, average, 1e6))
    ]

    assert said == [(0.0,), (0.0,), (1.0,)]


def test_the_imbalance_counts_one_sided_flow_as_one() -> None:
    handle = Vpin(10).open(History([]))
    told = [
        handle.update(Bar(n * HOUR_MS, 1, 1, 1, 1, 5.0, buy_volume=5.0, sell_volume=0.0))
        for n in range(20)
    ]

    assert np.isnan([value for (value,) in told[:9]]).all()
    assert told[9:] == [(1.0,)] * 11


def test_what_was_traded_unseen_empties_the_buckets() -> None:
    handle = Vpin(10).open(History(walk(1, 60)))
    bars = walk(2, 30)

    before = handle.update(bars[0])
    (dark,) = handle.update(walk(2, 30, flow=False)[1])

    assert before != (np.nan,)
    assert np.isnan(dark)
    assert np.isnan(handle.update(bars[2]))
