"""The venue closes a large position because its margin is gone."""

from collections.abc import Iterable

from signal_system.whale_alerts.rule import Case, Finding, Rule, times
from signal_system.whale_alerts.rules.large_moves import finding


class Liquidated(Rule):
    """Trades of a liquidation in a move."""

    name = "liquidated"

    def moved(self, case: Case) -> Iterable[Finding]:
        """Find a move that a liquidation is part of."""
        if case.episode.liquidation:
            magnitude = times(case.episode.notional, case.limits.liquidated_notional)
            yield finding(case, magnitude, "was liquidated in", thread=self.name)
