"""How much a voter has to lose, and how much could follow: conviction and capacity, never skill."""

from typing import Final

import numpy as np

from signal_system.weighting_engine.columns import Floats
from signal_system.weighting_engine.voters import Voters

SMALL_USD: Final = 10_000.0
LARGE_USD: Final = 10_000_000.0
LEAST: Final = 0.5


class Size:
    """The account's logarithm between small and large, from a half to 1; cannot tell without it.

    A thousand times the money makes an opinion worth twice as much at most, because large accounts
    were not found to be right more often. Source: own choice, no constant fitted.

    Examples
    --------
    >>> equity = np.array([0.0, 10_000.0, 10_000_000.0, np.nan])
    >>> Size().of(Voters.unknown(4, equity=equity)).round(2).tolist()
    [0.5, 0.55, 1.0, nan]
    """

    name = "size"

    def of(self, voters: Voters) -> Floats:
        """Return the scaled logarithm of the account's value."""
        worth = np.log1p(np.maximum(voters.equity, 0) / SMALL_USD)
        share = np.minimum(1.0, worth / np.log1p(LARGE_USD / SMALL_USD))
        size: Floats = LEAST + (1 - LEAST) * share
        return size
