import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shared_events.journal import JournalWriter
from signal_system import cli
from signal_system.testing.day import day, encoded


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    with JournalWriter(tmp_path / "journal") as writer:
        writer.append(encoded(day(5, steps=100)))
    return tmp_path / "journal"


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli.app, arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_replay_prints_counts_signals_and_hashes_the_same_every_time(journal: Path) -> None:
    first, second = (run("replay", str(journal)) for _ in range(2))

    hashes = [line for line in first.splitlines() if re.search(r"[0-9a-f]{64}", line)]
    assert hashes == [line for line in second.splitlines() if re.search(r"[0-9a-f]{64}", line)]
    assert len(hashes) == 3
    assert "trader_positions" in first
    assert re.search(r"signals: .*NEUTRAL \d+", first)


def test_a_replay_writes_every_signal(journal: Path, tmp_path: Path) -> None:
    said = run("replay", str(journal), "--out", str(tmp_path / "signals.ndjson"))

    lines = (tmp_path / "signals.ndjson").read_bytes().splitlines()
    assert f"all {len(lines):,}" in said


@pytest.mark.parametrize("module", ["signal_system", "smart_money_signal_system"])
def test_the_service_can_be_started_by_either_module(module: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", module, "--help"], capture_output=True, text=True, check=False
    )

    assert result.returncode == 0
    assert all(command in result.stdout for command in ("run", "replay", "signals"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SIGNAL_SYSTEM_BUS_URL", "nonsense"),
        ("SIGNAL_SYSTEM_API_HOST", "0.0.0.0"),
        ("SIGNAL_SYSTEM_DATA_DIR", "/proc/nowhere"),
        ("SIGNAL_SYSTEM_BASELINE__WINDOW", "1"),
        ("SIGNAL_SYSTEM_RULES", "{"),
        ("SIGNAL_SYSTEM_RULES__FRESHNESS_SECONDS", "inf"),
        ("SIGNAL_SYSTEM_HISTORY_DAYS", "inf"),
    ],
)
def test_a_wrong_setting_ends_with_78_and_a_sentence_that_names_it(
    tmp_path: Path, name: str, value: str
) -> None:
    environment = {
        **os.environ,
        "SIGNAL_SYSTEM_BUS_URL": "memory://here",
        "SIGNAL_SYSTEM_DATA_DIR": str(tmp_path),
        "SIGNAL_SYSTEM_API_PORT": "0",
        name: value,
    }

    result = subprocess.run(
        [sys.executable, "-m", "signal_system", "run"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=tmp_path,
        timeout=30,
    )

    assert result.returncode == 78, result.stderr
    assert name in result.stderr
    assert "Traceback" not in result.stderr
