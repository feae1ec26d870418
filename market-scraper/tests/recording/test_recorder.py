"""Notes on disk: all of them, in order, bounded, and never in the way."""

from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from market_scraper.errors import RecordingError
from market_scraper.positions.roster import Member
from market_scraper.recording.notes import (
    Note,
    Rules,
    decode_roster,
    decode_rules,
    encode_note,
    encode_roster,
    is_notes,
    notes,
)
from market_scraper.recording.recorder import KEY_SECONDS, Recorder
from shared_events.errors import ConfigError
from shared_events.journal import JournalDamagedError, JournalWriter, segments, verify
from shared_events.runtime.clock import ManualClock
from shared_events.testing.factories import NOON, an_address

RULES = Rules(("BTC",), 20, 900.0, 500, Decimal(1_000), 5.0, 400)
NOON_US = int(NOON.timestamp()) * 1_000_000


def opened(folder: Path, clock: ManualClock, most_bytes: int = 1 << 30) -> Recorder:
    return Recorder.open(folder, clock, RULES, most_bytes=most_bytes)


async def test_what_came_in_is_kept_as_it_came_with_its_time(
    tmp_path: Path, clock: ManualClock
) -> None:
    recorder = opened(tmp_path, clock)
    raw = b'{"channel":"trades","data":[]}\xff\x00'
    clock.advance(0.000_25)
    recorder("frame", "2", raw)
    await recorder.settle()
    recorder("answer", '{"type":"meta"}', b"null")
    await recorder.settle()
    recorder.close()

    begin, settings, frame, answer = notes(tmp_path)

    assert (begin.kind, decode_rules(settings.body)) == ("begin", RULES)
    assert frame == Note(NOON_US + 250, "frame", "2", raw)
    assert answer == Note(NOON_US + 250, "answer", '{"type":"meta"}', b"null")
    assert recorder.noted == 4
    assert verify(tmp_path).torn_bytes == 0


async def test_a_run_goes_on_where_the_one_before_ended(tmp_path: Path, clock: ManualClock) -> None:
    for _ in range(2):
        recorder = opened(tmp_path, clock)
        await recorder.settle()
        recorder.close()

    assert [note.kind for note in notes(tmp_path)] == ["begin", "settings"] * 2


async def test_settings_and_roster_are_repeated_so_that_any_part_can_be_played(
    tmp_path: Path, clock: ManualClock
) -> None:
    members = [Member(an_address(1), Decimal("71.50"), "leaderboard")]
    recorder = opened(tmp_path, clock)
    recorder("roster", "", encode_roster(members))
    for _ in range(3):
        clock.advance(KEY_SECONDS / 2)
        recorder("frame", "0", b"x")
    await recorder.settle()
    recorder.close()

    written = list(notes(tmp_path))

    assert [note.kind for note in written] == [
        *("begin", "settings", "roster", "frame", "frame", "settings", "roster", "frame"),
    ]
    assert [decode_roster(note.body) for note in written if note.kind == "roster"] == [members] * 2


async def test_the_oldest_is_given_up_when_there_is_too_much(
    tmp_path: Path, clock: ManualClock
) -> None:
    recorder = opened(tmp_path, clock, most_bytes=600_000)
    bodies = []
    for n in range(60):
        bodies.append(Random(n).randbytes(40_000))
        clock.advance(60)
        recorder("frame", "0", bodies[-1])
        await recorder.settle()
    recorder.close()

    kept = [note.body for note in notes(tmp_path) if note.kind == "frame"]

    size = sum(segment.size for segment in segments(tmp_path))
    assert size <= 600_000
    assert 2 < len(kept) < 60
    assert kept == bodies[-len(kept) :]
    assert any(note.kind == "settings" for note in notes(tmp_path))


async def test_a_disk_that_fills_up_costs_the_oldest_first(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = opened(tmp_path, clock, most_bytes=1 << 20)
    for n in range(20):
        recorder("frame", "0", Random(n).randbytes(100_000))
        await recorder.settle()
    before = len(segments(tmp_path))

    monkeypatch.setattr("market_scraper.recording.recorder.LEAST_FREE_BYTES", 1 << 60)
    recorder("frame", "0", b"newest")
    await recorder.settle()
    recorder.close()

    assert before > 1
    assert len(segments(tmp_path)) == 1
    assert list(notes(tmp_path))[-1].body == b"newest"


async def test_what_waits_for_a_slow_disk_is_bounded_and_counted(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("market_scraper.recording.recorder.MOST_WAITING_BYTES", 2_000)
    recorder = opened(tmp_path, clock)
    for _ in range(5):
        recorder("frame", "0", b"x" * 600)

    await recorder.settle()
    recorder("frame", "0", b"again")
    await recorder.settle()
    recorder.close()

    frames = [note.body for note in notes(tmp_path) if note.kind == "frame"]
    assert recorder.lost == 5 + 1 - len(frames)
    assert recorder.lost > 0
    assert frames[-1] == b"again"


def test_two_recorders_do_not_share_a_folder(tmp_path: Path, clock: ManualClock) -> None:
    first = opened(tmp_path, clock)

    with pytest.raises(ConfigError):
        opened(tmp_path, clock)
    first.close()


async def test_flipped_bits_are_found(tmp_path: Path, clock: ManualClock) -> None:
    recorder = opened(tmp_path, clock)
    recorder("frame", "0", b"x" * 10_000)
    await recorder.settle()
    recorder("frame", "0", b"y" * 10_000)
    await recorder.settle()
    recorder.close()
    [segment] = segments(tmp_path)
    raw = bytearray(segment.path.read_bytes())
    raw[60] ^= 1
    segment.path.write_bytes(raw)

    with pytest.raises(JournalDamagedError):
        list(notes(tmp_path))


def test_a_journal_of_events_is_no_recording(tmp_path: Path) -> None:
    with JournalWriter(tmp_path) as journal:
        journal.append([b'{"id":"1"}'])

    assert not is_notes(tmp_path)
    assert not is_notes(tmp_path / "nothing")
    with pytest.raises(RecordingError, match="record 0 is no note"):
        list(notes(tmp_path))


def test_notes_come_back_whatever_is_in_them(tmp_path: Path) -> None:
    note = Note(1, "page", "cbbi", bytes(range(256)))
    with JournalWriter(tmp_path) as journal:
        journal.append([encode_note(note)])

    assert is_notes(tmp_path)
    assert list(notes(tmp_path)) == [note]
