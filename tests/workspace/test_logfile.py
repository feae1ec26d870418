import tempfile
from pathlib import Path

from hypothesis import given, strategies as st

from workspace.up.logfile import LogFile


def test_the_log_of_the_run_before_is_kept_aside(tmp_path: Path) -> None:
    for run in (b"first\n", b"second\n"):
        with LogFile(tmp_path / "part.log") as log:
            log.take(run)

    assert (tmp_path / "part.log").read_bytes() == b"second\n"
    assert (tmp_path / "part.log.1").read_bytes() == b"first\n"


def test_a_talkative_part_cannot_fill_the_disk(tmp_path: Path) -> None:
    with LogFile(tmp_path / "part.log", max_bytes=100) as log:
        for _ in range(50):
            log.take(b"twenty bytes a line\n")

    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 200


def test_the_last_words_include_a_line_that_was_never_finished(tmp_path: Path) -> None:
    with LogFile(tmp_path / "part.log") as log:
        log.take(b"one\ntw")
        log.take(b"o\nthree")

    assert list(log.last) == ["one", "two", "three"]


@given(st.lists(st.binary(max_size=20), max_size=10))
def test_lines_do_not_depend_on_how_the_bytes_arrive(chunks: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with LogFile(Path(folder) / "a.log") as pieces:
            lines = [line for chunk in chunks for line in pieces.take(chunk)]
        with LogFile(Path(folder) / "b.log") as whole:
            assert lines == whole.take(b"".join(chunks))
