"""How far a start has come, in one sentence."""

from datetime import datetime
from typing import Literal

from signal_system.api.port import Progress
from signal_system.fold import Fold

Phase = Literal["starting", "restoring", "waiting", "warming", "live"]

_MINUTE = 60


class StartProgress:
    """Watches coverage grow.

    Parameters
    ----------
    fold
        What is being filled.
    """

    def __init__(self, fold: Fold) -> None:
        self._fold = fold
        self._first: tuple[datetime, float] | None = None
        self.restored = False

    def report(self, now: datetime) -> Progress:
        """Return how far the start has come at `now`."""
        state = self._fold.state
        traders = list(state.tracked())
        known = sum(trader.verified_at is not None for trader in traders)
        seen = state.circumstances()
        coverage = seen.coverage if seen else None
        signals = sum(opinion.has_side for opinion in self._fold.processor.memory.opinions.values())
        phase, message = self._phase(len(traders), coverage, now)
        return Progress(phase, message, len(traders), known, coverage, signals)

    def _phase(self, tracked: int, coverage: float | None, now: datetime) -> tuple[Phase, str]:
        if not self.restored:
            return "restoring", f"folding the journal, at record {self._fold.position + 1}"
        if not tracked or coverage is None:
            return "waiting", "no roster yet: waiting for the market scraper"
        needed = self._fold.config.rules.min_coverage
        if coverage < needed:
            return "warming", self._warming(coverage, needed, now)
        return "live", f"{coverage:.0%} of the tracked weight is fresh"

    def _warming(self, coverage: float, needed: float, now: datetime) -> str:
        """Extrapolate from the growth since the first look."""
        first_at, first = self._first = self._first or (now, coverage)
        said = f"{coverage:.0%} of the tracked weight is fresh"
        elapsed, grown = (now - first_at).total_seconds(), coverage - first
        if grown <= 0 or elapsed <= 0:
            return f"{said}, signals begin at {needed:.0%}"
        return f"{said}, first signal in about {_spoken((needed - coverage) / grown * elapsed)}"


def _spoken(seconds: float) -> str:
    """Return a duration for people.

    Examples
    --------
    >>> _spoken(7.2), _spoken(372)
    ('8 s', '7 min')
    """
    return f"{int(seconds) + 1} s" if seconds < _MINUTE else f"{int(seconds / _MINUTE) + 1} min"
