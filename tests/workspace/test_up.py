import os
import re
import subprocess
from pathlib import Path

import pytest

from workspace.up import guard
from workspace.up.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
CONFIGURED = re.compile("MARKET_SCRAPER_|SIGNAL_SYSTEM_|REDIS_URL|API_PORT")


def up(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    environment = {k: v for k, v in os.environ.items() if not CONFIGURED.match(k)}
    ports = ("--port", str(free_port()), "--scraper-port", str(free_port()))
    return subprocess.run(
        [ROOT / "scripts/up", *ports, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Offer a folder whose path leaves room for a socket's."""
    return tmp_path_factory.mktemp("up")


@pytest.mark.redis
@pytest.mark.timeout(180)
def test_the_demo_shows_both_opinions_and_the_next_start_goes_on_from_there(data: Path) -> None:
    demo = ("--demo", "--data", data, "--until-signals", "--for", "60")

    first = up(*demo)
    kept = journalled(data)
    second = up(*demo)

    assert first.returncode == 0, first.stdout + first.stderr
    assert second.returncode == 0, second.stdout + second.stderr
    assert 0 < kept < journalled(data)
    assert re.search(r"(BTC|ETH|SOL): BUY, confidence", first.stdout)
    for part in ("market-scraper", "signal-system", "simulator", "redis"):
        assert re.search(rf"{part} \(pid \d+, .*\): stopped", first.stdout)


def test_a_part_that_refuses_its_configuration_is_named_with_the_way_out(data: Path) -> None:
    done = up("--demo", "--data", data, "--for", "1", "--max-traders", "1000000")

    assert done.returncode == 1
    assert "market-scraper cannot run as configured: MARKET_SCRAPER_MAX_TRADERS" in done.stderr


def test_without_a_way_to_the_exchange_it_says_so_before_anything_starts(data: Path) -> None:
    done = up("--data", data, "--exchange", f"http://127.0.0.1:{free_port()}")

    assert done.returncode == 69
    assert done.stdout == ""
    assert "scripts/up --demo" in done.stderr


def test_the_demo_and_another_exchange_exclude_each_other(data: Path) -> None:
    done = up("--demo", "--data", data, "--exchange", "https://api.example.org")

    assert done.returncode == 78
    assert "--demo brings its own exchange" in done.stderr


def test_two_starts_on_the_same_data_do_not_meet(data: Path) -> None:
    with guard.only_one(data):
        done = up("--demo", "--data", data)

    assert done.returncode == 78
    assert "already runs here" in done.stderr


def journalled(data: Path) -> int:
    """Return the bytes that the signal system's journal holds."""
    journal = data / "demo/signal-system/journal"
    return sum(file.stat().st_size for file in journal.iterdir())
