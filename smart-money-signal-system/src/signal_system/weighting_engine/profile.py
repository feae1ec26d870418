"""Everything that is known of one trader, and why its opinion counts what it does."""

from math import isnan

from msgspec import Struct

from signal_system.weighting_engine.copyability import DELAYS
from signal_system.weighting_engine.engine import PPM, TraderWeightingEngine
from signal_system.weighting_engine.entities import reasons
from signal_system.weighting_engine.judging import TIERS
from signal_system.weighting_engine.skill import Tier

_TWO_SIDED_95 = 1.96


class Interval(Struct, frozen=True):
    """A mean and the range it lies in with a probability of 95 %."""

    mean: float
    low: float
    high: float


class Skill(Struct, frozen=True):
    """What can be said of the trader's skill; ratios are Sharpe ratios of a year.

    Attributes
    ----------
    probability
        Of being skilled at all.
    ratio
        Of timing before costs, if skilled.
    """

    tier: Tier
    probability: float
    ratio: Interval


class Record(Struct, frozen=True):
    """What the trader did, as somebody would have earned it who follows a minute late.

    Attributes
    ----------
    bars
        Effective number of bars with a position.
    ratio, ratio_after_costs, error
        Measured Sharpe ratio of timing, and its standard error; None without any bar.
    habit
        What the usual exposure earned a bar, in units of volatility.
    episodes, win_rate
        Positions from flat to flat, and the share of them that paid.
    holding_hours
        How long exposure is usually held.
    """

    bars: float
    ratio: float | None
    ratio_after_costs: float | None
    error: float | None
    habit: float
    episodes: int
    win_rate: float | None
    holding_hours: float


class Slip(Struct, frozen=True):
    """What following that late costs a move, in basis points; None where no price told."""

    delay_seconds: float
    basis_points: float | None
    moves: int


class Change(Struct, frozen=True):
    """A weight that changed noticeably, and the dimension that changed most with it."""

    at: float
    weight: float
    because: str


class Profile(Struct, frozen=True):
    """See the module. `skill` is None while too little is known; `leader` is whom it repeats."""

    name: str
    tracked: bool
    weight: float
    dimensions: dict[str, float]
    skill: Skill | None
    record: Record
    tags: tuple[str, ...]
    trust: float
    uniqueness: float
    leader: str | None
    copyability: tuple[Slip, ...]
    history: tuple[Change, ...]


def profile(engine: TraderWeightingEngine, name: str) -> Profile | None:
    """Return what `engine` knows of the voter `name`; None if it never was one."""
    number = engine.roll.number(name)
    if number is None:
        return None
    voter = engine.voters(slice(number, number + 1))
    told = float(engine.roll.columns["score"][number])
    score = None if isnan(told) else told
    leader = engine.leader(number)
    return Profile(
        name=name,
        tracked=bool(engine.roll.columns["tracked"][number]),
        weight=engine.ppm(name, score) / PPM,
        dimensions=engine.dimensions(name, score),
        skill=_skill(engine, number),
        record=_record(engine, number),
        tags=reasons(engine.habits(), number, engine.config.entities),
        trust=float(voter.trust[0]),
        uniqueness=float(voter.uniqueness[0]),
        leader=None if leader is None else engine.roll.names[leader],
        copyability=_copyability(engine, number),
        history=tuple(Change(*each) for each in engine.history(number)),
    )


def _skill(engine: TraderWeightingEngine, number: int) -> Skill | None:
    verdict = engine.judged()
    is_newcomer = number >= len(verdict.skill)  # since the last bar
    if is_newcomer or isnan(verdict.skill[number]):
        return None
    posterior = verdict.posterior
    mean, spread = float(posterior.mean[number]), float(posterior.deviation[number])
    reach = _TWO_SIDED_95 * spread
    return Skill(
        tier=TIERS[int(verdict.tier[number])],
        probability=float(posterior.probability[number]),
        ratio=Interval(mean, mean - reach, mean + reach),
    )


def _record(engine: TraderWeightingEngine, number: int) -> Record:
    found, habits = engine.evidence.estimates(), engine.habits()
    is_known = bool(found.count[number])
    win_rate = float(habits.win_rate[number])
    return Record(
        bars=float(found.count[number]),
        ratio=float(found.ratio[number]) if is_known else None,
        ratio_after_costs=float(found.net[number]) if is_known else None,
        error=float(found.error[number]) if is_known else None,
        habit=float(engine.evidence.columns["habit"][number]),
        episodes=int(habits.episodes[number]),
        win_rate=None if isnan(win_rate) else win_rate,
        holding_hours=engine.holding_seconds(number) / 3_600,
    )


def _copyability(engine: TraderWeightingEngine, number: int) -> tuple[Slip, ...]:
    return tuple(
        Slip(delay, None, 0) if found is None else Slip(delay, found[0], int(found[1]))
        for delay, found in zip(DELAYS, engine.copyability.curve(number), strict=True)
    )
