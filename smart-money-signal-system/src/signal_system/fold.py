"""The one function of live, restart, replay and backtest: a record of the journal in, signals out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, cast

from msgspec import Raw, Struct, json, structs

from shared_events.envelope import StandardEvent, event
from shared_events.journal import Tick
from shared_events.payloads import Models, Outcome, Regime, Signal, WhaleAlert
from signal_system.directions import Slot, bet_of
from signal_system.domain.claims import Claim
from signal_system.domain.trader import Trader
from signal_system.fold_config import FoldConfig
from signal_system.ml.features.feed import FeatureFeed, FeedSnapshot, Told
from signal_system.ml.features.registry import SERVED
from signal_system.signal_generation.outcomes import Terms, came_true
from signal_system.signal_generation.processor import (
    Memory,
    Provenance,
    SignalGenerationProcessor,
)
from signal_system.state import Effect, State, StateSnapshot
from signal_system.weighting_engine import TraderWeightingEngine
from signal_system.whale_alerts.detector import AlertMemory, WhaleAlertDetector

__all__ = ["SNAPSHOT_VERSION", "SOURCE", "Encoded", "Fold", "FoldConfig", "FoldSnapshot", "Issued"]

SOURCE = "signal-system"
SNAPSHOT_VERSION = 10
"""Raised whenever a snapshot of an earlier build would be misread: the journal is folded instead."""

_LATEST_NEWS = timedelta(days=1)  # no bar that is asked about is longer

Issued = StandardEvent[Any]
"""A `signals`, `outcomes`, `regimes`, `predictions` or `whale_alerts` event that a record led to."""

Fact = Signal | Outcome | Regime | WhaleAlert


_ALERT_SECONDS = 14_400
"""After which an alert is held against the price."""


class FoldSnapshot(Struct, kw_only=True):
    """A fold after the record at `position`, made by the configuration with that hash.

    The bars that features follow from are not part of it: whoever keeps it keeps them beside it.
    """

    version: int
    config_hash: str
    position: int
    state: StateSnapshot
    memory: Memory
    features: FeedSnapshot
    alerts: AlertMemory


class Encoded(NamedTuple):
    """The largest parts of a snapshot, encoded before: the state's traders, the features' books."""

    traders: Sequence[Raw]
    books: Mapping[str, Raw]


class Fold:
    """State and decisions, record by record.

    The same records in the same order lead to the same events, byte for byte: nothing here reads a
    clock, and every id follows from the journal position.

    Parameters
    ----------
    config
        Rules, weighting and the regime's baseline.
    features
        Makes the features of every coin; one of its own unless somebody listens to its bars.
    on_rows
        Told of every row that a record led to.
    """

    def __init__(
        self,
        config: FoldConfig,
        features: FeatureFeed | None = None,
        on_rows: Callable[[Sequence[Told]], None] = lambda _: None,
    ) -> None:
        self.config, self.position = config, -1
        self.features, self._on_rows = features or FeatureFeed(SERVED), on_rows
        engine = TraderWeightingEngine(config.weighting)
        self.state = State(engine, config.rules, config.baseline)
        self.provenance = Provenance(
            arm=config.weighting.arm,
            config_hash=config.hash,
            models=Models(),
        )
        self.processor = self._processor(Memory())
        self.alerts = WhaleAlertDetector(config.alerts, self.state)

    def apply(self, position: int, record: StandardEvent[Any] | Tick) -> list[Issued]:
        """Take the record at `position` and return what it led to."""
        return [event for issued in self.steps(position, record) for event in issued]

    def steps(self, position: int, record: StandardEvent[Any] | Tick) -> Iterator[list[Issued]]:
        """Take the record at `position` and yield what it led to in pieces, all of them to be taken.

        What is shown in between is right; a snapshot in between would not be.
        """
        if self._ends_an_instant(record):
            yield from self.settle()
        before, touched = self.state.now, set[str]()
        if self.state.is_due(_moment(record)):
            for coins in self.state.advance(_moment(record)):
                touched.update(coins)
                yield []
        effect = self.state.apply(record)
        self.position = position
        if before is not None and self.state.now is not None and self.state.now < before:
            self.processor.rewind()
            self.alerts.rewind()
        yield from self._facts(record, effect)
        touched.update(effect.coins)
        for signals in self.processor.react(touched, position):
            yield self._issued(signals)
        yield from self._see_features(record)

    def _facts(self, record: StandardEvent[Any] | Tick, effect: Effect) -> Iterator[list[Issued]]:
        """Yield what there is to tell whatever is decided: regimes, predictions, outcomes, alerts."""
        if effect.regimes:
            yield [self._event(self.state.regimes.fact(news)) for news in effect.regimes]
        if isinstance(record, StandardEvent) and record.type == "predictions":
            self._join(record)
            yield [record]
        if outcomes := self._outcomes(effect):
            for outcome in outcomes:
                self.alerts.memory.tally.learn(outcome)
            yield [self._event(outcome) for outcome in outcomes]
        if alerts := self._alerts(record, effect):
            yield [self._alerted(alert) for alert in alerts]

    def may_ask(self, record: StandardEvent[Any]) -> bool:
        """Tell whether `record` may lead to a row that a classifier is asked about."""
        return (
            record.type == "candles"
            and record.data.closed
            and bool(self.state.directions.serving)
            and record.recorded_at - record.data.close_time < _LATEST_NEWS
        )

    def settle(self) -> Iterator[list[Issued]]:
        """Decide what a recording's present instant touched: no further record belongs to it."""
        for signals in self.processor.settle(self.position):
            yield self._issued(signals)

    def snapshot(self, encoded: Encoded | None = None) -> bytes:
        """Return all that `restore` needs to go on after this position, but for features' bars.

        Parameters
        ----------
        encoded
            Most of the work, if somebody took the time to do it before.
        """
        features = self.features.snapshot()
        if encoded is not None:
            features = _with_books(features, encoded.books)
        whole = FoldSnapshot(
            version=SNAPSHOT_VERSION,
            config_hash=self.config.hash,
            position=self.position,
            state=self.state.snapshot(encoded and encoded.traders),
            memory=self.processor.memory,
            features=features,
            alerts=self.alerts.snapshot(),
        )
        return json.encode(whole)

    def restore(self, saved: FoldSnapshot) -> None:
        """Become the fold that `saved` was taken of; this one must be new."""
        self.state.restore(saved.state)
        self.features.restore(saved.features)
        self.alerts.restore(saved.alerts)
        self.go_on(saved.position, saved.memory)

    def go_on(self, position: int, memory: Memory) -> None:
        """Decide on from `memory`, the state being that after the record at `position`."""
        self.position = position
        self.processor = self._processor(memory)

    def _see_features(self, record: StandardEvent[Any] | Tick) -> Iterator[list[Issued]]:
        if isinstance(record, Tick):
            return
        if record.type == "models":
            self._ask_at_once(record)
        rows = list[Told]()
        for told in self.features.steps(record):
            if told is None:
                yield []
            else:
                rows.append(told)
                self.state.directions.ask(
                    told, self.features.series[told.spec.hash][told.coin].bars
                )
        if rows:
            self._on_rows(rows)

    def _ask_at_once(self, record: StandardEvent[Any]) -> None:
        """Ask a version that came into service about the newest row: it need not wait for the next."""
        slot = Slot(record.data.name, record.data.role)
        if slot not in self.state.directions.serving:
            return
        parameters = self.state.directions.parameters(slot)
        series = self.features.series[parameters.spec_hash].get(parameters.coin)
        row = series.newest_row(record.recorded_at) if series else None
        if series and row:
            told = Told(series.spec, parameters.coin, row)
            self.state.directions.ask(told, series.bars, slot)

    def _processor(self, memory: Memory) -> SignalGenerationProcessor:
        return SignalGenerationProcessor(self.state, self.config.rules, self.provenance, memory)

    def _ends_an_instant(self, record: StandardEvent[Any] | Tick) -> bool:
        """Tell whether a recording's time moves on."""
        now = self.state.now
        return self.state.recording and now is not None and _moment(record) > now

    def _join(self, record: StandardEvent[Any]) -> None:
        """Keep what a prediction claims until time tells."""
        claim = bet_of(record.data, record.id)
        if claim is not None and claim.bet is not None:
            self.processor.memory.outcomes.join(claim, repeats=claim.bet.model)

    def _outcomes(self, effect: Effect) -> list[Outcome]:
        """Return what became of earlier claims, now that something was heard and time has passed."""
        open_, now = self.processor.memory.outcomes, self.state.now
        if now is None or not (effect.quote or effect.bar or open_.is_due(now)):
            return []
        rules = self.config.rules
        limit = timedelta(seconds=self.state.price_limit)
        terms = Terms(
            cost=Decimal(str(rules.round_trip_cost)),
            near=limit,
            late=max(limit, timedelta(seconds=rules.late_seconds)),
        )
        told = list[Outcome]()
        for claim, outcome in open_.hear(*effect.quote, now, terms) if effect.quote else ():
            realised = came_true(outcome)
            if realised is not None and claim.base is not None:
                self.processor.learn(claim, realised)
            told.append(outcome)
        for bet, outcome in open_.see(effect.bar, terms) if effect.bar else ():
            self.state.directions.score(bet, outcome)
            told.append(outcome)
        return [*told, *open_.give_up(now, terms)]

    def _alerts(self, record: StandardEvent[Any] | Tick, effect: Effect) -> list[WhaleAlert]:
        """Return what is worth an alert in a record that had that effect."""
        if isinstance(record, Tick):
            status, now = self.processor.status(), self.state.now
            if status is None or now is None or self.state.recording:
                return []
            return list(self.alerts.tick(status, now))
        at = record.recorded_at
        if effect.moved is not None:
            return list(self.alerts.hear(record.data, effect.moved, at, record.id))
        return list(self.alerts.price(effect.quote.coin, at)) if effect.quote else []

    def _alerted(self, alert: WhaleAlert) -> Issued:
        """Return the event of `alert`; the first of a move is a claim whose outcome will be told."""
        event_, tally = self._event(alert), self.alerts.memory.tally
        claim = None if alert.supersedes else self._claim_of(alert, event_.id)
        joined = claim is not None and self.processor.memory.outcomes.join(claim)
        if alert.supersedes is None:
            tally.fire(alert.rule, event_.id if joined else None)
        return event_

    def _claim_of(self, alert: WhaleAlert, event_id: str) -> Claim | None:
        """Return what `alert` claims of the price: that it goes on the way the whale went."""
        market = self.state.markets.get(alert.coin or "")
        if alert.coin is None or alert.side is None or market is None or market.mark is None:
            return None
        return Claim(
            id=event_id,
            coin=alert.coin,
            action="BUY" if alert.side == "buy" else "SELL",
            said_at=alert.at,
            horizon_seconds=_ALERT_SECONDS,
            reference_price=market.mark,
        )

    def _issued(self, signals: Sequence[Signal]) -> list[Issued]:
        """Return the events of `signals`; those with a price are claims whose outcome will be told."""
        events = [self._event(signal) for signal in signals]
        for event_, signal in zip(events, signals, strict=True):
            if signal.reference_price is None:
                continue
            claim = Claim(
                id=event_.id,
                coin=signal.coin,
                action=signal.action,
                said_at=signal.as_of,
                horizon_seconds=signal.horizon_seconds,
                reference_price=signal.reference_price,
                score=signal.score,
                base=signal.base_rates,
            )
            self.processor.memory.outcomes.join(claim, repeats=signal.subject)
        return events

    def _event(self, fact: Fact) -> Issued:
        at = _time_of(fact)
        return event(fact, source=SOURCE, time=at, recorded_at=self.state.now or at)


def _with_books(features: FeedSnapshot, books: Mapping[str, Raw]) -> FeedSnapshot:
    assembler = features.assembler
    known = structs.replace(assembler.books, traders=cast("dict[str, Trader]", books))
    return FeedSnapshot(features.specs, structs.replace(assembler, books=known))


def _moment(record: StandardEvent[Any] | Tick) -> datetime:
    return record.at if isinstance(record, Tick) else record.recorded_at


def _time_of(fact: Fact) -> datetime:
    """Return when what `fact` tells of happened."""
    if isinstance(fact, Signal):
        return fact.as_of
    return fact.resolved_at if isinstance(fact, Outcome) else fact.at
