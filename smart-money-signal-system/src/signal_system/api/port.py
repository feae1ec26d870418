"""What the HTTP side asks of the service; everything answers from memory or one indexed query."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from shared_events.payloads import Regime
from signal_system.api.schemas import FeatureImportance, RuleStatistics
from signal_system.whale_alerts.asking import Asked


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a start has come."""

    phase: Literal["starting", "restoring", "waiting", "warming", "live"]
    message: str
    tracked: int
    known: int
    coverage: float | None
    signals: int


@dataclass(frozen=True, slots=True)
class Status:
    """The service's own account of itself."""

    version: str
    now: datetime
    started_at: datetime
    event_time: datetime | None
    journal_position: int
    events_applied: int
    duplicates_ignored: int
    dead_letters: int
    lag: Mapping[str, int]
    newest: Mapping[str, datetime]
    sources: Mapping[str, str]
    progress: Progress
    config_hash: str
    state_hash: str
    chain_hash: str
    models: Mapping[str, str]
    """The versions in service, by name."""
    challengers: Mapping[str, str]
    """The versions that predict in the shadow, by name."""
    degraded: Mapping[str, str]
    """Why a model that was promoted does not serve, by name."""
    retrain: Mapping[str, str]
    """Why a model in service should be trained anew, by name: it drifts."""


class ReadModel(Protocol):
    """Answers every question the routes have."""

    def rows(self) -> bytes:
        """Return the compact list as encoded JSON: ``{"signals": [...], "as_of": ..., ...}``."""
        ...

    def document(self, coin: str, horizon_seconds: int) -> bytes | None:
        """Return the newest full signal as encoded JSON; None for a coin never heard of."""
        ...

    def history(
        self, coin: str, horizon_seconds: int, *, limit: int, before: int | None
    ) -> Sequence[bytes]:
        """Return stored signals, newest first, each encoded, older than journal position `before`."""
        ...

    def regimes(self) -> Sequence[Regime]:
        """Return the regime of the market and of every coin with a model of its own."""
        ...

    def regime_history(self, scope: str, limit: int) -> Sequence[bytes]:
        """Return the turns of a scope, newest first, each encoded."""
        ...

    def feature_importances(self) -> Sequence[FeatureImportance]:
        """Return what features were worth to the classifiers in service, champions first."""
        ...

    def alerts(
        self, asked: Asked, *, limit: int, before: tuple[int, int] | None
    ) -> Sequence[tuple[tuple[int, int], bytes]]:
        """Return alerts that are asked for, newest first, each encoded and with its place.

        Parameters
        ----------
        before
            The place of the oldest one that is known already.
        """
        ...

    def alert_statistics(self) -> Sequence[RuleStatistics]:
        """Return how often each rule fired and was right."""
        ...

    def status(self) -> Status:
        """Return the service's account of itself."""
        ...

    async def checks(self) -> Mapping[str, str | None]:
        """Ping every adapter: its name and None if it answered, else what is wrong."""
        ...
