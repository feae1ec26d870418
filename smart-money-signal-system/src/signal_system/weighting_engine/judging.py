"""From what voters did to what can be said of each: trust, skill, tier, skill in this regime."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass

import numpy as np

from signal_system.weighting_engine.columns import Columns, Flags, Floats, Ints
from signal_system.weighting_engine.config import WeightingConfig
from signal_system.weighting_engine.dimensions.regime import pooled
from signal_system.weighting_engine.entities import Habits, trust
from signal_system.weighting_engine.evidence import REGIMES, Estimates
from signal_system.weighting_engine.rules import DAY, PaperRules
from signal_system.weighting_engine.skill import (
    Population,
    Posterior,
    Tier,
    discovered,
    fitting,
    judged,
)

TIERS = tuple(Tier)

_MONTH_DAYS = 30


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of all voters, a row each.

    Attributes
    ----------
    population, posterior
        What the skill of all is like, and so that of each.
    trust
        What the tags leave of each weight.
    skill
        Expected lead over the unskilled; NaN without enough evidence.
    top
        The largest of all; 0 while nothing says that anybody is skilled.
    tier
        As an index of `TIERS`.
    regime
        Skill in the present regimes over skill in all of them; NaN while no regime is known.
    """

    population: Population
    posterior: Posterior
    trust: Floats
    skill: Floats
    top: float
    tier: Ints
    regime: Floats


class Judge:
    """Says what evidence amounts to.

    Parameters
    ----------
    config
        How much evidence it takes, and what is held against whom.
    """

    def __init__(self, config: WeightingConfig) -> None:
        self._config = config

    def work(
        self, found: Estimates, habits: Habits, voice: Floats, regimes: Mapping[str, float]
    ) -> Generator[None, None, Verdict]:
        """Reach a verdict in small steps.

        Parameters
        ----------
        voice
            What is left of each voter's voice after those that say the same: copies of one lucky
            voter are no evidence that many are skilled.
        regimes
            How probable the present states are.
        """
        rules, evidence = self._config.skill, self._config.evidence
        left = trust(habits, self._config.entities)
        enough = (found.count >= evidence.least_bars) & (habits.episodes >= evidence.least_episodes)
        able = enough & (left > 0)
        ratio, error = found.ratio[able], found.error[able]
        known = yield from fitting(ratio, error, rules, voice[able])
        mirrored = yield from fitting(-ratio, error, rules, voice[able])
        posterior = judged(found.ratio, np.where(able, found.error, np.inf), known)
        worse = judged(-ratio, error, mirrored)
        skill = np.where(able, posterior.skill, np.nan)
        likely = np.where(able, posterior.probability, 0.0)
        is_told = known.evidence >= rules.least_evidence
        harm = np.zeros(len(likely))
        harm[able] = worse.probability
        return Verdict(
            population=known,
            posterior=posterior,
            trust=left,
            skill=skill,
            top=float(np.nanmax(skill, initial=0.0)) if is_told else 0.0,
            tier=self._tiers(likely, harm, posterior.mean > found.ratio - found.net),
            regime=self._in_regimes(found, known, posterior, regimes),
        )

    def _tiers(self, likely: Floats, harm: Floats, pays: Flags) -> Ints:
        rules = self._config.skill
        tier = np.full(len(likely), TIERS.index(Tier.CANNOT_TELL))
        for name, probability, false in (
            (Tier.HARMFUL, harm, rules.proven_false),
            (Tier.PROMISING, np.where(pays, likely, 0.0), rules.promising_false),
            (Tier.PROVEN, np.where(pays, likely, 0.0), rules.proven_false),
        ):
            tier[discovered(probability, false)] = TIERS.index(name)
        return tier

    def _in_regimes(
        self,
        found: Estimates,
        known: Population,
        posterior: Posterior,
        regimes: Mapping[str, float],
    ) -> Floats:
        """Return skill where we probably are over skill everywhere, both pooled."""
        probability = np.array([regimes.get(name, 0.0) for name in REGIMES])
        if not probability.any() or not known.spread:
            return np.full(len(found.ratio), np.nan)
        year = 365 * DAY / self._config.paper.bar_seconds
        strength = year / (known.spread**2 / 2)
        there = pooled(posterior.mean, found.by_regime, found.regime_count, strength)
        lead = np.maximum(there - known.centre, 0.0) @ (probability / probability.sum())
        everywhere = np.maximum(posterior.lead, 0.0)
        ratio: Floats = np.divide(lead, everywhere, out=np.ones_like(lead), where=everywhere > 0)
        return ratio


def habits_of(accounts: Columns, first: int, told: Columns, at: float, rules: PaperRules) -> Habits:
    """Return how everybody trades, from the paper accounts from `first` on and from what is told."""

    def seen(name: str) -> Floats:
        cells: Floats = accounts[name][first:]
        return cells

    gross, episodes = seen("mean_gross"), seen("episodes")
    with np.errstate(divide="ignore", invalid="ignore"):
        return Habits(
            turnover=seen("mean_turned") * rules.leverage_limit * DAY / rules.bar_seconds,
            net_share=np.where(gross > 0, seen("mean_net") / gross, np.nan),
            side=np.where(gross > 0, seen("mean_side") / gross, np.nan),
            maker_share=told["maker_share"],
            volume_turnover=told["volume"] / _MONTH_DAYS / told["equity"],
            volume_result=told["profit"] / told["volume"],
            idle_days=(at - np.maximum(seen("changed_at"), told["since"])) / DAY,
            days=(at - told["since"]) / DAY,
            episodes=episodes,
            win_rate=np.where(episodes > 0, seen("wins") / episodes, np.nan),
            concentration=np.where(episodes > 0, seen("squares") / seen("absolute") ** 2, np.nan),
        )
