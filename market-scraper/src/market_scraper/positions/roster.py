"""Who is tracked: the best of the leaderboard, with what a person added and removed."""

from collections.abc import Iterable, Mapping, Set as AbstractSet
from dataclasses import dataclass, field
from decimal import Decimal

from market_scraper.positions.scoring import UNKNOWN, Standing, score, unfit

HYSTERESIS = Decimal("1.2")
"""A member stays while it ranks within so many times the roster's length."""


@dataclass(frozen=True, slots=True)
class Member:
    """A tracked trader and why it is one."""

    address: str
    score: Decimal
    reason: str


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a person asked for, whatever the leaderboard says."""

    added: AbstractSet[str] = field(default_factory=frozenset)
    removed: AbstractSet[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Turnover:
    """How one roster became the next; `left` says why, by address."""

    joined: tuple[Member, ...]
    left: Mapping[str, str]


def choose(
    standings: Iterable[Standing],
    incumbents: AbstractSet[str],
    overrides: Overrides,
    most: int,
    least_account_value: Decimal,
) -> dict[str, Member]:
    """Return the roster by address: at most `most` of the leaderboard, and everybody added by hand."""
    known = {standing.address: standing for standing in standings}
    ranked = [
        Member(standing.address, score(standing), "leaderboard")
        for standing in known.values()
        if standing.address not in overrides.removed | overrides.added
        and unfit(standing, least_account_value) is None
    ]
    ranked.sort(key=lambda m: (-float(m.score), -float(known[m.address].account_value), m.address))
    tolerated = ranked[: int(most * HYSTERESIS)]
    staying = [member for member in tolerated if member.address in incumbents][:most]
    stays = {member.address for member in staying}
    fresh = [member for member in ranked if member.address not in stays][: most - len(staying)]
    by_hand = [
        Member(address, score(known.get(address)), "added by hand")
        for address in sorted(overrides.added)
    ]
    return {member.address: member for member in (*by_hand, *staying, *fresh)}


def turnover(
    before: Mapping[str, Member],
    after: Mapping[str, Member],
    standings: Mapping[str, Standing],
    overrides: Overrides,
    least_account_value: Decimal,
) -> Turnover:
    """Return who joined and who left, with the reason."""
    left = {
        address: _why_left(
            standings.get(address), address in overrides.removed, least_account_value
        )
        for address in before
        if address not in after
    }
    joined = tuple(member for address, member in after.items() if address not in before)
    return Turnover(joined, left)


def _why_left(standing: Standing | None, by_hand: bool, least: Decimal) -> str:  # noqa: FBT001
    if by_hand:
        return "removed by hand"
    if standing is None:
        return "no longer on the leaderboard"
    return unfit(standing, least) or "outranked"


__all__ = ["UNKNOWN", "Member", "Overrides", "Turnover", "choose", "turnover"]
