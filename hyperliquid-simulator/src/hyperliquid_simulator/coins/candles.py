"""Candles: one-minute bars of the past and the present, and every interval made of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hyperliquid_simulator.coins.catalogue import Coin
from hyperliquid_simulator.coins.market import DAY_MINUTES, MINUTE_MS, Floats, Ints
from hyperliquid_simulator.wire import exact

MOST: Final = 5_000
"""The venue serves the most recent candles of an interval only."""

INTERVAL_MINUTES: Final[Mapping[str, int]] = {
    "1m": 1,
    "3m": 3,
    "5m": 5,
    "15m": 15,
    "30m": 30,
    "1h": 60,
    "2h": 120,
    "4h": 240,
    "8h": 480,
    "12h": 720,
    "1d": 1440,
    "3d": 4320,
    "1w": 10_080,
}

SPARE_MINUTES: Final = 4 * DAY_MINUTES
USUAL_TRADE: Final = 2_900.0
"""Dollars in a typical trade of the past: most orders are filled in parts."""


@dataclass(frozen=True, slots=True)
class Candle:
    """One bar; times in epoch milliseconds, prices in ticks, volume in lots."""

    opened: int
    minutes: int
    open: int
    close: int
    high: int
    low: int
    volume: int
    count: int

    def wire(self, coin: Coin, interval: str) -> dict[str, str | int]:
        """Return the bar as the venue writes it."""
        price = coin.price_decimals
        return {
            "t": self.opened,
            "T": self.opened + self.minutes * MINUTE_MS - 1,
            "s": coin.name,
            "i": interval,
            "o": exact(self.open, price),
            "c": exact(self.close, price),
            "h": exact(self.high, price),
            "l": exact(self.low, price),
            "v": exact(self.volume, coin.size_decimals),
            "n": self.count,
        }


class Bars:
    """The one-minute bars of one coin, a row per minute since ``origin_ms``."""

    def __init__(self, coin: Coin, origin_ms: int, closes: Ints) -> None:
        self.coin = coin
        self.origin_ms = origin_ms
        self.filled = len(closes)
        size = self.filled + SPARE_MINUTES
        self._open, self._close = np.zeros(size, np.int32), np.zeros(size, np.int32)
        self._high, self._low = np.zeros(size, np.int32), np.zeros(size, np.int32)
        self._volume, self._count = np.zeros(size, np.int64), np.zeros(size, np.int32)
        self._close[: self.filled] = closes
        self._open[: self.filled] = np.concatenate([closes[:1], closes[:-1]])
        self._past = self.filled
        self._unmade: Callable[[], None] | None = None

    @classmethod
    def flat(cls, coin: Coin, origin_ms: int, ticks: int) -> "Bars":
        """Return the bars of a coin without a past: one minute in which nothing happened."""
        bars = cls(coin, origin_ms, np.array([ticks]))
        bars._high[0] = bars._low[0] = ticks
        return bars

    @property
    def last(self) -> int:
        """The last close in ticks."""
        return int(self._close[self.filled - 1])

    def close(self, time_ms: int) -> int:
        """Return the last close before a moment in ticks, the first one for moments before it."""
        row = (time_ms - self.origin_ms) // MINUTE_MS - 1
        return int(self._close[min(max(row, 0), self.filled - 1)])

    def owe(self, past: Callable[[], None]) -> None:
        """Let something fill in the past once somebody asks for it."""
        self._unmade = past

    def make(self) -> bool:
        """Fill in the past, and tell whether that was still to do."""
        unmade, self._unmade = self._unmade, None
        if unmade is not None:
            unmade()
        return unmade is not None

    def fill_past(self, rng: np.random.Generator, level: Floats, dollars_per_minute: float) -> None:
        """Give the past its ranges and the anonymous crowd's volume."""
        past, size = slice(0, self._past), self._past
        sigma = self.coin.volatility / np.sqrt(525_600) * level
        top = np.maximum(self._open[past], self._close[past])
        bottom = np.minimum(self._open[past], self._close[past])
        reach = np.abs(rng.standard_normal((2, size), dtype=np.float32)) * sigma * 0.5
        step = 10 ** max(len(str(self._close[size - 1])) - 5, 0)
        self._high[past] = top + np.floor(reach[0] * top / step).astype(np.int32) * step
        self._low[past] = bottom - np.floor(reach[1] * bottom / step).astype(np.int32) * step
        spread = np.exp(0.6 * rng.standard_normal(size, dtype=np.float32)) * level
        dollars = dollars_per_minute * spread
        self._volume[past] = (dollars * 10**self.coin.money_decimals / self._close[past]).astype(
            np.int64
        )
        self._count[past] = np.maximum(dollars / USUAL_TRADE, 1).astype(np.int32)

    def add_past(self, time: Ints, lots: Ints) -> None:
        """Add known trades of the past to their minutes."""
        minute = (time - self.origin_ms) // MINUTE_MS
        np.add.at(self._volume, minute, np.abs(lots))
        np.add.at(self._count, minute, 1)

    def trade(self, time_ms: int, ticks: int, lots: int) -> None:
        """Add one trade; in the past one more."""
        row = self.roll(time_ms)
        if row < self._past:
            self.make()
        if not self._count[row]:
            self._open[row] = self._high[row] = self._low[row] = ticks
        self._close[row] = ticks
        self._high[row] = max(self._high[row], ticks)
        self._low[row] = min(self._low[row], ticks)
        self._volume[row] += lots
        self._count[row] += 1

    def roll(self, time_ms: int) -> int:
        """Begin every minute up to a moment, flat at the last close; returns its row."""
        row = (time_ms - self.origin_ms) // MINUTE_MS
        while row >= len(self._close):
            self._grow()
        while self.filled <= row:
            last = self._close[self.filled - 1]
            for column in (self._open, self._high, self._low, self._close):
                column[self.filled] = last
            self.filled += 1
        return row

    def candles(self, interval: str, start_ms: int, end_ms: int) -> list[Candle]:
        """Return the most recent bars of an interval that began within the bounds, oldest first."""
        width = INTERVAL_MINUTES[interval] * MINUTE_MS
        last_ms = self.origin_ms + (self.filled - 1) * MINUTE_MS
        return self.all(
            interval, max(start_ms, last_ms // width * width - (MOST - 1) * width), end_ms
        )

    def all(self, interval: str, start_ms: int, end_ms: int) -> list[Candle]:
        """Return every bar of an interval that began within the bounds, oldest first."""
        minutes = INTERVAL_MINUTES[interval]
        width = minutes * MINUTE_MS
        last_ms = self.origin_ms + (self.filled - 1) * MINUTE_MS
        end_ms = min(end_ms, last_ms) // width * width
        start_ms = -(-start_ms // width) * width
        first_whole = -(-self.origin_ms // width) * width
        start_ms = max(start_ms, first_whole)
        if end_ms < start_ms:
            return []
        edges = (np.arange(start_ms, end_ms + 1, width) - self.origin_ms) // MINUTE_MS
        return self._merged(edges, min(int(edges[-1]) + minutes, self.filled), minutes)

    def now(self, interval: str) -> Candle:
        """Return the bar that is still forming."""
        minutes = INTERVAL_MINUTES[interval]
        width = minutes * MINUTE_MS
        last_ms = self.origin_ms + (self.filled - 1) * MINUTE_MS
        first = max((last_ms // width * width - self.origin_ms) // MINUTE_MS, 0)
        return self._merged(np.array([first]), self.filled, minutes)[0]

    def day(self) -> tuple[int, int, int]:
        """Return (price 24 h ago in ticks, volume in lots, lots times ticks) of a day."""
        first = max(self.filled - DAY_MINUTES, 0)
        if first < self._past:
            self.make()
        volume = self._volume[first : self.filled]
        notional = float(volume.astype(np.float64) @ self._close[first : self.filled])
        return int(self._open[first]), int(volume.sum()), round(notional)

    def _merged(self, edges: npt.NDArray[np.int64], stop: int, minutes: int) -> list[Candle]:
        first = int(edges[0])
        if first < self._past:
            self.make()
        at = edges - first
        columns = (
            self._open[edges],
            self._close[np.minimum(np.append(edges[1:], stop) - 1, stop - 1)],
            np.maximum.reduceat(self._high[first:stop], at),
            np.minimum.reduceat(self._low[first:stop], at),
            np.add.reduceat(self._volume[first:stop], at),
            np.add.reduceat(self._count[first:stop], at),
        )
        opened = (self.origin_ms + edges * MINUTE_MS) // (minutes * MINUTE_MS) * minutes * MINUTE_MS
        return [
            Candle(when, minutes, *row)
            for when, *row in zip(opened.tolist(), *(c.tolist() for c in columns), strict=True)
        ]

    def _grow(self) -> None:
        for name in ("_open", "_close", "_high", "_low", "_volume", "_count"):
            column = getattr(self, name)
            setattr(self, name, np.concatenate([column, np.zeros(SPARE_MINUTES, column.dtype)]))
