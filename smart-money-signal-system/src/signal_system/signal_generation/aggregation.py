"""Pools the stakes in one coin into one opinion.

Within one coin every stake is worth the same price, so the tilt needs no price. Voices are counted
by Kish's effective number, (sum of |c|)^2 / sum of c^2 (Kish, Survey Sampling, 1965): ten equal
stakes are ten voices, one stake a hundred times the others is barely more than one.
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil, exp, floor

from signal_system.domain.exposure import STAKE_SCALE, Exposure

INDEPENDENCE_METHOD = "kish-entities-v1"

_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Pool:
    """One coin's opinion before the gates.

    Attributes
    ----------
    tilt
        Longs less shorts over both and what is usual, less what all coins have in common, in [-1, 1];
        0 without any.
    score
        Log-odds that the price rises: the tilt times a constant, a prior no outcome has tested.
    voters, independent_voters
        Entities with a stake, and how many equal and independent ones would weigh as much.
    usual, lean
        What the tilt was made with, see `Pooling`; `usual` as a stake in this coin.
    """

    tilt: float
    score: float
    voters: int
    independent_voters: float
    usual: int = 0
    lean: float = 0.0

    @property
    def probability_up(self) -> float:
        """The score as a probability."""
        return 1 / (1 + exp(-self.score))


def pooled(exposure: Exposure, log_odds_per_tilt: float, usual: int = 0, lean: float = 0.0) -> Pool:
    """Return the opinion that the stakes in `exposure` amount to.

    Parameters
    ----------
    usual, lean
        See `Pooling`; `usual` is a stake in this coin.

    Examples
    --------
    >>> btc = Exposure()
    >>> btc.shift("a", 3), btc.shift("b", -1)
    (None, None)
    >>> pooled(btc, log_odds_per_tilt=0.5)
    Pool(tilt=0.5, score=0.25, voters=2, independent_voters=1.6, usual=0, lean=0.0)
    """
    gross = exposure.gross
    if not gross:
        return Pool(0.0, 0.0, 0, 0.0)
    tilt = min(max(exposure.net / (gross + usual) - lean, -1.0), 1.0)
    effective = gross * gross / exposure.squares
    return Pool(tilt, tilt * log_odds_per_tilt, exposure.voters, effective, usual, lean)


def cost_to_flip(
    exposure: Exposure, threshold: float, mark: Decimal, usual: int = 0, lean: float = 0.0
) -> Decimal | None:
    """Return the USD that one more full voice must hold to move the tilt across `threshold`.

    With g for gross and usual, n for the net on the side of the tilt, t for the threshold and the
    lean on that side. Against an opinion: the opposite notional above which it ends,
    x = (n - t g) / (1 + t). Without one: the notional that makes one, x = (t g - n) / (1 - t). To the
    first cent that is enough: an opinion is still held at the threshold itself. None if no amount is.

    Examples
    --------
    >>> btc = Exposure()
    >>> btc.shift("a", 10**14)
    >>> cost_to_flip(btc, 0.25, Decimal(100))
    Decimal('60.01')
    """
    gross = exposure.gross + usual
    side = -1 if gross and exposure.net / gross < lean else 1
    share = Fraction(str(threshold)) + side * Fraction(lean)
    lead = side * exposure.net - share * gross
    if not -1 < share < 1:
        return None
    cents = Fraction(mark) * 100 / STAKE_SCALE
    if lead >= 0:
        return (floor(lead / (1 + share) * cents) + 1) * _CENT
    return ceil(-lead / (1 - share) * cents) * _CENT
