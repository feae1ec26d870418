"""A stretch of candles as columns: what labels and offline fits are computed from."""

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from signal_system.ml.arrays import Floats, Ints

MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Equally long bars, oldest first; one that is missing is left out.

    Attributes
    ----------
    length
        How long a bar lasts.
    opened
        When each began, in milliseconds.
    volumes
        In units of the coin.
    """

    length: timedelta
    opened: Ints
    opens: Floats
    highs: Floats
    lows: Floats
    closes: Floats
    volumes: Floats

    def __len__(self) -> int:
        return len(self.opened)

    def rows(self, chosen: Ints | slice) -> "Bars":
        """Return the bars with these numbers."""
        return Bars(
            self.length,
            self.opened[chosen],
            self.opens[chosen],
            self.highs[chosen],
            self.lows[chosen],
            self.closes[chosen],
            self.volumes[chosen],
        )

    def with_closes(self, closes: Floats) -> "Bars":
        """Return the same bars with other closing prices."""
        return replace(self, closes=closes)

    @property
    def closed(self) -> Ints:
        """When each ended: the earliest moment at which its prices may decide anything."""
        return self.opened + self.length // MILLISECOND

    @property
    def per_year(self) -> float:
        """How many bars a year has."""
        return timedelta(days=365.25) / self.length

    @property
    def missing(self) -> int:
        """How many bars are left out between the first and the last."""
        if not len(self):
            return 0
        span = int(self.opened[-1] - self.opened[0]) // (self.length // MILLISECOND)
        return span + 1 - len(self)

    def log_returns(self) -> Floats:
        """Return the log return of each bar over the one before; 0 for the first."""
        return np.diff(np.log(self.closes), prepend=np.log(self.closes[:1]))
