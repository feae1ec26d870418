"""How much is traded, and which side was in a hurry.

What needs the taker's side is unknown where the trades were not seen: NaN, never 0. They were seen
if what they add up to is the candle's volume, give or take a twentieth.
"""

from collections import deque
from dataclasses import dataclass
from math import fsum, sqrt
from typing import ClassVar, NamedTuple

from signal_system.ml.features.bar import Bar
from signal_system.ml.features.feature import (
    NAN,
    Column,
    Feature,
    Handle,
    History,
    Values,
    ratio,
)

LEAST_SEEN = 0.95


@dataclass(frozen=True)
class VolumeLevel(Feature):
    """Whether much or little is traded, beside the bars before."""

    source: ClassVar[str] = "plain statistics"

    period: int = 20

    @property
    def columns(self) -> tuple[Column, ...]:
        """Two columns."""
        mean = f"mean volume of {self.period} bars, this one included"
        deviation = "(volume - mean) / standard deviation of the same bars"
        return (
            Column("volume_ratio", f"volume / {mean}", "ratio", 0, self.period),
            Column("volume_z", deviation, "standard deviations"),
        )

    @property
    def lookback(self) -> int:
        """All bars but this one."""
        return self.period - 1

    def open(self, history: History) -> Handle:
        """Remember the last volumes of `history`."""
        return _Level(self.period, history)


@dataclass(frozen=True)
class TradeImbalance(Feature):
    """Which side crossed the book."""

    source: ClassVar[str] = "trade_flow"

    least_seen: float = LEAST_SEEN

    @property
    def columns(self) -> tuple[Column, ...]:
        """One column."""
        formula = "(bought - sold) / (bought + sold), by taker; unknown without the trades"
        return (Column("trade_imbalance", formula, "ratio", -1, 1),)

    @property
    def lookback(self) -> int:
        """The bar alone."""
        return 0

    def open(self, _: History) -> Handle:
        """Need nothing of the past."""
        return _Imbalance(self.least_seen)


@dataclass(frozen=True)
class Vpin(Feature):
    """How one-sided the flow was, in clocks of volume: where it is high, makers lose to somebody.

    A bar's two sides are spread evenly over the buckets it fills; a bucket holds what the mean of
    the last `buckets` bars was when it began.
    """

    source: ClassVar[str] = "Easley, Lopez de Prado, O'Hara 2012"

    buckets: int = 50
    least_seen: float = LEAST_SEEN

    @property
    def columns(self) -> tuple[Column, ...]:
        """One column."""
        formula = (
            f"mean of |bought - sold| / bucket over {self.buckets} buckets of equal volume, each"
            f" the mean of {self.buckets} bars; unknown without the trades"
        )
        return (Column(f"vpin_{self.buckets}", formula, "ratio", 0, 1),)

    @property
    def lookback(self) -> int:
        """None: until enough buckets are full it is unknown."""
        return 0

    def open(self, history: History) -> Handle:
        """Fill the buckets with the end of `history`: enough of it to fill them some four times."""
        handle = _Buckets(self.buckets, self.least_seen)
        for bar in history.bars[-4 * self.buckets :]:
            handle.update(bar)
        return handle


class _Level:
    def __init__(self, period: int, history: History) -> None:
        self._volumes = deque((bar.volume for bar in history.bars[1 - period :]), period - 1)

    def update(self, bar: Bar) -> Values:
        values = self.peek(bar)
        self._volumes.append(bar.volume)
        return values

    def peek(self, bar: Bar) -> Values:
        volumes = [*self._volumes, bar.volume]
        mean = fsum(volumes) / len(volumes)
        spread = sqrt(fsum([(each - mean) ** 2 for each in volumes]) / len(volumes))
        return ratio(bar.volume, mean), ratio(bar.volume - mean, spread)


class _Imbalance:
    def __init__(self, least_seen: float) -> None:
        self._least_seen = least_seen

    def update(self, bar: Bar) -> Values:
        flow = bar.flow(self._least_seen)
        if flow is None:
            return (NAN,)
        bought, sold = flow
        return (ratio(bought - sold, bought + sold),)

    peek = update


class _Flow(NamedTuple):
    """The newest full buckets' imbalances, the newest volumes, and the bucket being filled."""

    full: tuple[float, ...] = ()
    volumes: tuple[float, ...] = ()
    size: float = 0.0
    filled: float = 0.0
    surplus: float = 0.0

    def after(self, bought: float, sold: float, count: int) -> "_Flow":
        """Return the flow with what was traded in one more bar."""
        left = bought + sold
        volumes = (*self.volumes, left)[-count:]
        if not left:
            return self._replace(volumes=volumes)
        mean, lean = fsum(volumes) / len(volumes), (bought - sold) / left
        full, size, filled, surplus = list(self.full), self.size or mean, self.filled, self.surplus
        while left >= size - filled:
            left -= size - filled
            full.append(abs(surplus + (size - filled) * lean) / size)
            size, filled, surplus = mean, 0.0, 0.0
        begun = size if left else 0.0
        return _Flow(tuple(full[-count:]), volumes, begun, filled + left, surplus + left * lean)


class _Buckets:
    def __init__(self, count: int, least_seen: float) -> None:
        self._count, self._least_seen, self._flow = count, least_seen, _Flow()

    def update(self, bar: Bar) -> Values:
        self._flow = self._after(bar)
        return self._said(self._flow)

    def peek(self, bar: Bar) -> Values:
        return self._said(self._after(bar))

    def _after(self, bar: Bar) -> _Flow:
        flow = bar.flow(self._least_seen)
        if flow is None:
            return _Flow()  # what was traded unseen would have filled buckets
        return self._flow.after(*flow, self._count)

    def _said(self, flow: _Flow) -> Values:
        if len(flow.full) < self._count:
            return (NAN,)
        return (min(fsum(flow.full) / self._count, 1.0),)
