"""A trader whose habits are known enters a coin that it was never seen in."""

from collections.abc import Iterable

from signal_system.whale_alerts.rule import Case, Finding, Rule, times
from signal_system.whale_alerts.rules.large_moves import finding


class FirstPosition(Rule):
    """The first position in a coin."""

    name = "first_position"

    def moved(self, case: Case) -> Iterable[Finding]:
        """Find a first position, of somebody of whom enough moves are known."""
        habit, episode = case.person.habit, case.episode
        if episode.kind != "open" or habit.moves < case.limits.known_moves:
            return
        if episode.coin not in habit.coins:
            magnitude = times(episode.notional, case.limits.first_notional)
            yield finding(case, magnitude, "for the first time opened", thread=self.name)
