"""From a snapshot and the journal back to where the service was."""

from pathlib import Path
from time import perf_counter

import structlog
from msgspec import MsgspecError, Struct, json

from shared_events.envelope import StandardEvent
from shared_events.journal import decode_record, oldest, read
from signal_system.event_subscriber import Listener
from signal_system.feature_keeping import bars_of, series_of
from signal_system.fold import SNAPSHOT_VERSION, Fold, FoldSnapshot
from signal_system.pacing import Pacer
from signal_system.storage.port import StorageError, Store

log = structlog.get_logger()

_WORK_SECONDS = 0.01  # nothing but the API waits meanwhile


class _Head(Struct):
    version: int


def newest_snapshot(store: Store, journal_end: int) -> FoldSnapshot | None:
    """Return the snapshot to go on from; None if the whole journal has to be folded.

    One that is ahead of the journal (power was lost before the disk had the journal's end) is
    dropped with everything issued from there on: the journal is the truth.
    """
    try:
        raw = store.snapshot()
        if raw is None:
            return None
        version = json.decode(raw, type=_Head).version
        saved = json.decode(raw, type=FoldSnapshot) if version == SNAPSHOT_VERSION else None
    except (MsgspecError, UnicodeDecodeError, StorageError) as e:
        log.warning("snapshot_unreadable", reason=str(e))
        return None
    if saved is None:
        log.warning("snapshot_of_another_build", version=version, expected=SNAPSHOT_VERSION)
        return None
    if saved.position >= journal_end:
        log.error("snapshot_ahead_of_journal", snapshot=saved.position, journal=journal_end)
        store.forget_from(journal_end)
        return None
    return saved


async def restore(fold: Fold, store: Store, journal: Path, end: int, listener: Listener) -> None:
    """Bring the new `fold` to the journal's end; `listener` hears what the tail leads to.

    After a change of settings, or of the features' definitions, the state is folded anew, while
    decisions and their chain go on from the snapshot: what was issued is history.
    """
    saved, began = newest_snapshot(store, end), perf_counter()
    if saved is not None and await _restored(fold, store, saved):
        fold.restore(saved)
    elif saved is not None:
        await _refold_state(fold, journal, saved)
    start = fold.position + 1 or oldest(journal)
    await _fold_tail(fold, journal, start, listener)
    log.info(
        "restored",
        snapshot=None if saved is None else saved.position,
        folded=fold.position + 1 - start,
        seconds=round(perf_counter() - began, 3),
    )


async def _restored(fold: Fold, store: Store, saved: FoldSnapshot) -> bool:
    """Load the bars kept with `saved`; False if `saved` is not of this fold's making."""
    if saved.config_hash != fold.config.hash:
        log.warning("settings_changed", before=saved.config_hash, now=fold.config.hash)
        return False
    if saved.features.specs != fold.features.hashes:
        log.warning("feature_specs_changed", before=saved.features.specs, now=fold.features.hashes)
        return False
    pacer = Pacer(_WORK_SECONDS)
    try:
        for series in store.series():
            coin, interval = series_of(series)
            fold.features.load(coin, interval, bars_of(store, series))
            await pacer.breathe()
    except (MsgspecError, StorageError) as e:
        log.warning("bars_unreadable", reason=str(e))
        fold.features.clear()
        return False
    return True


async def _refold_state(fold: Fold, journal: Path, saved: FoldSnapshot) -> None:
    pacer = Pacer(_WORK_SECONDS)
    for position, raw in read(journal):
        if position > saved.position:
            break
        record = decode_record(raw)
        fold.state.apply(record)
        if isinstance(record, StandardEvent):
            fold.features.apply(record)
        await pacer.breathe()
    fold.go_on(saved.position, saved.memory)


async def _fold_tail(fold: Fold, journal: Path, start: int, listener: Listener) -> None:
    pacer = Pacer(_WORK_SECONDS)
    for position, raw in read(journal, start):
        for issued in fold.steps(position, decode_record(raw)):
            listener(position, issued)
        await pacer.breathe()
