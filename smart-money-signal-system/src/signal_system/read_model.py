"""Everything the HTTP side may ask, answered from memory or by one indexed query."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version

from shared_events.payloads import Regime
from shared_events.runtime.clock import Clock
from shared_events.runtime.health import Health
from signal_system.api.port import Status
from signal_system.api.schemas import FeatureImportance, RuleStatistics
from signal_system.domain.moves import HORIZONS
from signal_system.event_subscriber import EventSubscriber
from signal_system.fold import Fold
from signal_system.progress import StartProgress
from signal_system.regimes import News
from signal_system.rows import Rows
from signal_system.signal_generation.chain import document
from signal_system.signal_store import SignalStore
from signal_system.storage.port import AFTER_ALL, Place
from signal_system.whale_alerts.asking import Asked
from signal_system.whale_alerts.tally import Count, wilson


@dataclass(slots=True)
class BusFigures:
    """What the bus last said, asked for in the background."""

    lag: Mapping[str, int] = field(default_factory=dict)
    dead_letters: int = 0


class LiveReadModel:
    """The `ReadModel` of a running service.

    Parameters
    ----------
    fold, signals, subscriber
        The parts that know.
    bus
        Kept up to date by whoever asks the bus.
    health
        Pings the adapters.

    Attributes
    ----------
    refused
        Says which models were promoted and not taken into service, and why; set by who watches them.
    importances
        Says what features are worth to the classifiers in service; set by who holds them.
    retrain
        Says which models should be trained anew, and why; set by who watches drift.
    """

    def __init__(
        self,
        fold: Fold,
        signals: SignalStore,
        subscriber: EventSubscriber,
        bus: BusFigures,
        health: Health,
        clock: Clock,
    ) -> None:
        self._fold, self._signals, self._subscriber = fold, signals, subscriber
        self._bus, self._health, self._clock = bus, health, clock
        self._started_at = clock.now()
        self._rows = Rows(fold)
        self._asked: dict[str, tuple[bytes, ...]] = {}
        self._asked_at = -1
        self.progress = StartProgress(fold)
        self.importances: Callable[[], Sequence[FeatureImportance]] = list
        self.refused: Callable[[], Mapping[str, str]] = dict
        self.retrain: Callable[[], Mapping[str, str]] = dict

    def rows(self) -> bytes:
        """Return the compact list as encoded JSON."""
        return self._rows.encoded()

    def document(self, coin: str, horizon_seconds: int) -> bytes | None:
        """Return the signal that holds now, whole; None for a coin never heard of.

        It is made of the present state, not part of the chain: its ``hash`` is empty. What was
        issued and chained is in `history`.
        """
        state = self._fold.state
        if horizon_seconds not in HORIZONS or not (
            coin in state.voices.coins or coin in state.markets
        ):
            return None
        if self._asked_at != self._fold.position:
            self._asked, self._asked_at = {}, self._fold.position
        if coin not in self._asked:
            self._asked[coin] = self._documents(coin)
        documents = self._asked[coin]
        return documents[HORIZONS.index(horizon_seconds)] if documents else None

    def history(
        self, coin: str, horizon_seconds: int, *, limit: int, before: int | None
    ) -> Sequence[bytes]:
        """Return issued signals, newest first, each encoded, older than journal position `before`."""
        return self._signals.history(coin, horizon_seconds, limit=limit, before=before)

    def regimes(self) -> Sequence[Regime]:
        """Return the regime of the market and of every coin with a model of its own."""
        regimes = self._fold.state.regimes
        return [regimes.fact(News(scope, None)) for scope in regimes.scopes]

    def regime_history(self, scope: str, limit: int) -> Sequence[bytes]:
        """Return the turns of a scope, newest first, each encoded."""
        return self._signals.turns(scope, limit=limit)

    def feature_importances(self) -> Sequence[FeatureImportance]:
        """Return what features were worth to the classifiers in service, champions first."""
        return self.importances()

    def alerts(
        self, asked: Asked, *, limit: int, before: tuple[int, int] | None
    ) -> Sequence[tuple[tuple[int, int], bytes]]:
        """Return alerts that are asked for, newest first, each encoded and with its place."""
        place = AFTER_ALL if before is None else Place(*before)
        return self._signals.alerts(asked, limit=limit, before=place)

    def alert_statistics(self) -> Sequence[RuleStatistics]:
        """Return how often each rule fired and was right."""
        counts = self._fold.alerts.memory.tally.counts
        return [_statistics(rule, count) for rule, count in sorted(counts.items())]

    def status(self) -> Status:
        """Return the service's account of itself."""
        fold, state, now = self._fold, self._fold.state, self._clock.now()
        return Status(
            version=version("smart-money-signal-system"),
            now=now,
            started_at=self._started_at,
            event_time=state.now,
            journal_position=fold.position,
            events_applied=state.applied,
            duplicates_ignored=state.ignored + self._subscriber.duplicates,
            dead_letters=self._bus.dead_letters,
            lag=dict(self._bus.lag),
            newest=dict(state.newest),
            sources={name: source.status for name, source in state.sources.known.items()},
            progress=self.progress.report(now),
            config_hash=fold.config.hash,
            state_hash=state.digest(),
            chain_hash=fold.processor.memory.chain,
            models={**state.regimes.versions, **state.directions.versions},
            challengers=state.directions.challengers,
            degraded=self.degraded(),
            retrain=self.retrain(),
        )

    def degraded(self) -> Mapping[str, str]:
        """Return why a model that was promoted does not serve, by its name."""
        state = self._fold.state
        return {**state.regimes.degraded, **state.directions.degraded, **self.refused()}

    async def checks(self) -> Mapping[str, str | None]:
        """Ping every adapter: its name and None if it answered, else what is wrong."""
        return await self._health.report()

    def _documents(self, coin: str) -> tuple[bytes, ...]:
        processor = self._fold.processor
        decision = processor.decision(coin)
        if decision is None:
            return ()
        return tuple(map(document, processor.signals(decision, self._fold.position)))


def _statistics(rule: str, count: Count) -> RuleStatistics:
    interval = wilson(count.right, count.resolved)
    return RuleStatistics(
        rule=rule,
        fired=count.fired,
        resolved=count.resolved,
        right=count.right,
        share_right=count.right / count.resolved if count.resolved else None,
        low=interval and interval.low,
        high=interval and interval.high,
    )
