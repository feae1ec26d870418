"""Takes what the registry names into service; a version that is refused leaves the old one there."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import structlog

from shared_events.envelope import StandardEvent, event
from shared_events.journal import JournalFullError
from shared_events.payloads import ModelChange
from signal_system import directions, regimes
from signal_system.directions import Slot
from signal_system.event_subscriber import EventSubscriber
from signal_system.fold import SOURCE, Fold
from signal_system.ml.model_kinds import MODEL, ModelRefusedError
from signal_system.ml.model_registry import Loaded, ModelRegistry, UnknownModelError
from signal_system.predicting import Predictor

log = structlog.get_logger()

LOOK_SECONDS = 5.0

_LONGEST = 500


class ModelWatcher:
    """Compares whom the registry calls champion, and of classifiers challenger, with who serves.

    A change becomes an event of the journal, between two others: none is lost, and a replay makes
    it at the same place.

    Attributes
    ----------
    refused
        Champions that are not taken into service, and why, by the name of the model.
    """

    def __init__(
        self,
        registry: ModelRegistry,
        subscriber: EventSubscriber,
        fold: Fold,
        predictor: Predictor,
    ) -> None:
        self._registry, self._subscriber, self._fold = registry, subscriber, fold
        self._predictor = predictor
        self._refused: dict[Slot, str] = {}

    @property
    def refused(self) -> Mapping[str, str]:
        """See the class."""
        return {name: why for (name, role), why in self._refused.items() if role == "champion"}

    async def look(self) -> None:
        """Bring what serves up to date, and answer what waits for it."""
        try:
            named = await asyncio.to_thread(lambda: dict(self._named()))
        except ModelRefusedError as e:
            log.warning("registry_unreadable", reason=str(e))
            return
        for slot, version in named.items():
            if version == self._serving(slot) and self._is_held(slot, version):
                self._refused.pop(slot, None)
            else:
                await self._serve(slot, version)
        kept = self._fold.state.directions.serving.values()
        self._predictor.keep_only({(each.name, each.version) for each in kept})
        await self._subscriber.answer()

    def _named(self) -> Iterator[tuple[Slot, str | None]]:
        for name in self._registry.names():
            aliases = self._registry.aliases(name)
            if name.startswith(regimes.NAMED):
                yield Slot(name, "champion"), aliases.champion
            elif name.startswith(directions.NAMED):
                yield Slot(name, "champion"), aliases.champion
                yield Slot(name, "challenger"), aliases.challenger

    def _serving(self, slot: Slot) -> str | None:
        if slot.name.startswith(regimes.NAMED):
            return self._fold.state.regimes.versions.get(slot.name)
        found = self._fold.state.directions.serving.get(slot)
        return found.version if found else None

    def _is_held(self, slot: Slot, version: str | None) -> bool:
        """Tell whether a classifier's trees are here, as they are not after a start."""
        is_tree = slot.name.startswith(directions.NAMED) and version is not None
        return not is_tree or (slot.name, version) in self._predictor.held

    async def _serve(self, slot: Slot, version: str | None) -> None:
        """Let `version` serve from here on, or none."""
        try:
            loaded = None if version is None else await asyncio.to_thread(self._load, slot, version)
            if loaded is not None and slot.name.startswith(directions.NAMED):
                self._predictor.hold(slot.name, loaded.model)
            if version != self._serving(slot):
                await self._subscriber.take(self._change(slot, loaded))
                log.info("model_changed", model=slot.name, role=slot.role, version=version)
            self._refused.pop(slot, None)
        except (ModelRefusedError, UnknownModelError, JournalFullError) as e:
            self._refuse(slot, version, str(e))
            await self._retire(slot, str(e)[:_LONGEST])

    async def _retire(self, slot: Slot, reason: str) -> None:
        """Let the journal say that no classifier serves, unless the one before still answers."""
        if not slot.name.startswith(directions.NAMED):
            return
        serving, known = self._serving(slot), self._fold.state.directions.degraded.get(slot.name)
        if serving is None and (slot.role == "challenger" or known == reason):
            return
        if serving is not None and self._is_held(slot, serving):
            return
        try:
            await self._subscriber.take(self._change(slot, None, reason))
        except JournalFullError as e:
            log.warning("model_not_retired", model=slot.name, reason=str(e))

    def _load(self, slot: Slot, version: str) -> Loaded:
        loaded = self._registry.load(slot.name, version)
        if loaded.manifest.is_expired(self._subscriber.now):
            until = f"{loaded.manifest.expires_at:%Y-%m-%d %H:%M}"
            raise ModelRefusedError(f"{version} expired on {until}: train on newer data")
        return loaded

    def _change(
        self, slot: Slot, loaded: Loaded | None, reason: str | None = None
    ) -> StandardEvent[Any]:
        at = self._subscriber.now
        told = ModelChange(name=slot.name, role=slot.role, at=at, reason=reason)
        if loaded is not None:
            told = ModelChange(
                name=slot.name,
                role=slot.role,
                at=at,
                version=loaded.manifest.version,
                kind=loaded.manifest.kind,
                expires_at=loaded.manifest.expires_at,
                content=loaded.files[MODEL].decode(),
                passed=loaded.manifest.passed,
            )
        return event(told, source=SOURCE, time=at, recorded_at=at)

    def _refuse(self, slot: Slot, version: str | None, reason: str) -> None:
        if self._refused.get(slot) != reason:
            log.error(
                "model_refused", model=slot.name, role=slot.role, version=version, reason=reason
            )
        self._refused[slot] = reason
