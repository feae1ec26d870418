"""Everything that weighing looks at, one row for each voter: what the dimensions and schemes read."""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from signal_system.weighting_engine.columns import Flags, Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Voters:
    """What is known of every voter at one moment; NaN is "not known".

    Attributes
    ----------
    tracked
        Whether the voter is on the roster.
    score, roi, equity
        As the roster and the venue tell them: 0 to 100, a fraction, USD.
    skill
        How far the voter is expected to be above the unskilled; NaN without enough evidence.
    top_skill
        The highest of all, the same in every row.
    left
        What of the voter's exposure has not faded.
    regime
        Skill in the present regimes over skill in all of them.
    trust
        What is left after the tags: 0 for a market maker, 1 for whom nothing is held against.
    uniqueness
        One over how many say the same; 0 for a follower.
    """

    tracked: Flags
    score: Floats
    roi: Floats
    equity: Floats
    skill: Floats
    top_skill: Floats
    left: Floats
    regime: Floats
    trust: Floats
    uniqueness: Floats

    def __len__(self) -> int:
        return len(self.tracked)

    def rows(self, which: Ints | slice) -> Self:
        """Return some of them."""
        return type(self)(**{each.name: getattr(self, each.name)[which] for each in fields(self)})

    @classmethod
    def unknown(cls, count: int, **known: Floats | Flags) -> Self:
        """Return tracked voters of whom only `known` is known.

        Examples
        --------
        >>> Voters.unknown(2, score=np.array([80.0, np.nan])).tracked.tolist()
        [True, True]
        """
        told = {each.name: np.full(count, np.nan) for each in fields(cls)}
        usual = {"tracked": np.ones(count, bool), "trust": np.ones(count)}
        return cls(**told | usual | {"uniqueness": np.ones(count)} | known)
