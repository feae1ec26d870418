"""Bull or bear, by a band around a moving average of closed bars: the baseline, and the fallback.

The state turns bull when a bar closes more than `width` above the mean of the last `window` closes
(the bar's own included), bear when it closes as far below, and stays what it was in between: the
band is the hysteresis.
"""

from collections import deque
from collections.abc import Sequence
from math import fsum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from signal_system.ml.standing import Sight

_BULL, _BEAR = Sight("bull", {}), Sight("bear", {})
_NOT_YET = Sight("unknown", {})


class Band(BaseModel):
    """The rule and its two numbers; 100 days and 2 % are the published ones."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    interval: Literal["1h", "4h", "1d"] = "1d"
    window: int = Field(default=100, ge=2, le=2_000)
    width: float = Field(default=0.02, ge=0, lt=1)

    @property
    def version(self) -> str:
        """What it is called where a model says which it was.

        Examples
        --------
        >>> Band().version
        'ma-band-100-2.0'
        """
        return f"ma-band-{self.window}-{self.width * 100:.1f}"

    @property
    def kept_bars(self) -> int:
        """How many bars a state follows from, besides what it was before."""
        return self.window

    @property
    def dwell_bars(self) -> int:
        """What shows counts at once."""
        return 1

    def view(self, closes: Sequence[tuple[int, float]]) -> "_Window":
        """Return the view of one who has seen `closes`."""
        return _Window(self.window, [price for _, price in closes])

    def judge(
        self, memory: tuple[float, ...], closes: Sequence[float]
    ) -> tuple[tuple[float, ...], Sight]:
        """Return what the last of a whole window of `closes` looks like, and what to remember."""
        mean = fsum(closes) / len(closes)
        if closes[-1] > mean * (1 + self.width):
            return (1.0,), _BULL
        if closes[-1] < mean * (1 - self.width):
            return (-1.0,), _BEAR
        return memory, (_BULL if memory[0] > 0 else _BEAR) if memory else _NOT_YET


class _Window:
    """The newest closes, once they fill the window."""

    def __init__(self, size: int, closes: Sequence[float]) -> None:
        self._closes = deque(closes[-size:], size)

    def see(self, opened_ms: int, price: float) -> Sequence[float] | None:
        del opened_ms
        self._closes.append(price)
        return self._closes if len(self._closes) == self._closes.maxlen else None
