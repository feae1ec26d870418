"""TA-Lib's stateful handles as handles of ours: its stream is bit-identical to its batch.

Only here is the library named, so that another one would be a change of this file.
"""

from collections.abc import Callable
from typing import ClassVar, Generic, Protocol, TypeVar

import talib
from talib import stream

from signal_system.ml.features.bar import Bar
from signal_system.ml.features.feature import Feature, History, Values

LIBRARY = f"TA-Lib {talib.__version__}"

Two = tuple[float, float]
Three = tuple[float, float, float]
Said = TypeVar("Said")
Said_co = TypeVar("Said_co", covariant=True)


class OfClose(Protocol[Said_co]):
    """One of the library's handles that reads closes."""

    def update(self, close: float, /) -> Said_co:
        """Take a closed bar and return what is said then."""
        ...

    def peek(self, close: float, /) -> Said_co:
        """Return what `update` would, and change nothing."""
        ...


class OfRange(Protocol[Said_co]):
    """One of the library's handles that reads highs, lows and closes."""

    def update(self, high: float, low: float, close: float, /) -> Said_co:
        """Take a closed bar and return what is said then."""
        ...

    def peek(self, high: float, low: float, close: float, /) -> Said_co:
        """Return what `update` would, and change nothing."""
        ...


class OnClose(Generic[Said]):
    """A feature's handle: `say` makes its values of the bar and what the indicator says."""

    def __init__(self, indicator: OfClose[Said], say: Callable[[Bar, Said], Values]) -> None:
        self._indicator, self._say = indicator, say

    def update(self, bar: Bar) -> Values:
        """Take a closed bar."""
        return self._say(bar, self._indicator.update(bar.close))

    def peek(self, bar: Bar) -> Values:
        """Look at a forming bar."""
        return self._say(bar, self._indicator.peek(bar.close))


class OnRange(Generic[Said]):
    """Like `OnClose`, of an indicator that reads highs and lows too."""

    def __init__(self, indicator: OfRange[Said], say: Callable[[Bar, Said], Values]) -> None:
        self._indicator, self._say = indicator, say

    def update(self, bar: Bar) -> Values:
        """Take a closed bar."""
        return self._say(bar, self._indicator.update(bar.high, bar.low, bar.close))

    def peek(self, bar: Bar) -> Values:
        """Look at a forming bar."""
        return self._say(bar, self._indicator.peek(bar.high, bar.low, bar.close))


class TechnicalFeature(Feature):
    """A feature that the library computes."""

    library: ClassVar[str | None] = LIBRARY


def ema(history: History, period: int) -> OfClose[float]:
    """Return an exponential moving average of the closes, begun as a plain mean of `period`."""
    return stream.EMA(history.close, timeperiod=period)


def rate_of_change(history: History, period: int) -> OfClose[float]:
    """Return the change of the close over `period` bars, as a fraction."""
    return stream.ROCP(history.close, timeperiod=period)


def rsi(history: History, period: int) -> OfClose[float]:
    """Return Wilder's relative strength index."""
    return stream.RSI(history.close, timeperiod=period)


def macd(history: History, fast: int, slow: int, signal: int) -> OfClose[Three]:
    """Return MACD, its signal line and the difference of the two."""
    return stream.MACD(history.close, fastperiod=fast, slowperiod=slow, signalperiod=signal)


def stochastic(history: History, period: int, smooth: int) -> OfRange[Two]:
    """Return Lane's slow %K and %D."""
    return stream.STOCH(
        history.high,
        history.low,
        history.close,
        fastk_period=period,
        slowk_period=smooth,
        slowd_period=smooth,
    )


def bollinger(history: History, period: int, deviations: float) -> OfClose[Three]:
    """Return the upper band, the mean and the lower band."""
    return stream.BBANDS(history.close, timeperiod=period, nbdevup=deviations, nbdevdn=deviations)


def true_range(history: History, period: int) -> OfRange[float]:
    """Return Wilder's average true range."""
    return stream.ATR(history.high, history.low, history.close, timeperiod=period)


def trend_strength(history: History, period: int) -> OfRange[float]:
    """Return Wilder's average directional index."""
    return stream.ADX(history.high, history.low, history.close, timeperiod=period)


def rising(history: History, period: int) -> OfRange[float]:
    """Return Wilder's DI+."""
    return stream.PLUS_DI(history.high, history.low, history.close, timeperiod=period)


def falling(history: History, period: int) -> OfRange[float]:
    """Return Wilder's DI-."""
    return stream.MINUS_DI(history.high, history.low, history.close, timeperiod=period)
