"""Whether a voter is better or worse than usual in the present regime."""

import numpy as np

from signal_system.weighting_engine.columns import Floats
from signal_system.weighting_engine.voters import Voters


class Regime:
    """Skill in the present regimes as odds against usual skill: a half is as usual.

    Skill in each regime is pooled towards the voter's own over all regimes, the more so the fewer
    bars tell of it, and averaged over the regimes' probabilities, so no switch is ever hard. Cannot
    tell while no regime is known. Source: Gelman and Hill, *Data Analysis Using Regression and
    Multilevel Models* (2007), for partial pooling.

    Examples
    --------
    >>> Regime().of(Voters.unknown(3, regime=np.array([1.0, 3.0, np.nan]))).tolist()
    [0.5, 0.75, nan]
    """

    name = "regime"

    def of(self, voters: Voters) -> Floats:
        """Return the odds as a share."""
        ratio = np.maximum(voters.regime, 0.0)
        share: Floats = ratio / (1 + ratio)
        return share


def pooled(ratio: Floats, by_regime: Floats, count: Floats, strength: float) -> Floats:
    """Return everybody's ratio in each regime, pooled towards the ratio over all of them.

    Parameters
    ----------
    count
        Effective bars in each regime.
    strength
        How many bars the ratio over all regimes counts like.

    Examples
    --------
    >>> ratio, by_regime = np.array([1.0]), np.array([[4.0, -2.0]])
    >>> pooled(ratio, by_regime, np.array([[200.0, 0.0]]), strength=100.0).tolist()
    [[3.0, 1.0]]
    """
    return (count * by_regime + strength * ratio[:, None]) / (count + strength)
