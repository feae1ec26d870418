"""What the sources say of themselves, and what follows for how old their data may be."""

from datetime import datetime

from msgspec import Struct

from shared_events.payloads import SourceStatus

_WORST_FIRST = ("LOST", "STALE", "PARTIAL", "LIVE")
_MAX_SOURCES = 100


class Source(Struct, frozen=True):
    """The newest word of one source."""

    at: datetime
    status: str
    recording: bool
    cadence_seconds: float | None
    counts_traders: bool


class Sources(Struct):
    """Every source's newest word; those that count tracked traders are the ones of positions.

    Attributes
    ----------
    recording
        Whether a recording is being replayed: the last word that changed the mode decides.
    """

    known: dict[str, Source] = {}
    recording: bool = False

    def hear(self, told: SourceStatus, at: datetime) -> bool:
        """Take `told`, said `at`, unless a newer word of the same source is known."""
        old = self.known.get(told.name)
        if old and old.recording == told.recording and at <= old.at:
            return False
        if old is None and len(self.known) >= _MAX_SOURCES:
            return False
        self.recording = told.recording
        self.known[told.name] = Source(
            at, told.status, told.recording, told.cadence_seconds, told.tracked is not None
        )
        return True

    def of_positions(self) -> list[Source]:
        """Return the sources of the present mode that speak of traders, or all if none does."""
        now = [source for source in self.known.values() if source.recording == self.recording]
        return [source for source in now if source.counts_traders] or now

    def heartbeat(self) -> datetime | None:
        """Return when a source of positions last said anything."""
        return max((source.at for source in self.of_positions()), default=None)

    def worst(self) -> str | None:
        """Return the worst that a source of positions says of itself."""
        said = {source.status for source in self.of_positions()}
        return next((status for status in _WORST_FIRST if status in said), None)

    def freshness_seconds(self, setting: float) -> float:
        """Return how old a book may be: `setting`, or twice a recording's cadence if longer."""
        declared = [source.cadence_seconds or 0 for source in self.of_positions()]
        return max([setting, *(2 * seconds for seconds in declared)])
