"""What a contest over many worlds comes to: every scheme beside score/100, population by population."""

from collections.abc import Sequence
from statistics import fmean

import numpy as np
from msgspec import Struct

from signal_system.evaluation.contest import Contested, Scored
from signal_system.weighting_engine.contest import ACCOUNTS
from signal_system.weighting_engine.schemes import ScoreOver100

_DRAWS = 10_000
_MIDDLE = (0.025, 0.975)


class Result(Struct, frozen=True):
    """What all schemes did in one world."""

    world: str
    seed: int
    skilled: float
    contested: Contested


class Standing(Struct, frozen=True):
    """What one scheme did over all worlds of one population; Sharpe ratios are net, a year.

    Attributes
    ----------
    sharpe, low, high
        Means over the worlds of the ratio and of the ends of its bootstrapped interval.
    own_sharpe
        The same without the market's part.
    lead, lead_low, lead_high
        By how much the ratio is above that of score/100, and the middle 95 % of the bootstrap of
        its mean over the worlds.
    wins, own_wins
        In how many worlds it is above, with and without the market's part.
    worst
        The lowest ratio of all worlds.
    rank_correlation
        Mean over the worlds; None where nobody is skilled or nothing was told apart.
    neutral
        Part of coins and bars without an opinion, mean and least over the worlds.
    turnover
        Exposure traded a day.
    """

    scheme: str
    sharpe: float
    low: float
    high: float
    own_sharpe: float
    lead: float
    lead_low: float
    lead_high: float
    wins: int
    own_wins: int
    worst: float
    rank_correlation: float | None
    neutral: float
    least_neutral: float
    turnover: float


class Standings(Struct, frozen=True):
    """One population: `skilled` is its share of skilled traders, `regret` that of the mixture.

    `served_neutral` is the part of coins and bars in which the served signal was NEUTRAL, mean and
    least over the worlds.
    """

    skilled: float
    seeds: tuple[int, ...]
    regret: float
    served_neutral: tuple[float, float]
    schemes: tuple[Standing, ...]


def standings(results: Sequence[Result]) -> list[Standings]:
    """Return the standings of every population, the most skilled first."""
    shares = sorted({each.skilled for each in results}, reverse=True)
    return [_of([each for each in results if each.skilled == share]) for share in shares]


def markdown(found: Sequence[Standings]) -> str:
    """Return the standings as tables for a page."""
    return "\n\n".join(_table(each) for each in found) + "\n"


def _of(results: Sequence[Result]) -> Standings:
    judged = [each.contested for each in results]
    quiet = [each.neutral for each in judged]
    return Standings(
        skilled=results[0].skilled,
        seeds=tuple(each.seed for each in results),
        regret=fmean(each.regret for each in judged),
        served_neutral=(fmean(quiet), min(quiet)),
        schemes=tuple(_standing(name, judged) for name in ACCOUNTS),
    )


def _standing(name: str, judged: Sequence[Contested]) -> Standing:
    mine = [each.schemes[name] for each in judged]
    base = [each.schemes[ScoreOver100.name] for each in judged]
    leads = np.array([one.sharpe - other.sharpe for one, other in zip(mine, base, strict=True)])
    drawn = np.random.default_rng(0).choice(leads, (_DRAWS, len(leads))).mean(axis=1)
    low, high = np.quantile(drawn, _MIDDLE).tolist()
    pairs = list(zip(mine, base, strict=True))
    ranks = [each.rank_correlation for each in mine if each.rank_correlation is not None]
    return Standing(
        scheme=name,
        sharpe=_mean(mine, "sharpe"),
        low=_mean(mine, "low"),
        high=_mean(mine, "high"),
        own_sharpe=_mean(mine, "own_sharpe"),
        lead=float(leads.mean()),
        lead_low=low,
        lead_high=high,
        wins=sum(one.sharpe > other.sharpe for one, other in pairs),
        own_wins=sum(one.own_sharpe > other.own_sharpe for one, other in pairs),
        worst=min(each.sharpe for each in mine),
        rank_correlation=fmean(ranks) if ranks else None,
        neutral=1 - _mean(mine, "opinions"),
        least_neutral=1 - max(each.opinions for each in mine),
        turnover=_mean(mine, "turnover"),
    )


def _mean(scored: Sequence[Scored], name: str) -> float:
    return fmean(getattr(each, name) for each in scored)


def _table(found: Standings) -> str:
    count = len(found.seeds)
    mean, least = found.served_neutral
    title = (
        f"**{found.skilled:.0%} skilled**, {count} worlds, mean regret {found.regret:.1f}; served "
        f"signals NEUTRAL {mean:.1%} of the time, {least:.1%} at least"
    )
    head = (
        "| scheme | net Sharpe | 95 % | own | lead over score/100 | wins | own wins | worst "
        "| rank corr. | NEUTRAL | least | turnover a day |"
    )
    rule = "|---|" + "---:|" * (head.count("|") - 2)
    return "\n".join((title, "", head, rule, *(_row(each, count) for each in found.schemes)))


def _row(each: Standing, count: int) -> str:
    is_base = each.scheme == ScoreOver100.name
    rank = "" if each.rank_correlation is None else f"{each.rank_correlation:+.3f}"
    cells = (
        f"`{each.scheme}`",
        f"{each.sharpe:+.2f}",
        f"{each.low:+.2f} to {each.high:+.2f}",
        f"{each.own_sharpe:+.2f}",
        "" if is_base else f"{each.lead:+.2f} ({each.lead_low:+.2f} to {each.lead_high:+.2f})",
        "" if is_base else f"{each.wins} of {count}",
        "" if is_base else f"{each.own_wins} of {count}",
        f"{each.worst:+.2f}",
        rank,
        f"{each.neutral:.1%}",
        f"{each.least_neutral:.1%}",
        f"{each.turnover:.2f}",
    )
    return "| " + " | ".join(cells) + " |"
