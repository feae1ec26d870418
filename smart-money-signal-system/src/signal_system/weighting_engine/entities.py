"""Who is no voter like others: tags, each with its reason and with what it leaves of the weight.

Sub-accounts and vaults vote with whoever decides for them (`domain.families`), so one row here is
one entity. Thresholds follow what is known of such accounts; none was fitted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from signal_system.weighting_engine.columns import Flags, Floats
from signal_system.weighting_engine.rules import EntityRules


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How every voter trades; NaN is "not known".

    Attributes
    ----------
    turnover
        Notional traded a day over equity.
    net_share
        Mean absolute net exposure over mean gross.
    side
        Mean net exposure over mean gross: -1 is always short.
    maker_share
        Resting part of the volume, as the venue's fills tell it.
    volume_turnover, volume_result
        Volume a day over equity, and result over volume, as the venue tells them.
    idle_days
        Since the last change.
    days
        For how long the voter has been watched.
    episodes, win_rate, concentration
        Positions from flat to flat, the share that paid, and how few of them made the result.
    """

    turnover: Floats
    net_share: Floats
    side: Floats
    maker_share: Floats
    volume_turnover: Floats
    volume_result: Floats
    idle_days: Floats
    days: Floats
    episodes: Floats
    win_rate: Floats
    concentration: Floats


@dataclass(frozen=True, slots=True)
class Tag:
    """Something held against a voter.

    Attributes
    ----------
    leaves
        What it leaves of the weight.
    reason
        A sentence; braces name what was measured.
    holds
        Tells of whom it is true; never of whom too little is known.
    """

    name: str
    leaves: float
    reason: str
    holds: Callable[[Habits, EntityRules], Flags]

    def told(self, habits: Habits, row: int) -> str:
        """Return the reason with the numbers of one voter."""
        measured = {name: float(getattr(habits, name)[row]) for name in Habits.__slots__}
        return f"{self.name}: {self.reason.format(**measured)}"


def _makes_markets(habits: Habits, rules: EntityRules) -> Flags:
    even = habits.net_share < rules.maker_net
    rests = habits.maker_share >= rules.maker_share
    return even & (rests | (habits.turnover > rules.maker_turnover))


def _is_hedged(habits: Habits, rules: EntityRules) -> Flags:
    watched = habits.days >= rules.dormant_days
    return watched & ((habits.side <= -rules.hedge_side) | (habits.net_share < rules.hedge_net))


def _washes(habits: Habits, rules: EntityRules) -> Flags:
    in_vain = np.abs(habits.volume_result) < rules.wash_result
    return in_vain & (habits.volume_turnover > rules.wash_turnover)


def _sleeps(habits: Habits, rules: EntityRules) -> Flags:
    asleep: Flags = habits.idle_days > rules.dormant_days
    return asleep


def _owes_it_to_one(habits: Habits, rules: EntityRules) -> Flags:
    enough = habits.episodes >= rules.wonder_episodes
    return enough & (habits.concentration > rules.wonder_share)


def _never_loses(habits: Habits, rules: EntityRules) -> Flags:
    enough = habits.episodes >= rules.superhuman_episodes
    return enough & (habits.win_rate >= rules.superhuman_wins)


TAGS: Final = (
    Tag(
        "market maker",
        0.0,
        "earns the spread with an even book, net {net_share:.0%} of gross, {turnover:.1f} times its"
        " equity traded a day",
        _makes_markets,
    ),
    Tag(
        "delta neutral",
        0.0,
        "holds what something else offsets, net {net_share:.0%} of gross, side {side:+.0%}",
        _is_hedged,
    ),
    Tag(
        "wash trader",
        0.0,
        "trades {volume_turnover:.0f} times its equity a day for a result of {volume_result:.4%}",
        _washes,
    ),
    Tag("dormant", 0.0, "has changed nothing for {idle_days:.0f} days", _sleeps),
    Tag(
        "one-position wonder",
        0.5,
        "owes its result to few of {episodes:.0f} positions",
        _owes_it_to_one,
    ),
    Tag(
        "superhuman",
        0.0,
        "won {win_rate:.0%} of {episodes:.0f} positions, which nobody does who takes losses",
        _never_loses,
    ),
)
"""Every tag there is. Adding one: write what it holds of, then one entry here."""


def trust(habits: Habits, rules: EntityRules) -> Floats:
    """Return what the tags leave of each voter's weight.

    Examples
    --------
    >>> nobody = {name: np.full(2, np.nan) for name in Habits.__slots__}
    >>> idle = Habits(**nobody | {"idle_days": np.array([2.0, 45.0])})
    >>> trust(idle, EntityRules()).tolist()
    [1.0, 0.0]
    """
    left = np.ones(len(habits.episodes))
    for tag in TAGS:
        left *= np.where(tag.holds(habits, rules), tag.leaves, 1.0)
    return left


def reasons(habits: Habits, row: int, rules: EntityRules) -> tuple[str, ...]:
    """Return what is held against one voter, as sentences."""
    return tuple(tag.told(habits, row) for tag in TAGS if tag.holds(habits, rules)[row])
