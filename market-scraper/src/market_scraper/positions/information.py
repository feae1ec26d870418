"""How much it is worth to look at a book again: the trader's weight times the chance that it changed unseen.

Age is what `Strides` adds, and the cost of a look is the same for every book: each exchange is stated by itself.
"""

from math import log10

from market_scraper.positions.anchors import Account
from market_scraper.positions.roster import Member

_NOTIONAL_UNIT = 1_000.0
_USUAL_SCORE = 50.0
_VERIFIED = 0.25


def worth(account: Account, member: Member, *, verified: bool) -> float:
    """Return what the next look at `account` is worth; 1 for a trader nobody can tell much of.

    A hidden change needs a position to change: an open one counts by its order of magnitude. Who trades may
    be liquidated, what surprised before may do so again, and what its own fills verify hardly will.
    """
    weight = float(member.score) / _USUAL_SCORE
    exposure = 1 + log10(1 + float(account.gross or 0) / _NOTIONAL_UNIT)
    chance = (1 + account.lively) * (1 + account.surprises)
    return weight * exposure / 3 * chance * (_VERIFIED if verified else 1)


def importance(account: Account, member: Member) -> float:
    """Return how much hangs on `account` being right: its exposure, by how good its trader is."""
    return float(account.gross or 0) * float(member.score) / _USUAL_SCORE
