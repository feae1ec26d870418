"""Learns which of several experts to trust from what came of each, with a bound on the regret.

AdaHedge sets the learning rate by itself (de Rooij, van Erven, Grunwald and Koolen, *Follow the
Leader If You Can, Hedge If You Must*, JMLR 2014); fixed share keeps every expert alive, so that one
who was bad may come back (Herbster and Warmuth, *Tracking the Best Expert*, 1998).
"""

from collections.abc import Sequence
from math import exp, inf, log

from msgspec import Struct


class AdaHedge(Struct):
    """The trust in each expert, and what trusting so has cost.

    Attributes
    ----------
    prior, weights
        Trust at the beginning, and now; each sums to 1.
    losses
        What each expert has lost.
    lost
        What following the weights has lost.
    gap
        The sum of mixability gaps, which sets the learning rate.

    Examples
    --------
    >>> hedge = AdaHedge.of([0.5, 0.5])
    >>> for _ in range(100):
    ...     hedge.learn([0.2, 0.8], share=0.001)
    >>> hedge.weights[0] > 0.99, round(hedge.regret, 1)
    (True, 0.3)
    """

    prior: list[float]
    weights: list[float]
    losses: list[float]
    lost: float = 0.0
    gap: float = 0.0

    @classmethod
    def of(cls, prior: Sequence[float]) -> "AdaHedge":
        """Return one that has learned nothing yet."""
        total = sum(prior)
        shares = [each / total for each in prior]
        return cls(shares, list(shares), [0.0] * len(shares))

    @property
    def regret(self) -> float:
        """What following the weights has lost beyond the best single expert."""
        return self.lost - min(self.losses)

    def learn(self, losses: Sequence[float], share: float) -> None:
        """Take what every expert lost in one round, in [0, 1]; give back `share` of the trust."""
        lost = sum(weight * loss for weight, loss in zip(self.weights, losses, strict=True))
        best = min(losses)
        rate = log(len(losses)) / self.gap if self.gap else inf
        factors = [exp(-rate * (loss - best)) if loss > best else 1.0 for loss in losses]
        grown = [weight * factor for weight, factor in zip(self.weights, factors, strict=True)]
        total = sum(grown)
        mixed = best - log(total) / rate if rate < inf else best
        self.gap += max(0.0, lost - mixed)
        self.lost += lost
        self.losses = [before + loss for before, loss in zip(self.losses, losses, strict=True)]
        self.weights = [
            (1 - share) * weight / total + share * first
            for weight, first in zip(grown, self.prior, strict=True)
        ]


def loss(result: float, deviation: float) -> float:
    """Return a result as a loss in [0, 1]: a half for nothing, 0 from two deviations up.

    Examples
    --------
    >>> loss(0.0, 1.0), loss(1.0, 0.5), loss(-1.0, 1.0), loss(1.0, 0.0)
    (0.5, 0.0, 0.75, 0.5)
    """
    if not deviation:
        return 0.5
    return (2 - min(max(result / deviation, -2.0), 2.0)) / 4
