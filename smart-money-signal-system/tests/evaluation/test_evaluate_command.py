from pathlib import Path

import pytest
from typer.testing import CliRunner

from shared_events.errors import ConfigError
from signal_system.evaluation.evaluate_command import app, contest

RUN = ("contest", "--seeds", "1000", "--skilled", "0.05", "--days", "61", "--traders", "20")


@pytest.mark.timeout(180)
def test_a_contest_generates_judges_reports_and_goes_on_where_it_was(tmp_path: Path) -> None:
    first = CliRunner().invoke(app, [*RUN, "--out", str(tmp_path)], catch_exceptions=False)
    assert first.exit_code == 0
    (kept,) = tmp_path.glob("seed1000-skilled0.05-61d-20x8-ic0.1.*.json")
    told_at = kept.stat().st_mtime_ns

    again = CliRunner().invoke(app, [*RUN, "--out", str(tmp_path)], catch_exceptions=False)

    assert "| `score-over-100-v1` |" in first.stdout
    assert again.stdout == first.stdout
    assert kept.stat().st_mtime_ns == told_at
    assert (tmp_path / "contest.md").read_text() in first.stdout
    assert not list((tmp_path / "worlds").iterdir())


@pytest.mark.parametrize("told", ["x", "1-", "3-x", ""])
def test_seeds_that_are_none_are_refused_with_what_to_write(told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="neither 7 nor 1-10"):
        contest(tmp_path, seeds=told, keep_journals=False)
