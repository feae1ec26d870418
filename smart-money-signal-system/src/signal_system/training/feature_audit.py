"""Compares the features that were served with those that the journal leads to."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from shared_events.envelope import StandardEvent
from shared_events.journal import decode_record, read
from signal_system.ml.features.feed import FeatureFeed, Told
from signal_system.ml.features.spec import FeatureSpec
from signal_system.storage.served_features import Served

Key = tuple[str, str, int, int]


@dataclass(slots=True)
class Audit:
    """What came of one spec's served rows.

    Attributes
    ----------
    served
        All of them.
    missing
        Rows that the journal does not lead to: it begins too late, or they were never its own.
    equal
        Rows that it leads to, bit for bit.
    columns
        How many of the others differ by column.
    """

    served: int = 0
    missing: int = 0
    equal: int = 0
    columns: dict[str, int] = field(default_factory=dict)

    @property
    def share(self) -> float | None:
        """The part of the recomputed rows that is equal; None if there are none."""
        found = self.served - self.missing
        return self.equal / found if found else None


def audit(
    journal: Path,
    served: Iterable[Served],
    specs: Sequence[FeatureSpec],
    on_progress: Callable[[int], None] = lambda _: None,
) -> Mapping[str, Audit]:
    """Fold `journal` anew and compare what it leads to with what was `served`, by spec hash.

    Rows of specs that are not among `specs` count as missing, under their own hash.
    """
    open_rows = {_key(each): each.values for each in served}
    found = dict[str, Audit]()
    for spec_hash, *_ in open_rows:
        found.setdefault(spec_hash, Audit()).served += 1
    feed = FeatureFeed(specs)
    for position, raw in read(journal):
        on_progress(position)
        record = decode_record(raw)
        for told in feed.apply(record) if isinstance(record, StandardEvent) else ():
            values = open_rows.pop(_key_of(told), None)
            if values is not None:
                _compare(found[told.spec.hash], told, values)
    for spec_hash, *_ in open_rows:
        found[spec_hash].missing += 1
    return found


def _compare(found: Audit, told: Told, served: bytes) -> None:
    if told.row.values.astype("<f4").tobytes() == served:
        found.equal += 1
        return
    values = np.frombuffer(served, "<f4")
    same = (values == told.row.values) | (np.isnan(values) & np.isnan(told.row.values))
    for name, each in zip(told.spec.names, same, strict=True):
        if not each:
            found.columns[name] = found.columns.get(name, 0) + 1


def _key(row: Served) -> Key:
    return row.spec_hash, row.coin, row.event_ms, row.available_ms


def _key_of(told: Told) -> Key:
    return told.spec.hash, told.coin, told.row.event_ms, told.row.available_ms
