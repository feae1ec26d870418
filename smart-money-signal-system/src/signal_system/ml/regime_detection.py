"""Bull or bear, by a band around a moving average of closed bars.

The state turns bull when a bar closes more than `width` above the mean of the last `window` closes
(the bar's own included), bear when it closes as far below, and stays what it was in between: the
band is the hysteresis. Bar `t` is judged by bars up to `t` alone.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import fsum
from typing import Literal

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field

RegimeState = Literal["bull", "bear", "unknown"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INTERVALS = {"1h": timedelta(hours=1), "4h": timedelta(hours=4), "1d": timedelta(days=1)}
_KEPT_BARS = 60  # beyond the window: how late a bar may come and still be put in its place


class RegimeModel(BaseModel):
    """What `train-regime` fits: read from its JSON artefact, or the published default."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: str = Field(default="ma-band-100-2.0", min_length=1, max_length=100)
    interval: Literal["1h", "4h", "1d"] = "1d"
    window: int = Field(default=100, ge=2, le=2_000)
    width: float = Field(default=0.02, ge=0, lt=1)

    @property
    def bar(self) -> timedelta:
        """How long a bar lasts."""
        return INTERVALS[self.interval]

    def bar_closed_by(self, hour: datetime) -> datetime | None:
        """Return when the bar opened that the hour beginning at `hour` closes; None if none.

        A bar's close is the close of its last hour, so hourly candles are all that is needed.

        Examples
        --------
        >>> RegimeModel().bar_closed_by(datetime(2026, 1, 1, 23, tzinfo=UTC)).isoformat()
        '2026-01-01T00:00:00+00:00'
        """
        opened = hour - (hour - _EPOCH) % self.bar
        return opened if hour + INTERVALS["1h"] == opened + self.bar else None


class Standing(Struct, frozen=True):
    """The state after a bar, and for how many bars it has held."""

    state: RegimeState = "unknown"
    age_bars: int = 0

    def after(self, closes: Sequence[float], width: float) -> "Standing":
        """Return the standing after the last of `closes`, a whole window."""
        mean = fsum(closes) / len(closes)
        state = self.state
        if closes[-1] > mean * (1 + width):
            state = "bull"
        elif closes[-1] < mean * (1 - width):
            state = "bear"
        return Standing(state, self.age_bars + 1 if state == self.state else 0)


class MarketRegimeDetector(Struct):
    """The regime of one coin, bar by bar.

    Bars that come late or corrected are put in their place and the standing is worked out anew, as
    long as they are not older than the bars kept.

    Attributes
    ----------
    standing
        What holds after the newest bar.
    revision
        How often corrections have turned it since that bar came.
    """

    bars: list[tuple[datetime, float]] = []
    base: Standing = Standing()
    standing: Standing = Standing()
    revision: int = 0

    def close(self, opened: datetime, price: float, model: RegimeModel) -> bool:
        """Take the bar that opened then and closed at `price`; False if it says nothing new."""
        if self._is_full(model) and opened < self.bars[0][0]:
            return False
        if not self.bars or opened > self.bars[-1][0]:
            self.bars.append((opened, price))
            self.standing = self._judged(len(self.bars) - 1, self.standing, model)
            self.revision = 0
        elif not self._corrected(opened, price):
            return False
        else:
            self._rejudge(model)
        self._forget(model)
        return True

    def _corrected(self, opened: datetime, price: float) -> bool:
        if (opened, price) in self.bars:
            return False
        others = [bar for bar in self.bars if bar[0] != opened]
        self.bars = sorted([*others, (opened, price)])
        return True

    def _rejudge(self, model: RegimeModel) -> None:
        before, self.standing = self.standing.state, self.base
        for last in range(model.window - 1, len(self.bars)):
            self.standing = self._judged(last, self.standing, model)
        self.revision += self.standing.state != before

    def _judged(self, last: int, before: Standing, model: RegimeModel) -> Standing:
        first = last + 1 - model.window
        if first < 0:
            return before
        return before.after([price for _, price in self.bars[first : last + 1]], model.width)

    def _is_full(self, model: RegimeModel) -> bool:
        return len(self.bars) >= model.window + _KEPT_BARS

    def _forget(self, model: RegimeModel) -> None:
        """Drop the oldest bar, once the first bar that needs it has entered the base."""
        while len(self.bars) > model.window + _KEPT_BARS:
            self.base = self._judged(model.window - 1, self.base, model)
            self.bars.pop(0)
