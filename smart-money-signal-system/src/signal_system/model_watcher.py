"""Takes the registry's champions into service; one that is refused leaves the old one there."""

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog

from shared_events.envelope import StandardEvent, event
from shared_events.journal import JournalFullError
from shared_events.payloads import ModelChange
from signal_system.event_subscriber import EventSubscriber
from signal_system.fold import SOURCE, Fold
from signal_system.ml.model_kinds import MODEL, ModelRefusedError
from signal_system.ml.model_registry import Loaded, ModelRegistry, UnknownModelError
from signal_system.regimes import NAMED

log = structlog.get_logger()

LOOK_SECONDS = 5.0


class ModelWatcher:
    """Compares whom the registry calls champion with who serves.

    A change becomes an event of the journal, between two others: none is lost, and a replay makes
    it at the same place.

    Attributes
    ----------
    refused
        Champions that are not taken into service, and why, by the name of the model.
    """

    def __init__(self, registry: ModelRegistry, subscriber: EventSubscriber, fold: Fold) -> None:
        self._registry, self._subscriber, self._fold = registry, subscriber, fold
        self.refused: dict[str, str] = {}

    async def look(self) -> None:
        """Bring what serves up to date."""
        try:
            champions = await asyncio.to_thread(self._champions)
        except ModelRefusedError as e:
            log.warning("registry_unreadable", reason=str(e))
            return
        for name, version in champions.items():
            if version == self._fold.state.regimes.versions.get(name):
                self.refused.pop(name, None)
            else:
                await self._serve(name, version)

    async def _serve(self, name: str, version: str | None) -> None:
        """Let `version` serve from here on, or none."""
        try:
            loaded = None if version is None else await asyncio.to_thread(self._load, name, version)
            await self._subscriber.take(self._change(name, loaded))
        except (ModelRefusedError, UnknownModelError, JournalFullError) as e:
            self._refuse(name, version, str(e))
        else:
            self.refused.pop(name, None)
            log.info("model_changed", model=name, version=version)

    def _champions(self) -> Mapping[str, str | None]:
        names = [name for name in self._registry.names() if name.startswith(NAMED)]
        return {name: self._registry.aliases(name).champion for name in names}

    def _load(self, name: str, version: str) -> Loaded:
        loaded = self._registry.load(name, version)
        if loaded.manifest.is_expired(self._subscriber.now):
            until = f"{loaded.manifest.expires_at:%Y-%m-%d %H:%M}"
            raise ModelRefusedError(f"{version} expired on {until}: train on newer data")
        return loaded

    def _change(self, name: str, loaded: Loaded | None) -> StandardEvent[Any]:
        at = self._subscriber.now
        told = ModelChange(name=name, at=at)
        if loaded is not None:
            told = ModelChange(
                name=name,
                at=at,
                version=loaded.manifest.version,
                kind=loaded.manifest.kind,
                expires_at=loaded.manifest.expires_at,
                content=loaded.files[MODEL].decode(),
            )
        return event(told, source=SOURCE, time=at, recorded_at=at)

    def _refuse(self, name: str, version: str | None, reason: str) -> None:
        if self.refused.get(name) != reason:
            log.error("model_refused", model=name, version=version, reason=reason)
        self.refused[name] = reason
