"""How skilled a voter is, as far as evidence goes."""

import numpy as np

from signal_system.weighting_engine.columns import Floats
from signal_system.weighting_engine.voters import Voters


class Performance:
    """Expected skill, the best of all being 1: the posterior mean of a spike and slab.

    It is measured on what copying the voter would have paid (`paper`), never on the account's own
    return, which mixes in leverage, deposits and rebates. Cannot tell without enough evidence.
    Source: Barras, Scaillet and Wermers, *False Discoveries in Mutual Fund Performance* (Journal of
    Finance, 2010), for shrinking towards a population in which most have no skill.

    Examples
    --------
    >>> skill, top = np.array([0.5, 2.0, np.nan]), np.full(3, 2.0)
    >>> Performance().of(Voters.unknown(3, skill=skill, top_skill=top)).tolist()
    [0.25, 1.0, nan]
    >>> Performance().of(Voters.unknown(3, skill=skill, top_skill=np.zeros(3))).tolist()
    [0.0, 0.0, 0.0]
    """

    name = "performance"

    def of(self, voters: Voters) -> Floats:
        """Return skill over the top skill; 0 where nobody has any."""
        is_told = voters.top_skill > 0
        return np.where(is_told, voters.skill / np.where(is_told, voters.top_skill, 1.0), 0.0)
