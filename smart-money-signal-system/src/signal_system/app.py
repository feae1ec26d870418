"""The composition root: the only place where ports meet adapters."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from socket import gethostname

import structlog
from msgspec import Raw, json

from shared_events.bus.consumer import consume
from shared_events.bus.open import open_bus
from shared_events.bus.patience import patiently
from shared_events.bus.port import EventBus, Subscription
from shared_events.errors import BusUnavailableError, DataError
from shared_events.journal import JournalWriter, forget
from shared_events.runtime.clock import Clock, SystemClock
from shared_events.runtime.health import Health
from shared_events.runtime.serving import serving
from signal_system import drift_watch
from signal_system.api import web
from signal_system.config import Settings
from signal_system.drift_watch import DriftWatch
from signal_system.event_subscriber import GROUP, TYPES, EventSubscriber, remembered
from signal_system.feature_keeping import BarKeeper
from signal_system.feature_serving import FeatureServing
from signal_system.fold import SOURCE, Encoded, Fold
from signal_system.importance_serving import feature_importances
from signal_system.ml.features.feed import FeatureFeed
from signal_system.ml.features.registry import SERVED
from signal_system.ml.model_registry import ModelRegistry
from signal_system.model_desk import LiveModelDesk
from signal_system.model_watcher import LOOK_SECONDS, ModelWatcher
from signal_system.notifiers.desk import NotifierDesk, Notifiers, open_notifiers
from signal_system.notifiers.receivers import read_receivers
from signal_system.pacing import Pacer
from signal_system.predicting import Predictor
from signal_system.read_model import BusFigures, LiveReadModel
from signal_system.restoring import restore
from signal_system.signal_store import SignalStore
from signal_system.storage.feature_redis import OnlineFeatures, open_online
from signal_system.storage.ledger import Ledger
from signal_system.storage.port import Place, StorageError, Store
from signal_system.storage.served_features import ServedFeatures
from signal_system.storage.sqlite import SqliteStore
from signal_system.storage.sqlite_outbox import SqliteOutbox

log = structlog.get_logger()

CONSUMER = "signal-system"

_LOOK_SECONDS = 0.5
_LAG_SECONDS = 2.0
_LETTERS_SECONDS = 30.0
_RETENTION_SECONDS = 60.0
_FORGOTTEN_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Adapters:
    """What a service talks to; `online` is None without Redis."""

    bus: EventBus
    store: Store
    ledger: Ledger
    notifiers: Notifiers
    journal: JournalWriter
    online: OnlineFeatures | None


class Service:
    """The parts of a running signal system.

    Attributes
    ----------
    read_model, desk
        Answer the HTTP side.
    fold
        State and decisions.
    features
        Brings what the fold makes of candles to where others find it.
    restored
        Set once the journal is folded and the bus is read.
    """

    def __init__(self, settings: Settings, adapters: Adapters, clock: Clock) -> None:
        bus, store, journal = adapters.bus, adapters.store, adapters.journal
        self._settings, self._bus, self._store, self._clock = settings, bus, store, clock
        self._journal = journal
        self._bars = BarKeeper()
        self.features = FeatureServing(ServedFeatures(settings.served), adapters.online)
        feed = FeatureFeed(SERVED, self._bars.hear)
        self.fold = Fold(settings.fold_config(), feed, self.features.add)
        self._signals = SignalStore(store)
        self._notifiers = NotifierDesk(adapters.notifiers, self._signals, adapters.ledger, clock)
        ids = remembered(settings.journal, journal.next_position)
        predictor = Predictor(SOURCE)
        self._subscriber = EventSubscriber(
            journal,
            self.fold,
            ids,
            clock=clock,
            listener=self._signals.add,
            predictor=predictor,
        )
        self._figures = BusFigures()
        health = Health(
            {
                "bus": bus.ping,
                "events": self._missed_nothing,
                "store": partial(asyncio.to_thread, store.ping),
            }
        )
        self.read_model = LiveReadModel(
            self.fold, self._signals, self._subscriber, self._figures, health, clock
        )
        registry = ModelRegistry(settings.registry)
        self.read_model.importances = lambda: feature_importances(
            self.fold.state.directions, predictor
        )
        self._watcher = ModelWatcher(registry, self._subscriber, self.fold, predictor)
        self.read_model.refused = lambda: self._watcher.refused
        self._drift = DriftWatch(self.fold, clock)
        self.read_model.retrain = lambda: self._drift.proposals
        self.desk = LiveModelDesk(
            registry, self.fold, predictor, self._drift, self.read_model.degraded
        )
        self.restored = asyncio.Event()
        self.port: int | None = None
        self._kept_position = -1

    async def run(self) -> None:
        """Restore, then consume, tick, publish and keep, until cancelled."""
        await restore(
            self.fold,
            self._store,
            self._settings.journal,
            self._journal.next_position,
            self._signals.add,
        )
        await self._watcher.look()
        self.read_model.progress.restored = True
        async with self._subscription() as subscription, asyncio.TaskGroup() as tasks:
            self.restored.set()
            tasks.create_task(consume(subscription, self._subscriber.handle, clock=self._clock))
            tasks.create_task(self._subscriber.tick_for_ever())
            tasks.create_task(self._signals.publish_to(self._bus, self._clock))
            tasks.create_task(self._notifiers.run(Place(self.fold.position + 1, -1)))
            tasks.create_task(self.features.serve(self._clock))
            tasks.create_task(self._keep_for_ever())
            tasks.create_task(self._every(LOOK_SECONDS, self._watcher.look))
            tasks.create_task(self._every(drift_watch.LOOK_SECONDS, self._drift.look))
            tasks.create_task(self._every(_LAG_SECONDS, self._ask_for_lag))
            tasks.create_task(self._every(_LETTERS_SECONDS, self._count_dead_letters))
            tasks.create_task(self._every(_RETENTION_SECONDS, self.forget_the_old))

    @asynccontextmanager
    async def _subscription(self) -> AsyncIterator[Subscription]:
        """Subscribe as soon as the bus is there."""
        async with AsyncExitStack() as stack:

            async def subscribed() -> Subscription:
                return await stack.enter_async_context(self._bus.subscribe(GROUP, TYPES))

            yield await patiently(subscribed, clock=self._clock)

    async def keep(self) -> None:
        """Store a checkpoint, unless nothing happened since the last."""
        async with self._subscriber.paused():
            position = self.fold.position
            if position == self._kept_position:
                return
            bars = await self._bars.kept(self.fold.features)
            snapshot = self.fold.snapshot(await self._encoded())
            checkpoint = self._signals.checkpoint(position, snapshot, bars)
        try:
            await self._signals.commit(checkpoint)
        except StorageError as e:
            self._bars.keep_again(bars)
            log.warning("checkpoint_failed", reason=str(e))
        else:
            self._kept_position = position

    async def forget_the_old(self) -> None:
        """Let go of old signals, and of the journal's old segments that a snapshot stands for."""
        now, settings = self.fold.state.now, self._settings
        if now is None:
            return
        until = now - timedelta(days=settings.history_days)
        before = now - timedelta(days=settings.journal_days)
        try:
            await asyncio.to_thread(self._store.forget_before, until, _FORGOTTEN_AT_ONCE)
            freed = await asyncio.to_thread(forget, settings.journal, before, self._kept_position)
        except (StorageError, OSError) as e:
            log.warning("history_not_forgotten", reason=str(e))
        else:
            if freed:
                log.info("journal_forgotten", before=before.isoformat(), freed_bytes=freed)
        await self.features.forget_before(until)

    async def _missed_nothing(self) -> None:
        lost = [each.event_type for each in await self._bus.lost_groups() if each.group == GROUP]
        if lost:
            raise DataError(
                f"so far behind that the bus dropped unread {', '.join(sorted(lost))}; whole books"
                " come again by themselves, the rest does not"
            )

    async def _encoded(self) -> Encoded:
        pacer, traders, books = Pacer(), list[Raw](), dict[str, Raw]()
        for trader in self.fold.state.traders.values():
            traders.append(Raw(json.encode(trader)))
            await pacer.breathe()
        for address, trader in self.fold.features.assembler.books.traders.items():
            books[address] = Raw(json.encode(trader))
            await pacer.breathe()
        return Encoded(traders, books)

    async def _keep_for_ever(self) -> None:
        waited = 0.0
        while True:
            await self._clock.sleep(_LOOK_SECONDS)
            waited += _LOOK_SECONDS
            grown = self.fold.position - self._kept_position
            if waited >= self._settings.checkpoint_seconds or (
                grown >= self._settings.checkpoint_records
            ):
                waited = 0.0
                await self.keep()

    async def _every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await work()
            await self._clock.sleep(seconds)

    async def _ask_for_lag(self) -> None:
        try:
            self._figures.lag = await self._bus.lag(GROUP)
        except BusUnavailableError as e:
            log.warning("lag_unknown", reason=str(e))

    async def _count_dead_letters(self) -> None:
        try:
            letters = [await self._bus.dead_letters(event_type) for event_type in TYPES]
        except BusUnavailableError as e:
            log.warning("dead_letters_unknown", reason=str(e))
        else:
            self._figures.dead_letters = sum(map(len, letters))


def open_store(settings: Settings) -> Store:
    """Open the store that the settings name, to be closed by the caller.

    Raises
    ------
    ConfigError
        If it cannot be used.
    """
    return SqliteStore.open(settings.database)


@asynccontextmanager
async def running(
    settings: Settings,
    *,
    bus: EventBus | None = None,
    clock: Clock | None = None,
    serve: bool = True,
) -> AsyncIterator[Service]:
    """Run a signal system for as long as the context lasts; leaving it stops everything in order.

    Parameters
    ----------
    bus
        Where events come from and signals go; None opens the one that the settings name.
    serve
        Whether to answer HTTP.

    Raises
    ------
    ConfigError
        If the settings cannot work.
    """
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        receivers = read_receivers(settings.receivers_file)
        notifiers = await open_notifiers(receivers, clock, stack)
        store = stack.enter_context(closing(open_store(settings)))
        ledger = stack.enter_context(closing(SqliteOutbox.open(settings.database)))
        journal = stack.enter_context(JournalWriter(settings.journal, fsync=settings.journal_fsync))
        if bus is None:
            holder = f"{gethostname()}:{settings.data_dir.resolve()}"
            opened = open_bus(settings.bus_url, consumer=CONSUMER, holder=holder)
            bus = await stack.enter_async_context(opened)
        online = await stack.enter_async_context(open_online(settings.bus_url))
        adapters = Adapters(bus, store, ledger, notifiers, journal, online)
        service = Service(settings, adapters, clock)
        if serve:
            app = web.build(service.read_model, bus, settings, service.desk)
            service.port = await stack.enter_async_context(
                serving(
                    app,
                    settings.api_host,
                    settings.api_port,
                    setting="SIGNAL_SYSTEM_API_PORT (or API_PORT)",
                )
            )
        async with asyncio.TaskGroup() as tasks:
            work = tasks.create_task(service.run())
            try:
                yield service
            finally:
                work.cancel()
                await asyncio.wait({work})
                await service.keep()
                log.info("signal_system_stopped", journal_position=service.fold.position)
