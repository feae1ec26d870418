"""How fresh a voter's convictions are."""

from signal_system.weighting_engine.columns import Floats
from signal_system.weighting_engine.voters import Voters


class Recency:
    """What share of a voter's exposure has not faded yet; cannot tell while nothing is held.

    Each position fades by itself, at a half-life in units of how long its holder usually holds
    (`paper`), and votes with what is left: so this one is shown with a weight and never multiplied
    into it a second time. Source: Carhart, *On Persistence in Mutual Fund Performance* (Journal of
    Finance, 1997), for edges that decay, each at the pace of who has them.

    Examples
    --------
    >>> import numpy as np
    >>> Recency().of(Voters.unknown(2, left=np.array([0.7, np.nan]))).tolist()
    [0.7, nan]
    """

    name = "recency"

    def of(self, voters: Voters) -> Floats:
        """Return exposure left over exposure held."""
        return voters.left
