"""What the probabilities are: base rates, until enough outcomes said how much the score adds to them.

One temperature a horizon, for all coins. With b the base rates, s the score and t the temperature's
inverse, up, down and flat are as b_up exp(t s / 2) : b_down exp(-t s / 2) : b_flat, so that t = 0 is
the base rate and t = 1 believes the score. Of isotonic, sigmoid and temperature only the last
does no harm with few outcomes (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017).

t is fitted forward in time: outcomes of a window are judged by the t that was known before, and move it
by one Newton step once the window is over, from a prior of 0 +- 1. Coins move together: n outcomes of one
window count as n / (1 + (n - 1) r) independent ones (the design effect; Kish, *Survey Sampling*,
1965), r being an assumed correlation. Windows of one horizon do not overlap.
"""

from math import exp

from msgspec import Struct

from shared_events.payloads import Odds
from shared_events.types import Action
from signal_system.domain.claims import Claim
from signal_system.domain.moves import Count

_PRIOR_PRECISION = 1.0
_MOST = 4.0
_EXACT = 10**12  # sums of integers are the same in any order

_SIDES: dict[Action, float] = {"BUY": 0.5, "SELL": -0.5, "NEUTRAL": 0.0}


class Calibration(Struct):
    """What the outcomes of one horizon taught so far; all of it fits in a few numbers.

    Attributes
    ----------
    trust
        The inverse of the temperature, from 0 (the score says nothing) to 4.
    precision
        The inverse of its variance.
    outcomes, independent
        That taught it: all, and how many independent ones they amount to.
    late
        That came when their window was over, and taught nothing.
    window
        Whose outcomes are being collected; `count`, `slope` and `bend` are theirs.
    """

    trust: float = 0.0
    precision: float = _PRIOR_PRECISION
    outcomes: int = 0
    independent: float = 0.0
    late: int = 0
    window: int = -1
    count: int = 0
    slope: int = 0
    bend: int = 0

    def learn(self, claim: Claim, realised: Action, correlation: float) -> None:
        """Take what came true of `claim`, in constant time; one that states no odds teaches nothing."""
        if claim.base is None:
            return
        if claim.window < self.window:
            self.late += 1
            return
        if claim.window > self.window:
            self._close(correlation)
            self.window = claim.window
        odds = shaped(claim.base, claim.score, self.trust)
        mean, square = (odds.up - odds.down) / 2, (odds.up + odds.down) / 4
        self.count += 1
        self.slope += round(claim.score * (_SIDES[realised] - mean) * _EXACT)
        self.bend += round(claim.score**2 * (square - mean**2) * _EXACT)

    def version(self, horizon_seconds: int) -> str:
        """Return what a signal names it by: horizon, trust and the outcomes behind it."""
        return f"temperature-{horizon_seconds}s-{self.trust:.3f}-n{self.independent:.0f}"

    def _close(self, correlation: float) -> None:
        if not self.count:
            return
        independent = self.count / (1 + (self.count - 1) * correlation)
        share = independent / self.count / _EXACT
        self.precision += share * self.bend
        self.trust = min(max(self.trust + share * self.slope / self.precision, 0.0), _MOST)
        self.outcomes += self.count
        self.independent += independent
        self.count = self.slope = self.bend = 0


def base_rates(count: Count) -> Odds:
    """Return how often a price rose, fell and did neither beyond the costs, over the windows counted.

    Laplace's rule of succession, (n + 1) / (m + 3), keeps each off 0 and 1 and makes it one third
    while nothing is known.

    Examples
    --------
    >>> base_rates(Count(windows=97, rose=39, fell=40))
    Odds(up=0.4, down=0.41, flat=0.19)
    """
    windows = count.windows + 3
    flat = count.windows - count.rose - count.fell
    return Odds(
        up=(count.rose + 1) / windows, down=(count.fell + 1) / windows, flat=(flat + 1) / windows
    )


def shaped(base: Odds, score: float, trust: float) -> Odds:
    """Return the odds that `score` makes of the base rates, being trusted that much.

    Examples
    --------
    >>> third = base_rates(Count())
    >>> shaped(third, 0.5, 0.0) == third, shaped(third, 0.5, 1.0).up > third.up
    (True, True)
    """
    if not trust or not score:
        return base
    lift = exp(trust * score / 2)
    up, down = base.up * lift, base.down / lift
    total = up + down + base.flat
    return Odds(up=up / total, down=down / total, flat=base.flat / total)


def chance_of(action: Action, odds: Odds) -> float:
    """Return the probability that `action` is right after costs.

    BUY is right if the price rises by more than a round trip costs, SELL if it falls by more,
    NEUTRAL if neither.
    """
    return {"BUY": odds.up, "SELL": odds.down, "NEUTRAL": odds.flat}[action]
