"""Who is skilled, judged as a population: a few are, most are not, and nobody is told apart by luck.

Spike and slab: the Sharpe ratio of an unskilled voter is noise around what costs leave, that of a
skilled one is drawn from a slab above it,

    ratio ~ (1 - share) N(centre, (width error)^2) + share N(mean, spread^2 + (width error)^2).

Everything is fitted by expectation maximisation, with weak priors on the slab. Centre and width of the
spike are an empirical null (Efron, *Large-Scale Inference*, 2010): the centre is the mean of whoever is
not skilled, the width is read off those below it, where the skilled are not, so that common luck widens
it and skill does not. Evidence that anybody is skilled is the likelihood against that of a population
of which all are alike, with centre and width of its own. Tiers control the false discovery rate: the
average probability of being no member of the tier stays below its limit (Newton et al., 2004).
"""

from collections.abc import Generator
from dataclasses import dataclass
from enum import StrEnum
from math import exp, log, sqrt
from typing import NamedTuple, TypeVar, cast

import numpy as np
from msgspec import Struct

from signal_system.weighting_engine.columns import Flags, Floats
from signal_system.weighting_engine.rules import SkillRules

Result = TypeVar("Result")

_STEPS = 40
_SETTLED = 1e-3
_CERTAIN = 50.0
_PRIOR_MEMBERS = 3.0  # of the slab, that its prior mean and spread count like


class Tier(StrEnum):
    """What can be said of a voter."""

    PROVEN = "proven"
    PROMISING = "promising"
    CANNOT_TELL = "cannot tell"
    HARMFUL = "harmful"


class Population(Struct, frozen=True):
    """What is known of all voters together.

    Attributes
    ----------
    centre, width
        Of the unskilled: mean ratio, and how much wider than their errors they scatter.
    share, mean, spread
        Of the skilled: how many they are, their mean ratio and its standard deviation.
    gain
        How much likelier the voters are with skilled ones among them than without, as a logarithm.
    voters
        How many could be judged.
    """

    centre: float = 0.0
    width: float = 1.0
    share: float = 0.0
    mean: float = 0.0
    spread: float = 0.0
    gain: float = 0.0
    voters: int = 0

    @property
    def evidence(self) -> float:
        """The probability that anybody is skilled, as likely as not before any result.

        Examples
        --------
        >>> Population().evidence, round(Population(gain=3.0).evidence, 2)
        (0.5, 0.95)
        """
        return 1 / (1 + exp(-self.gain))


@dataclass(frozen=True, slots=True)
class Posterior:
    """What is known of each voter, given the population.

    Attributes
    ----------
    probability
        Of being skilled.
    mean, deviation
        Of the ratio, if skilled.
    lead
        Of that mean over the unskilled.
    """

    probability: Floats
    mean: Floats
    deviation: Floats

    lead: Floats

    @property
    def skill(self) -> Floats:
        """How far each is expected to be above the unskilled: probability times lead."""
        return self.probability * np.maximum(self.lead, 0.0)


def fitting(
    ratio: Floats, error: Floats, rules: SkillRules, voice: Floats | None = None
) -> Generator[None, None, Population]:
    """Find the population that explains the ratios best, a step at a time.

    Parameters
    ----------
    ratio, error
        Of those who can be judged: finite, and errors positive.
    voice
        How much each tells: who repeats others tells nothing new. By default all the same.

    Examples
    --------
    >>> noise = np.linspace(-1.2, 1.2, 95)
    >>> ratio = np.concatenate([noise, np.full(5, 5.0)])
    >>> found = finished(fitting(ratio, np.ones(100), SkillRules()))
    >>> round(found.share, 2), round(found.mean, 1), found.gain > 10
    (0.05, 3.5, True)
    """
    if len(ratio) < rules.least_voters:
        return Population(voters=len(ratio))
    voice = np.ones_like(ratio) if voice is None else voice
    (median,) = _quantiles(ratio, voice, (0.5,))
    known = _Known(median, 1.0, rules.share_prior, median + rules.lead_prior, rules.lead_prior / 2)
    for _ in range(_STEPS):
        better = _improved(known, ratio, error, voice, rules)
        settled = abs(better.mean - known.mean) < _SETTLED * better.mean
        known = better
        if settled:
            break
        yield
    gain = float(voice @ (_log_mixture(known, ratio, error) - _log_alike(ratio, error, voice)))
    return Population(*known, gain=gain, voters=len(ratio))


def judged(ratio: Floats, error: Floats, known: Population) -> Posterior:
    """Return the posterior of each voter; one whose error is infinite is like anybody.

    Examples
    --------
    >>> known = Population(width=1.0, share=0.05, mean=3.0, spread=1.0)
    >>> sure = judged(np.array([0.0, 3.0, 3.0]), np.array([0.5, 1.0, 0.5]), known)
    >>> sure.probability.round(3).tolist(), sure.deviation.round(2).tolist()
    ([0.001, 0.77, 1.0], [0.45, 0.71, 0.45])
    """
    if not known.share:
        nobody = np.zeros_like(ratio)
        return Posterior(nobody, nobody, error, nobody)
    told, scatter = np.isfinite(error), known.width * np.where(np.isfinite(error), error, 1.0)
    fitted = _Known(known.centre, known.width, known.share, known.mean, known.spread)
    odds = fitted.odds(ratio, np.where(told, error, 1.0)) - np.log1p(-known.share)
    probability = np.where(told, 1 / (1 + np.exp(-odds)), known.share)
    trust = np.where(told, known.spread**2 / (known.spread**2 + scatter**2), 0.0)
    mean = known.mean + trust * (ratio - known.mean)
    return Posterior(probability, mean, known.spread * np.sqrt(1 - trust), mean - known.centre)


def discovered(probability: Floats, false: float) -> Flags:
    """Return the largest set of voters of whom on average no more than `false` do not belong.

    Examples
    --------
    >>> discovered(np.array([0.99, 0.5, 0.85, 0.1]), 0.1).tolist()
    [True, False, True, False]
    """
    order = np.argsort(-probability, kind="stable")
    average = np.cumsum(1 - probability[order]) / np.arange(1, len(order) + 1)
    found = np.zeros(len(order), bool)
    found[order[: np.searchsorted(average, false, side="right")]] = True
    return found


def finished(work: Generator[None, None, Result]) -> Result:
    """Return what `work` comes to, done in one piece."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return cast("Result", end.value)


class _Known(NamedTuple):
    centre: float
    width: float
    share: float
    mean: float
    spread: float

    def odds(self, ratio: Floats, error: Floats) -> Floats:
        """Return the log of share times slab density over spike density."""
        scatter = self.width * error
        wide = self.spread**2 + scatter**2
        above = (ratio - self.mean) ** 2 / wide
        within = ((ratio - self.centre) / scatter) ** 2
        odds: Floats = log(self.share) + (within - above + np.log(scatter**2 / wide)) / 2
        return odds


def _quantiles(values: Floats, weights: Floats, at: tuple[float, ...]) -> list[float]:
    order = np.argsort(values, kind="stable")
    passed = np.cumsum(weights[order]) - weights[order] / 2
    found: list[float] = np.interp(np.array(at) * weights.sum(), passed, values[order]).tolist()
    return found


def _log_spike(centre: float, scatter: Floats, ratio: Floats) -> Floats:
    density: Floats = -np.log(scatter) - ((ratio - centre) / scatter) ** 2 / 2
    return density


def _log_mixture(known: _Known, ratio: Floats, error: Floats) -> Floats:
    """Return the log density of every ratio with skilled voters among them, less a constant."""
    spike = _log_spike(known.centre, known.width * error, ratio)
    mixture: Floats = spike + np.logaddexp(np.log1p(-known.share), known.odds(ratio, error))
    return mixture


def _log_alike(ratio: Floats, error: Floats, voice: Floats) -> Floats:
    """Return the same if all are alike, by the centre and width that then explain them best."""
    weight = voice / error**2
    centre = float(weight @ ratio / weight.sum())
    width = max(1.0, sqrt(float(voice @ ((ratio - centre) / error) ** 2 / voice.sum())))
    return _log_spike(centre, width * error, ratio)


def _improved(
    known: _Known, ratio: Floats, error: Floats, voice: Floats, rules: SkillRules
) -> _Known:
    """Return what is known of the population after one step of expectation maximisation."""
    odds = known.odds(ratio, error) - log(1 - known.share)
    probability = 1 / (1 + np.exp(-np.minimum(odds, _CERTAIN)))
    plain = voice * (1 - probability) / error**2
    centre = float(plain @ ratio / plain.sum())
    below = voice * (ratio < centre)
    width = sqrt(float(below @ ((ratio - centre) / error) ** 2 / max(below.sum(), 1.0)))
    width = max(1.0, width)
    scatter, member = width * error, voice * probability
    wide = known.spread**2 + scatter**2
    weight, weight_before = member / wide, _PRIOR_MEMBERS / float(np.median(wide))
    prior, usual = centre + rules.lead_prior, rules.lead_prior / 2
    mean = (weight @ ratio + weight_before * prior) / (weight.sum() + weight_before)
    spare = member @ ((ratio - mean) ** 2 - scatter**2) + _PRIOR_MEMBERS * usual**2
    expected = rules.prior_voters * rules.share_prior
    share = (member.sum() + expected) / (float(voice.sum()) + rules.prior_voters)
    spread = np.sqrt(np.clip(spare / (member.sum() + _PRIOR_MEMBERS), usual**2 / 4, 4 * usual**2))
    return _Known(
        centre=centre,
        width=width,
        share=float(np.clip(share, rules.least_share, rules.most_share)),
        mean=max(centre + usual, float(mean)),
        spread=float(spread),
    )
