"""The journal loses nothing that was acknowledged and yields nothing that was not written."""

import random
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings, strategies as st

from shared_events import encode
from shared_events.errors import ConfigError, DecodeError, TransientError
from shared_events.journal import (
    JournalDamagedError,
    JournalFullError,
    JournalLockedError,
    JournalWriter,
    Tick,
    decode_record,
    encode_tick,
    forget,
    read,
    segments,
    verify,
)
from shared_events.testing.factories import NOON, an_event, trader_positions

BATCHES = st.lists(st.lists(st.binary(max_size=60), min_size=1, max_size=5), max_size=12)


@pytest.fixture
def events() -> list[bytes]:
    """Return forty events as they travel."""
    return [encode(an_event(trader_positions(sequence=number))) for number in range(40)]


def write(directory: Path, batches: Sequence[Sequence[bytes]], segment_bytes: int = 1 << 20) -> int:
    """Append each batch and return the next position."""
    with JournalWriter(directory, segment_bytes=segment_bytes) as journal:
        for batch in batches:
            journal.append(batch)
        return journal.next_position


def records(directory: Path, start: int = 0) -> list[bytes]:
    """Return what is read, having checked that the positions are gap-free."""
    found = list(read(directory, start))
    assert [position for position, _ in found] == list(range(start, start + len(found)))
    return [record for _, record in found]


def frame_ends(path: Path, batches: Sequence[Sequence[bytes]]) -> list[int]:
    """Write `batches` into the journal at `path` and return the newest file's size after each."""
    ends = []
    with JournalWriter(path) as journal:
        ends.append(segments(path)[-1].size)
        for batch in batches:
            journal.append(batch)
            ends.append(segments(path)[-1].size)
    return ends


# ── what is written is read ──────────────────────────────────────────────────────────────────


@given(BATCHES, st.integers(1, 400), st.integers(0, 70))
@settings(max_examples=60, deadline=None)
def test_what_was_appended_is_read_from_any_position(
    batches: list[list[bytes]], segment_bytes: int, start: int
) -> None:
    written = [record for batch in batches for record in batch]

    with TemporaryDirectory() as folder:
        assert write(Path(folder), batches, segment_bytes) == len(written)

        assert list(read(Path(folder), start)) == list(enumerate(written))[start:]
        assert verify(Path(folder)).next_position == len(written)


@given(BATCHES, BATCHES, st.integers(1, 400))
@settings(max_examples=30, deadline=None)
def test_appending_goes_on_where_the_last_writer_ended(
    before: list[list[bytes]], after: list[list[bytes]], segment_bytes: int
) -> None:
    with TemporaryDirectory() as folder:
        write(Path(folder), before, segment_bytes)
        write(Path(folder), after, segment_bytes)

        assert records(Path(folder)) == [r for batch in before + after for r in batch]


def test_append_returns_the_position_of_its_first_record(tmp_path: Path) -> None:
    with JournalWriter(tmp_path) as journal:
        firsts = [journal.append([b"a", b"b"]), journal.append([]), journal.append([b"c"])]

        assert firsts == [0, 2, 2]
        assert journal.next_position == 3


def test_an_empty_journal_and_a_missing_one_have_no_records(tmp_path: Path) -> None:
    JournalWriter(tmp_path / "empty").close()

    assert records(tmp_path / "empty") == records(tmp_path / "missing") == []
    assert verify(tmp_path / "missing").segments == 0


def test_a_reader_beside_the_writer_ends_where_the_writer_is(
    tmp_path: Path, events: list[bytes]
) -> None:
    with JournalWriter(tmp_path, segment_bytes=500) as journal:
        for count, record in enumerate(events, 1):
            journal.append([record])

            assert len(records(tmp_path)) == count


def test_segments_are_named_for_their_first_record_and_older_ones_are_not_opened(
    tmp_path: Path, events: list[bytes]
) -> None:
    write(tmp_path, [events[:10], events[10:20], events[20:]], segment_bytes=1)
    firsts = [segment.first for segment in segments(tmp_path)]
    for older in segments(tmp_path)[:2]:
        older.path.write_bytes(b"unreadable")

    assert firsts == [0, 10, 20]
    assert records(tmp_path, start=25) == events[25:]


def test_later_segments_know_what_events_look_like_and_need_less_than_half_the_room(
    tmp_path: Path,
) -> None:
    rng = random.Random(1)
    events = [encode(an_event(trader_positions(sequence=rng.getrandbits(40)))) for _ in range(3000)]
    write(tmp_path, [[event] for event in events], segment_bytes=128 << 10)
    first, second, *_ = segments(tmp_path)

    assert records(tmp_path) == events
    count = [s.first for s in segments(tmp_path)]
    assert second.size / (count[2] - count[1]) < first.size / count[1] / 1.8


# ── a writer killed in the middle of a write ─────────────────────────────────────────────────


def test_a_file_cut_at_any_byte_keeps_its_whole_frames_and_grows_on(
    tmp_path: Path, events: list[bytes]
) -> None:
    batches = [events[0:3], events[3:4], events[4:6]]
    ends = frame_ends(tmp_path / "whole", batches)
    whole = segments(tmp_path / "whole")[-1].path.read_bytes()
    counts = [0, 3, 4, 6]

    for cut in range(len(whole) + 1):
        kept = max((c for c, end in zip(counts, ends, strict=True) if end <= cut), default=0)
        assert_recovers(tmp_path / str(cut), whole[:cut], events[:kept])


def test_a_disk_that_lost_the_end_of_a_write_to_zeros_is_like_a_torn_one(
    tmp_path: Path, events: list[bytes]
) -> None:
    ends = frame_ends(tmp_path / "whole", [events[0:3], events[3:6]])
    whole = segments(tmp_path / "whole")[-1].path.read_bytes()

    for cut in range(ends[1], len(whole)):
        assert_recovers(tmp_path / str(cut), whole[:cut] + bytes(4096), events[:3])


def assert_recovers(directory: Path, content: bytes, expected: list[bytes]) -> None:
    directory.mkdir()
    (directory / f"{0:020d}.journal").write_bytes(content)
    assert records(directory) == expected
    verify(directory)

    with JournalWriter(directory) as journal:
        assert journal.append([b"next"]) == len(expected)

    assert records(directory) == [*expected, b"next"]
    assert verify(directory).torn_bytes == 0


def test_a_new_segment_cut_at_any_byte_of_its_header_is_begun_again(
    tmp_path: Path, events: list[bytes]
) -> None:
    write(tmp_path, [events[:20], events[20:]], segment_bytes=1)
    older, newest = segments(tmp_path)
    begun = newest.path.read_bytes()

    for cut in range(60):
        newest.path.write_bytes(begun[:cut])
        if cut >= 44:  # the header is whole: an empty segment
            assert records(tmp_path) == events[:20]
            continue
        assert records(tmp_path) == events[:20]
        with JournalWriter(tmp_path, segment_bytes=1) as journal:
            assert journal.append(events[20:]) == 20

        assert records(tmp_path) == events
    assert older.first == 0


def test_verify_says_how_much_is_torn(tmp_path: Path, events: list[bytes]) -> None:
    ends = frame_ends(tmp_path, [events[:3], events[3:6]])
    path = segments(tmp_path)[-1].path
    path.write_bytes(path.read_bytes()[:-5])

    summary = verify(tmp_path)

    assert (summary.next_position, summary.torn_bytes) == (3, ends[2] - 5 - ends[1])


WRITER = """
import sys
from pathlib import Path
from shared_events.journal import JournalWriter

with JournalWriter(Path(sys.argv[1]), segment_bytes=20_000) as journal:
    while True:
        first = journal.next_position
        count = 1 + first % 7
        position = journal.append([b"%d|%s" % (n, b"x" * (n * 37 % 900)) for n in range(first, first + count)])
        print(position + count, flush=True)
"""


def test_a_writer_killed_at_random_moments_loses_no_acknowledged_record(tmp_path: Path) -> None:
    rng = random.Random(7)
    acknowledged = 0

    for _ in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            for _ in range(rng.randrange(1, 400)):
                writer.stdout.readline()
            writer.kill()
            acknowledged = max([acknowledged, *map(int, writer.stdout.read().split(b"\n")[:-1])])

        kept = records(tmp_path)
        assert len(kept) >= acknowledged
        assert kept == [b"%d|%s" % (n, b"x" * (n * 37 % 900)) for n in range(len(kept))]


# ── damage ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("bit", [0, 3, 7])
def test_a_flipped_bit_anywhere_is_found_by_reader_verifier_and_next_writer(
    tmp_path: Path, events: list[bytes], bit: int
) -> None:
    write(tmp_path, [events[0:3], events[3:4], events[4:6]])
    path = segments(tmp_path)[-1].path
    whole = path.read_bytes()

    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :])
        with pytest.raises(JournalDamagedError):
            records(tmp_path)
        with pytest.raises(JournalDamagedError):
            verify(tmp_path)
        with pytest.raises(JournalDamagedError):
            JournalWriter(tmp_path)


@pytest.fixture
def three(tmp_path: Path, events: list[bytes]) -> Path:
    """Return a journal of three segments that begin at 0, 10 and 20."""
    write(tmp_path, [events[:10], events[10:20], events[20:]], segment_bytes=1)
    return tmp_path


def test_an_older_segment_cut_short_is_refused_although_its_frames_are_whole(three: Path) -> None:
    middle = segments(three)[1].path
    middle.write_bytes(middle.read_bytes()[:-3])

    with pytest.raises(JournalDamagedError, match="not what was written"):
        verify(three)
    with pytest.raises(JournalDamagedError, match="not whole"):
        JournalWriter(three)


def test_a_missing_segment_is_named_instead_of_skipped(three: Path) -> None:
    segments(three)[1].path.unlink()

    with pytest.raises(JournalDamagedError, match="ends at 10, the next one begins at 20"):
        records(three)
    with pytest.raises(JournalDamagedError):
        JournalWriter(three)


def test_records_that_were_moved_away_are_missed_only_by_those_who_ask_for_them(
    three: Path, events: list[bytes]
) -> None:
    segments(three)[0].path.unlink()

    with pytest.raises(JournalDamagedError, match="are gone"):
        records(three)
    assert records(three, start=10) == [raw for _, raw in read(three)] == events[10:]
    assert verify(three).first_position == 10
    assert write(three, [[b"more"]]) == 41


def kept_by_the_hour(directory: Path) -> list[datetime]:
    """Write a segment for each of four hours, of the tick that ended it; return the hours."""
    hours = [datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in range(4)]
    write(directory, [[encode_tick(hour)] for hour in hours], segment_bytes=1)
    return hours


@pytest.mark.parametrize(("hour", "until", "first"), [(0, 4, 0), (2, 4, 1), (3, 4, 2), (3, 1, 1)])
def test_only_segments_wholly_before_the_moment_and_the_position_are_forgotten(
    tmp_path: Path, hour: int, until: int, first: int
) -> None:
    hours = kept_by_the_hour(tmp_path)
    before = verify(tmp_path).bytes

    freed = forget(tmp_path, hours[hour], until)

    assert freed == before - verify(tmp_path).bytes
    assert verify(tmp_path).first_position == first


def test_the_newest_segment_is_never_forgotten_and_the_journal_goes_on(tmp_path: Path) -> None:
    hours = kept_by_the_hour(tmp_path)

    with JournalWriter(tmp_path, segment_bytes=1) as journal:
        forget(tmp_path, hours[-1] + timedelta(days=1), until=99)
        journal.append([b"more"])

    assert [position for position, _ in read(tmp_path)] == [3, 4]


def test_a_segment_is_as_old_as_its_first_record_that_can_be_read(tmp_path: Path) -> None:
    hour = datetime(2026, 1, 1, tzinfo=UTC)
    write(tmp_path, [[encode_tick(hour)], [b"not ours", encode_tick(hour)], [b"nor this"]], 1)

    forget(tmp_path, hour + timedelta(seconds=1), until=9)

    assert verify(tmp_path).first_position == 1


def test_a_swapped_segment_is_refused(three: Path) -> None:
    first, second, _ = segments(three)
    second.path.write_bytes(first.path.read_bytes())

    with pytest.raises(JournalDamagedError, match="does not begin"):
        records(three)


def test_a_flipped_bit_in_an_older_segment_is_found_on_reading(three: Path) -> None:
    path = segments(three)[0].path
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)

    with pytest.raises(JournalDamagedError, match="byte 44"):
        records(three)


# ── sharing and a full disk ──────────────────────────────────────────────────────────────────


def test_a_second_writer_is_refused_until_the_first_has_closed(tmp_path: Path) -> None:
    with JournalWriter(tmp_path), pytest.raises(JournalLockedError, match="another writer"):
        JournalWriter(tmp_path)

    JournalWriter(tmp_path).close()


LIMITED = """
import resource, signal, sys
from pathlib import Path
from shared_events.journal import JournalFullError, JournalWriter

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with JournalWriter(Path(sys.argv[1])) as journal:
    journal.append([b"kept"])
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    for _ in range(2):
        try:
            journal.append([bytes([n * 89 % 251, n * 7 % 256]) for n in range(9000)])
        except JournalFullError as e:
            print(e)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    print(journal.append([b"after"]))
"""


def test_a_disk_that_takes_only_a_part_keeps_none_of_it_and_the_journal_goes_on(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, check=True
    )

    assert done.stdout.count("cannot write to") == 2
    assert done.stdout.splitlines()[-1] == "1"
    assert records(tmp_path) == [b"kept", b"after"]


def test_errors_say_what_the_caller_should_do() -> None:
    assert issubclass(JournalDamagedError, ConfigError)
    assert issubclass(JournalLockedError, ConfigError)
    assert issubclass(JournalFullError, TransientError)


# ── records ──────────────────────────────────────────────────────────────────────────────────


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_tick_is_read_as_the_moment_it_was_written_with(at: datetime) -> None:
    assert decode_record(encode_tick(at)) == Tick(at)


def test_a_tick_of_another_zone_is_kept_in_utc_and_one_without_is_refused() -> None:
    east = NOON.astimezone(timezone(timedelta(hours=3)))

    assert encode_tick(east) == encode_tick(NOON)
    with pytest.raises(ValueError, match="offset"):
        encode_tick(NOON.replace(tzinfo=None))


def test_an_event_is_read_as_it_was_even_if_it_carries_a_field_named_tick() -> None:
    event = an_event()
    raw = encode(event)

    assert decode_record(raw) == event
    assert decode_record(b'{"tick":"2026-01-01T00:00:00Z",' + raw[1:]) == event


def test_a_record_that_is_neither_is_a_data_error() -> None:
    for raw in (b"", b'{"tick":1}', b'{"tick":"2026-01-01T00:00:00"}'):
        with pytest.raises(DecodeError):
            decode_record(raw)


def test_a_journal_that_cannot_be_a_folder_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ConfigError, match="make it a folder"):
        JournalWriter(tmp_path / "file")
