"""How often each rule fired, and how often the price then went that way."""

from math import sqrt
from typing import NamedTuple

from msgspec import Struct

from shared_events.payloads import Outcome

_Z = 1.96  # the middle 95 % of a normal distribution


class Count(Struct):
    """Of one rule: what it claimed, what is known by now, and what of that came true after costs."""

    fired: int = 0
    resolved: int = 0
    right: int = 0


class Interval(NamedTuple):
    """Where a probability lies, with 95 % confidence."""

    low: float
    high: float


class Tally(Struct):
    """Of every rule that fired.

    Attributes
    ----------
    waiting
        Which rule made a claim that is not yet known to have come true, by the claim's id.
    """

    counts: dict[str, Count] = {}
    waiting: dict[str, str] = {}

    def fire(self, rule: str, claim: str | None) -> None:
        """Note an alert, and what it claims if that can be held against the price."""
        self._of(rule).fired += 1
        if claim is not None:
            self.waiting[claim] = rule

    def learn(self, outcome: Outcome) -> None:
        """Take what became of a claim, if an alert made it."""
        rule = self.waiting.pop(outcome.signal_id, None)
        if rule is not None and outcome.resolved:
            count = self._of(rule)
            count.resolved += 1
            count.right += bool(outcome.right)

    def _of(self, rule: str) -> Count:
        return self.counts.setdefault(rule, Count())


def wilson(right: int, resolved: int) -> Interval | None:
    """Return the score interval of a share (Wilson, JASA 22, 1927); None if nothing is known.

    Neighbouring alerts ride the same price, so the true interval is wider than this one.

    Examples
    --------
    >>> low, high = wilson(23, 41)
    >>> round(low, 2), round(high, 2), wilson(0, 0)
    (0.41, 0.7, None)
    """
    if not resolved:
        return None
    share, weight = right / resolved, _Z * _Z / resolved
    centre = share + weight / 2
    spread = _Z * sqrt(share * (1 - share) / resolved + weight / (4 * resolved))
    return Interval((centre - spread) / (1 + weight), (centre + spread) / (1 + weight))
