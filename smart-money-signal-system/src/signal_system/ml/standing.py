"""What is said of a market after each bar: its state, for how long, how surely, and what may come."""

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

from msgspec import Struct

RegimeState = Literal["bull", "neutral", "bear", "unknown"]
"""How the price has moved, not where it goes: up, sideways, down, or nobody can tell."""

STATES: tuple[RegimeState, ...] = get_args(RegimeState)


class Sight(NamedTuple):
    """What one bar by itself looks like; a rule that knows no probabilities gives none."""

    state: RegimeState
    probabilities: Mapping[str, float]


class Standing(Struct, frozen=True):
    """What holds after a bar.

    Attributes
    ----------
    state
        What has shown for long enough.
    age_bars
        For how many bars after the one that turned it.
    candidate, candidate_bars
        What has shown instead lately, and for how long; None if nothing has.
    probabilities
        Of every state, as the newest bar has it; empty if the rule knows none.
    """

    state: RegimeState = "unknown"
    age_bars: int = 0
    candidate: RegimeState | None = None
    candidate_bars: int = 0
    probabilities: Mapping[str, float] = {}

    @property
    def probability(self) -> float | None:
        """The probability of the state that holds."""
        return self.probabilities.get(self.state)

    def after(self, seen: Sight, dwell_bars: int) -> "Standing":
        """Return what holds after one more bar; what shows must show for `dwell_bars` to count.

        Examples
        --------
        >>> Standing("bear", 7).after(Sight("bull", {}), dwell_bars=2).candidate
        'bull'
        """
        if seen.state == self.state:
            return Standing(self.state, self.age_bars + 1, probabilities=seen.probabilities)
        shown = self.candidate_bars + 1 if seen.state == self.candidate else 1
        if shown >= dwell_bars:
            return Standing(seen.state, probabilities=seen.probabilities)
        return Standing(self.state, self.age_bars + 1, seen.state, shown, seen.probabilities)
