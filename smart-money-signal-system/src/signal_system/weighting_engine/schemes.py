"""Every weighting scheme there is. Adding one: write the class, then one line in `SCHEMES`.

They are the experts among which trust is learned (`hedge`), from the simplest to the one that knows
everything; each adds one idea to the one before it, so that what an idea is worth can be read off.
"""

from typing import Final

import numpy as np

from signal_system.weighting_engine.columns import Floats
from signal_system.weighting_engine.dimensions import Performance, Regime, Size
from signal_system.weighting_engine.port import Scheme
from signal_system.weighting_engine.voters import Voters

UNKNOWN_SCORE: Final = 50.0
"""What a trader without a score counts: half a voice, which neither praises nor condemns."""

COMBINED: Final = "combined-v1"
"""The mixture of all schemes by what came of each."""


class Equal:
    """One voter, one voice.

    Examples
    --------
    >>> Equal().weigh(Voters.unknown(2)).tolist()
    [1.0, 1.0]
    """

    name, learns, relative = "equal-v1", False, False

    def weigh(self, voters: Voters) -> Floats:
        """Return a full voice for everybody."""
        return np.ones(len(voters))


class ScoreOver100:
    """The roster's score divided by 100: the baseline that every other scheme must beat.

    Examples
    --------
    >>> ScoreOver100().weigh(Voters.unknown(2, score=np.array([83.5, np.nan]))).tolist()
    [0.835, 0.5]
    """

    name, learns, relative = "score-over-100-v1", False, False

    def weigh(self, voters: Voters) -> Floats:
        """Return the score over 100, half a voice where it is not known."""
        return np.where(np.isnan(voters.score), UNKNOWN_SCORE, voters.score) / 100


class RoiRank:
    """The rank of last month's return on the account, as leaderboards show it.

    Examples
    --------
    >>> RoiRank().weigh(Voters.unknown(4, roi=np.array([0.1, -0.2, np.nan, 0.9]))).round(2).tolist()
    [0.5, 0.17, 0.5, 0.83]
    """

    name, learns, relative = "roi-rank-v1", False, False

    def weigh(self, voters: Voters) -> Floats:
        """Return the rank between 0 and 1, a half where it is not known."""
        known = np.flatnonzero(~np.isnan(voters.roi))
        weights = np.full(len(voters), 0.5)
        order = known[np.argsort(voters.roi[known], kind="stable")]
        weights[order] = (np.arange(len(known)) + 0.5) / max(1, len(known))
        return weights


class Skill:
    """Expected skill, as far as evidence goes; nothing for whom it cannot tell."""

    name, learns, relative = "skill-v1", True, False

    def weigh(self, voters: Voters) -> Floats:
        """Return the performance dimension."""
        return np.nan_to_num(Performance().of(voters))


class TrustedSkill(Skill):
    """Expected skill, less what the tags take away, more for whom more is at stake."""

    name = "skill-trusted-v1"

    def weigh(self, voters: Voters) -> Floats:
        """Return skill times trust times size."""
        size = np.nan_to_num(Size().of(voters), nan=1.0)
        return super().weigh(voters) * voters.trust * size


class UniqueSkill(TrustedSkill):
    """The same, with copies sharing one voice and followers having none."""

    name = "skill-unique-v1"

    def weigh(self, voters: Voters) -> Floats:
        """Return the weight of trusted skill, times how unique it is."""
        return super().weigh(voters) * voters.uniqueness


class RegimeSkill(UniqueSkill):
    """The same, for the present regime."""

    name = "skill-regime-v1"

    def weigh(self, voters: Voters) -> Floats:
        """Return the weight of unique skill, doubled or halved by the regime at most."""
        odds = 2 * np.nan_to_num(Regime().of(voters), nan=0.5)
        return super().weigh(voters) * np.clip(odds, 0.5, 2.0)


class RelativeSkill(UniqueSkill):
    """The same weights, but of stakes in units of their holder's usual risk, coin against coin.

    Skill is measured on what a coin does on its own, per unit of risk. So a small careful book says
    as much as a large bold one (Grinold, *Alpha is Volatility Times IC Times Score*, 1994), and what
    all coins have in common is no part of what was found to be foreseen.
    """

    name, relative = "skill-relative-v1", True


class Abstain:
    """Nobody deserves to be heard."""

    name, learns, relative = "abstain-v1", False, False

    def weigh(self, voters: Voters) -> Floats:
        """Return silence."""
        return np.zeros(len(voters))


EXPERTS: tuple[Scheme, ...] = (
    Equal(),
    ScoreOver100(),
    RoiRank(),
    Skill(),
    TrustedSkill(),
    UniqueSkill(),
    RegimeSkill(),
    RelativeSkill(),
    Abstain(),
)

SCHEMES: dict[str, Scheme] = {scheme.name: scheme for scheme in EXPERTS}
