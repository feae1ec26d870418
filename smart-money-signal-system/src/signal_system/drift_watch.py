"""Looks now and then whether a model in service drifts, and says so: what follows is for people."""

import asyncio
from collections.abc import Mapping, Sequence

import structlog
from msgspec import structs

from shared_events.runtime.clock import Clock
from signal_system.directions import Directions, Slot
from signal_system.fold import Fold
from signal_system.ml.drift import DriftReport, Subject, judged

log = structlog.get_logger()

LOOK_SECONDS = 3_600.0


class DriftWatch:
    """Judges the classifiers in service, in a thread of its own.

    Attributes
    ----------
    proposals
        Why a champion should be trained anew, by its name.
    """

    def __init__(self, fold: Fold, clock: Clock) -> None:
        self._fold, self._clock = fold, clock
        self.proposals: Mapping[str, str] = {}

    async def look(self) -> None:
        """Judge every champion, and log what is new."""
        found = {}
        for slot in list(self._directions.serving):
            if slot.role == "champion":
                for report in await self.reports(slot.name):
                    if report.role == "champion" and report.proposal is not None:
                        found[report.name] = report.proposal
        for name, reason in found.items():
            if self.proposals.get(name) != reason:
                log.warning("retraining_proposed", model=name, reason=reason)
        self.proposals = found

    async def reports(self, name: str) -> Sequence[DriftReport]:
        """Return what is found of the versions of `name` in service, the champion first."""
        reports = []
        for slot in (Slot(name, "champion"), Slot(name, "challenger")):
            serving = self._directions.serving.get(slot)
            if serving is None:
                continue
            record = self._directions.record(serving.version, name)
            if record is not None:
                still = structs.replace(
                    record, windows=list(record.windows), rows=list(record.rows)
                )
                subject = Subject(*slot, serving.version)
                parameters, now = self._directions.parameters(slot), self._clock.now()
                reports.append(await asyncio.to_thread(judged, subject, still, parameters, now))
        return reports

    @property
    def _directions(self) -> Directions:
        return self._fold.state.directions
