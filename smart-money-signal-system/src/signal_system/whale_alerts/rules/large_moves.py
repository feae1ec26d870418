"""A move is large absolutely, or for the trader and for the coin at once.

Five rules, one for each kind of move: they differ in nothing but that, and in one episode the later
replaces the earlier: what reduced a position may go on to close and to turn it.
"""

from collections.abc import Iterable
from typing import ClassVar

from shared_events.payloads import ChangeKind
from signal_system.whale_alerts.rule import Case, Finding, Rule, money, short, times


class _LargeMove(Rule):
    kind: ClassVar[ChangeKind]
    verb: ClassVar[str]

    def moved(self, case: Case) -> Iterable[Finding]:
        """Find a large move of this kind."""
        if case.episode.kind == self.kind:
            yield finding(case, large(case), self.verb)


class LargeOpen(_LargeMove):
    """A position from nothing."""

    name, kind, verb = "large_open", "open", "opened"


class LargeIncrease(_LargeMove):
    """More of what was held."""

    name, kind, verb = "large_increase", "increase", "added to"


class LargeReduce(_LargeMove):
    """Less of it."""

    name, kind, verb = "large_reduce", "reduce", "reduced"


class LargeClose(_LargeMove):
    """Nothing of it any more."""

    name, kind, verb = "large_close", "close", "closed"


class LargeFlip(_LargeMove):
    """The other side."""

    name, kind, verb = "flip", "flip", "turned"


def large(case: Case) -> float:
    """Return how many times the threshold of a large move was reached.

    That is the larger of two: USD over `notional`; and the smaller of the shares of the account's
    value and of the coin's open interest, each over its own threshold.
    """
    limits, found = case.limits, times(case.episode.notional, case.limits.notional)
    equity, interest = case.share_of_equity, case.share_of_open_interest
    if equity is None or interest is None:
        return found
    relative = min(
        times(equity, limits.share_of_equity), times(interest, limits.share_of_open_interest)
    )
    return max(found, relative)


def finding(case: Case, magnitude: float, verb: str, thread: str = "move") -> Finding:
    """Return that a trader did so much of something."""
    episode = case.episode
    side = "long" if (episode.after or episode.before) > 0 else "short"
    worth = money(episode.notional)
    message = f"{short(episode.address)} {verb} {episode.coin} {side}: {worth} traded"
    return Finding(f"{thread}:{episode.id}", magnitude, message, episode.last_at, case)
