from hashlib import sha256
from pathlib import Path

import pytest

from shared_events.errors import ConfigError
from shared_events.journal import JournalWriter
from signal_system.domain.rules import Rules
from signal_system.evaluation.replay import replay
from signal_system.fold import FoldConfig
from signal_system.signal_generation.chain import is_intact
from signal_system.testing.day import day, encoded
from signal_system.testing.events import book, member, price, status

CONFIG = FoldConfig(rules=Rules(min_voters=2))


def a_journal(folder: Path, *, pieces: int = 1, seed: int = 5) -> Path:
    records = encoded(day(seed, steps=200))
    size = -(-len(records) // pieces)
    with JournalWriter(folder, segment_bytes=4_096) as journal:
        for start in range(0, len(records), size):
            journal.append(records[start : start + size])
    return folder


def test_the_same_journal_gives_the_same_hashes_and_the_file_is_what_they_are_of(
    tmp_path: Path,
) -> None:
    lines: list[bytes] = []

    first = replay(a_journal(tmp_path / "one"), CONFIG, keep=lines.append)
    second = replay(a_journal(tmp_path / "two", pieces=17), CONFIG)

    assert first == second
    assert first.signals == len(lines) > 0
    assert sha256(b"".join(line + b"\n" for line in lines)).hexdigest() == first.signals_hash
    assert all(map(is_intact, lines))


def test_it_counts_what_it_folded(tmp_path: Path) -> None:
    seen: list[int] = []

    summary = replay(a_journal(tmp_path), CONFIG, on_progress=seen.append)

    assert summary.records.total() == len(seen) == seen[-1] + 1
    assert summary.records["tick"] > 0
    assert summary.first is not None
    assert summary.last is not None
    assert summary.first < summary.last


def test_other_rules_give_other_signals_of_the_same_state(tmp_path: Path) -> None:
    journal = a_journal(tmp_path)

    one, other = (replay(journal, config) for config in (CONFIG, FoldConfig(rules=Rules())))

    assert one.state_hash == other.state_hash
    assert one.signals_hash != other.signals_hash


def test_the_last_instant_of_a_recording_is_decided_too(tmp_path: Path) -> None:
    records = [
        status(recording=True, cadence_seconds=60.0),
        price("BTC", 100),
        *(member(n) for n in (1, 2, 3)),
        *(book(n, 1, {"BTC": 1}) for n in (1, 2, 3)),
    ]
    with JournalWriter(tmp_path) as journal:
        journal.append(encoded(records))

    assert replay(tmp_path, CONFIG).actions == {"BUY": 3}


@pytest.mark.parametrize("name", ["missing", "."])
def test_a_folder_without_a_journal_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="no journal"):
        replay(tmp_path / name, CONFIG)
