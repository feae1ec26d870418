"""The one function of live, restart, replay and backtest: a record of the journal in, signals out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from msgspec import Raw, Struct, json

from shared_events.envelope import StandardEvent, event
from shared_events.journal import Tick
from shared_events.payloads import Models, Outcome, Regime, Signal
from signal_system.domain.rules import Rules
from signal_system.ml.band import Band
from signal_system.signal_generation.outcomes import Claim, Terms
from signal_system.signal_generation.processor import (
    Memory,
    Provenance,
    SignalGenerationProcessor,
)
from signal_system.state import Quote, State, StateSnapshot
from signal_system.weighting_engine import TraderWeightingEngine, WeightingConfig

SOURCE = "signal-system"
SNAPSHOT_VERSION = 4
"""Raised whenever a snapshot of an earlier build would be misread: the journal is folded instead."""

Issued = StandardEvent[Any]
"""A `signals`, `outcomes` or `regimes` event that a record led to."""


@dataclass(frozen=True, slots=True)
class FoldConfig:
    """Everything that decides which signals a journal leads to; its models are in the journal."""

    rules: Rules = field(default_factory=Rules)
    weighting: WeightingConfig = field(default_factory=WeightingConfig)
    baseline: Band = field(default_factory=Band)

    @property
    def hash(self) -> str:
        """Sixteen hexadecimal digits that change with any setting that could change a signal."""
        parts = [
            part.model_dump(mode="json") for part in (self.rules, self.weighting, self.baseline)
        ]
        return sha256(json.encode(parts, order="sorted")).hexdigest()[:16]


class FoldSnapshot(Struct, kw_only=True):
    """A fold after the record at `position`, made by the configuration with that hash."""

    version: int
    config_hash: str
    position: int
    state: StateSnapshot
    memory: Memory


class Fold:
    """State and decisions, record by record.

    The same records in the same order lead to the same events, byte for byte: nothing here reads a
    clock, and every id follows from the journal position.

    Parameters
    ----------
    config
        Rules, weighting and the regime's baseline.
    """

    def __init__(self, config: FoldConfig) -> None:
        self.config, self.position = config, -1
        engine = TraderWeightingEngine(config.weighting)
        self.state = State(engine, config.rules, config.baseline)
        self.provenance = Provenance(
            scheme=engine.scheme,
            arm=config.weighting.arm,
            config_hash=config.hash,
            models=Models(),
        )
        self.processor = self._processor(Memory())

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
        if effect.regimes:
            yield [self._event(self.state.regimes.fact(news)) for news in effect.regimes]
        if outcomes := self._outcomes(effect.quote):
            yield [self._event(outcome) for outcome in outcomes]
        touched.update(effect.coins)
        for signals in self.processor.react(touched, position):
            yield self._issued(signals)

    def settle(self) -> Iterator[list[Issued]]:
        """Decide what a recording's present instant touched: no further record belongs to it."""
        for signals in self.processor.settle(self.position):
            yield self._issued(signals)

    def snapshot(self, traders: Sequence[Raw] | None = None) -> bytes:
        """Return all that `restore` needs to go on after this position.

        Parameters
        ----------
        traders
            The state's traders, if somebody took the time to encode them before: most of the work.
        """
        whole = FoldSnapshot(
            version=SNAPSHOT_VERSION,
            config_hash=self.config.hash,
            position=self.position,
            state=self.state.snapshot(traders),
            memory=self.processor.memory,
        )
        return json.encode(whole)

    def restore(self, saved: FoldSnapshot) -> None:
        """Become the fold that `saved` was taken of; this one must be new."""
        self.state.restore(saved.state)
        self.go_on(saved.position, saved.memory)

    def go_on(self, position: int, memory: Memory) -> None:
        """Decide on from `memory`, the state being that after the record at `position`."""
        self.position = position
        self.processor = self._processor(memory)

    def _processor(self, memory: Memory) -> SignalGenerationProcessor:
        return SignalGenerationProcessor(self.state, self.config.rules, self.provenance, memory)

    def _ends_an_instant(self, record: StandardEvent[Any] | Tick) -> bool:
        """Tell whether a recording's time moves on."""
        now = self.state.now
        return self.state.recording and now is not None and _moment(record) > now

    def _outcomes(self, quote: Quote | None) -> list[Outcome]:
        """Return what became of earlier signals, now that `quote` was heard and time has passed."""
        open_, now = self.processor.memory.outcomes, self.state.now
        if now is None or (quote is None and not open_.is_due(now)):
            return []
        rules = self.config.rules
        limit = timedelta(seconds=self.state.price_limit)
        terms = Terms(
            cost=Decimal(str(rules.round_trip_cost)),
            near=limit,
            late=max(limit, timedelta(seconds=rules.late_seconds)),
        )
        told = list(open_.hear(*quote, now, terms)) if quote else []
        return [*told, *open_.give_up(now, terms)]

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
            )
            self.processor.memory.outcomes.join(claim, repeats=signal.subject)
        return events

    def _event(self, fact: Signal | Outcome | Regime) -> Issued:
        at = _time_of(fact)
        return event(fact, source=SOURCE, time=at, recorded_at=self.state.now or at)


def _moment(record: StandardEvent[Any] | Tick) -> datetime:
    return record.at if isinstance(record, Tick) else record.recorded_at


def _time_of(fact: Signal | Outcome | Regime) -> datetime:
    """Return when what `fact` tells of happened."""
    if isinstance(fact, Signal):
        return fact.as_of
    return fact.resolved_at if isinstance(fact, Outcome) else fact.at
