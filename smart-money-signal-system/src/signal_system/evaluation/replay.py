"""Folds a journal from its beginning and sums up what it leads to; the same every time."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from shared_events.envelope import StandardEvent
from shared_events.errors import ConfigError
from shared_events.journal import Tick, decode_record, read, segments
from shared_events.payloads import Signal
from signal_system.fold import Fold, FoldConfig, Issued
from signal_system.signal_generation.chain import document

LIST_HORIZON = 14_400

Event = StandardEvent[Any]


@dataclass(slots=True)
class Summary:
    """What a journal led to.

    Attributes
    ----------
    records
        How many of each kind were folded; ticks are a kind.
    first, last
        When the first and the last event were recorded.
    actions
        How many signals of each action were issued.
    coins
        The newest signal of each coin, over the horizon that the list shows.
    signals_hash
        SHA-256 over the documents of all signals, one a line.
    """

    records: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    coins: dict[str, Signal] = field(default_factory=dict)
    turned: int = 0
    first: datetime | None = None
    last: datetime | None = None
    state_hash: str = ""
    chain_hash: str = ""
    signals_hash: str = ""

    @property
    def signals(self) -> int:
        """How many signals were issued."""
        return self.actions.total()


def replay(
    journal: Path,
    config: FoldConfig,
    *,
    keep: Callable[[bytes], None] = lambda _: None,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Summary:
    """Return what the journal in `journal` leads to under `config`.

    Parameters
    ----------
    keep
        Called with the document of every signal.
    on_progress
        Called with every position.

    Raises
    ------
    ConfigError
        If there is no journal.
    """
    if not journal.is_dir() or not segments(journal):
        raise ConfigError(f"there is no journal in {journal}: name the folder that holds segments")
    summary, fold, digest = Summary(), Fold(config), sha256()
    for issued in _issued(journal, fold, summary, on_progress):
        if not isinstance(issued.data, Signal):
            summary.turned += 1
            continue
        raw = document(issued.data)
        digest.update(raw + b"\n")
        keep(raw)
        _count(summary, issued.data)
    summary.state_hash, summary.chain_hash = fold.state.digest(), fold.processor.memory.chain
    summary.signals_hash = digest.hexdigest()
    return summary


def newest(signals: Iterable[Signal], count: int) -> list[Signal]:
    """Return the `count` of `signals` with the largest gross exposure: those worth a look."""

    def gross(signal: Signal) -> tuple[float, str]:
        return float((signal.long_exposure or 0) + (signal.short_exposure or 0)), signal.coin

    return sorted(signals, key=gross, reverse=True)[:count]


def _issued(
    journal: Path, fold: Fold, summary: Summary, on_progress: Callable[[int], None]
) -> Iterator[Issued]:
    for position, raw in read(journal):
        record = decode_record(raw)
        _note(summary, record)
        yield from fold.apply(position, record)
        on_progress(position)
    for issued in fold.settle():
        yield from issued


def _note(summary: Summary, record: Event | Tick) -> None:
    if isinstance(record, Tick):
        summary.records["tick"] += 1
        return
    summary.records[record.type] += 1
    at = record.recorded_at
    summary.first = min(summary.first or at, at)
    summary.last = max(summary.last or at, at)


def _count(summary: Summary, signal: Signal) -> None:
    summary.actions[signal.action] += 1
    if signal.horizon_seconds == LIST_HORIZON:
        summary.coins[signal.coin] = signal
