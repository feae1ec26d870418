"""What the tracked traders held of one coin at one moment, summed up by cohort."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from msgspec import Struct

MIN_COVERAGE = 0.5
"""Share of the tracked traders whose book must be known, lest the sums be another crowd's."""

WHALE_USD = 1_000_000.0
PROVEN_SCORE = 60.0


class Member(NamedTuple):
    """One tracked trader whose book is known: a signed size in the coin, USD, a score to 100."""

    size: float
    equity: float | None
    score: float | None


class Stance(Struct, frozen=True, array_like=True):
    """One cohort's side: sums of signed and of absolute sizes, and how many hold each side."""

    net: float
    gross: float
    longs: int
    shorts: int


class Positioning(Struct, frozen=True, array_like=True):
    """All cohorts' sides.

    Attributes
    ----------
    tracked, known
        How many traders are on the roster, and the books of how many are known and fresh.
    squares
        Sum of the squared sizes: what tells many holders from a few large ones.
    traded
        What the tracked traders traded of the coin since the bar before; None if that is not known.
    """

    tracked: int
    known: int
    stances: dict[str, Stance]
    squares: float
    traded: float | None = None

    def stance(self, cohort: str) -> Stance | None:
        """Return the side of `cohort`, None if too few books are known to tell."""
        told = self.tracked and self.known >= MIN_COVERAGE * self.tracked
        return self.stances[cohort] if told else None


class Context(Struct, frozen=True, array_like=True):
    """What the venue last said of the market: hourly funding, open interest in the coin."""

    funding: float | None
    open_interest: float | None


COHORTS: dict[str, Callable[[Member], bool]] = {
    "all": lambda _: True,
    "whales": lambda member: member.equity is not None and member.equity >= WHALE_USD,
    "smaller": lambda member: member.equity is not None and member.equity < WHALE_USD,
    "proven": lambda member: member.score is not None and member.score >= PROVEN_SCORE,
}
"""Who is summed up together; a trader whose account or score is not known is in "all" alone."""


def positioning(members: Iterable[Member], tracked: int, traded: float | None) -> Positioning:
    """Return what `members`, the known ones of all `tracked`, hold.

    Examples
    --------
    >>> told = positioning([Member(3.0, 2e6, 70.0), Member(-1.0, None, 50.0)], 3, None)
    >>> told.stance("all"), told.stance("whales"), told.squares
    (Stance(net=2.0, gross=4.0, longs=1, shorts=1), Stance(net=3.0, gross=3.0, longs=1, shorts=0), 10.0)
    """
    known = list(members)
    return Positioning(
        tracked=tracked,
        known=len(known),
        stances={
            cohort: _stance([each.size for each in known if belongs(each)])
            for cohort, belongs in COHORTS.items()
        },
        squares=sum(member.size * member.size for member in known),
        traded=traded,
    )


def _stance(sizes: list[float]) -> Stance:
    long = sum(size for size in sizes if size > 0)
    short = -sum(size for size in sizes if size < 0)
    heads = sum(size > 0 for size in sizes), sum(size < 0 for size in sizes)
    return Stance(long - short, long + short, *heads)
