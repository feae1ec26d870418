"""The command line as a person meets it: exit codes, sentences, what stays in the store."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from shared_events.journal import read
from shared_events.testing.factories import an_address

COMMAND = (sys.executable, "-m", "market_scraper")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return os.environ | {
        "MARKET_SCRAPER_STORAGE_URL": f"sqlite:///{tmp_path}/store.db",
        "MARKET_SCRAPER_EXCHANGE_URL": "http://127.0.0.1:1",
        "MARKET_SCRAPER_BUS_URL": "memory://",
        "MARKET_SCRAPER_API_PORT": str(port),
        "COLUMNS": "120",
    }


def call(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words], env=environment, capture_output=True, text=True, check=False, timeout=50
    )


def test_help_teaches_where_to_begin(environment: dict[str, str]) -> None:
    said = call(environment, "--help")

    assert said.returncode == 0
    assert "market-scraper doctor" in said.stdout


def test_a_wrong_setting_ends_with_78_and_one_sentence(environment: dict[str, str]) -> None:
    said = call(environment | {"MARKET_SCRAPER_MAX_TRADERS": "many"}, "run")

    assert said.returncode == 78
    assert said.stderr.startswith("MARKET_SCRAPER_MAX_TRADERS is 'many': ")
    assert said.stderr.count("\n") == 1


def test_a_taken_port_ends_with_78(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        said = call(environment, "run", "--api-port", port)

    assert said.returncode == 78
    assert "MARKET_SCRAPER_API_PORT" in said.stderr


def test_sigterm_ends_a_run_with_0(environment: dict[str, str]) -> None:
    service = subprocess.Popen(
        [*COMMAND, "run"], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert service.stdout
    for line in service.stdout:
        if "scraper_started" in line:
            service.send_signal(signal.SIGTERM)
            break
    rest = service.stdout.read()
    service.stdout.close()

    assert service.wait(20) == 0
    assert "scraper_stopped" in rest


def test_traders_are_added_removed_and_listed_without_a_service(
    environment: dict[str, str],
) -> None:
    added = call(environment, "traders", "add", an_address(1).upper().replace("X", "x"))
    removed = call(environment, "traders", "remove", an_address(2))
    blacklisted = call(environment, "traders", "blacklist", an_address(3))
    blacklist = call(environment, "traders", "blacklist")
    listed = call(environment, "traders", "list")

    assert blacklisted.returncode == 0
    assert blacklist.stdout.split() == [an_address(2), an_address(3)]
    assert (added.returncode, removed.returncode, listed.returncode) == (0, 0, 0)
    assert f"{an_address(1)}" in listed.stdout
    assert "removed by hand" in listed.stdout


def test_what_is_no_address_is_refused(environment: dict[str, str]) -> None:
    said = call(environment, "traders", "add", "0x12")

    assert said.returncode == 2
    assert "40 hexadecimal" in said.stderr


def test_a_store_in_memory_cannot_be_edited(environment: dict[str, str]) -> None:
    said = call(environment | {"MARKET_SCRAPER_STORAGE_URL": "memory://"}, "traders", "list")

    assert said.returncode == 78


def test_the_doctor_names_what_is_missing(environment: dict[str, str]) -> None:
    said = call(environment, "doctor")

    assert said.returncode == 1
    assert "MARKET_SCRAPER_EXCHANGE_URL" in said.stdout


def test_a_recording_stops_by_itself_and_can_be_told_again(
    environment: dict[str, str], tmp_path: Path
) -> None:
    folder, journal = str(tmp_path / "recording"), str(tmp_path / "journal")

    recorded = call(environment, "record", folder, "--hours", "0.001")
    replayed = call(environment, "replay", folder, "--journal", journal)

    assert (recorded.returncode, replayed.returncode) == (0, 0)
    assert "no answer to 'metaAndAssetCtxs'" in recorded.stdout, "there is no venue"
    assert "source_status" not in replayed.stdout, "and so nothing came in"


def test_what_is_no_recording_ends_with_1(environment: dict[str, str], tmp_path: Path) -> None:
    said = call(environment, "replay", str(tmp_path), "--journal", str(tmp_path / "journal"))

    assert said.returncode == 1
    assert "no recording" in said.stderr


@pytest.mark.data
def test_a_replay_writes_the_same_journal_every_time(
    environment: dict[str, str], tmp_path: Path, recordings: Path
) -> None:
    frames = str(recordings / "hyperliquid" / "recorded_frames")
    journals = [tmp_path / "one", tmp_path / "two"]

    said = [call(environment, "replay", frames, "--journal", str(each)) for each in journals]

    assert [each.returncode for each in said] == [0, 0]
    assert "trader_positions" in said[0].stdout
    one, two = (list(read(each)) for each in journals)
    assert one == two
    assert len(one) > 100
