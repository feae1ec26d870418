"""A move far larger than those the trader usually makes."""

from collections.abc import Iterable

from signal_system.whale_alerts.rule import Case, Finding, Rule
from signal_system.whale_alerts.rules.large_moves import finding


class Unusual(Rule):
    """A move outside of a trader's habits."""

    name = "unusual"

    def moved(self, case: Case) -> Iterable[Finding]:
        """Find a move whose logarithm is far above the mean of the trader's earlier ones."""
        habit, limits, notional = case.person.habit, case.limits, case.episode.notional
        if habit.moves >= limits.known_moves and notional >= limits.unusual_notional:
            magnitude = habit.deviations(notional) / limits.unusual_deviations
            yield finding(case, magnitude, "with unusual size traded", thread=self.name)
