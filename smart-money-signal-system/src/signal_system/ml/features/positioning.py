"""What the tracked traders held of one coin at one moment, summed up by cohort."""

from collections.abc import Callable, Sequence
from math import fsum
from typing import NamedTuple

from msgspec import Struct

MIN_COVERAGE = 0.5
"""Share of the tracked traders whose book must be known, lest the sums be another crowd's."""

WHALE_USD = 1_000_000.0
PROVEN_SCORE = 60.0


class Member(NamedTuple):
    """One trader whose book is known: a signed size in the coin, USD, a score of up to 100."""

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


class Counted(NamedTuple):
    """How many traders are on the roster, and the books of how many are known and fresh."""

    tracked: int
    known: int


def positioning(
    holders: Sequence[Member], roster: Counted, traded: float | None = None
) -> Positioning:
    """Return what `holders`, those of the known traders who hold any of the coin, hold together.

    Examples
    --------
    >>> told = positioning([Member(3.0, 2e6, 70.0), Member(-1.0, None, 50.0)], Counted(3, 2))
    >>> told.stance("all"), told.stance("whales"), told.squares
    (Stance(net=2.0, gross=4.0, longs=1, shorts=1), Stance(net=3.0, gross=3.0, longs=1, shorts=0), 10.0)
    """
    return Positioning(
        tracked=roster.tracked,
        known=roster.known,
        stances={
            cohort: _stance([each.size for each in holders if belongs(each)])
            for cohort, belongs in COHORTS.items()
        },
        squares=fsum(each.size * each.size for each in holders),
        traded=traded,
    )


def _stance(sizes: Sequence[float]) -> Stance:
    longs = [size for size in sizes if size > 0]
    shorts = [-size for size in sizes if size < 0]
    long, short = fsum(longs), fsum(shorts)
    return Stance(long - short, long + short, len(longs), len(shorts))
