import asyncio
import json
import sys
from pathlib import Path

from typer.testing import CliRunner

from shared_events.bus.memory import MemoryEventBus
from signal_system import cli
from signal_system.app import running
from signal_system.config import Settings
from signal_system.testing.candles import wandering
from signal_system.testing.directions import a_direction_champion
from signal_system.testing.events import status

NAME = "direction-4h-BTC"
LIVE = 12


async def said(data_dir: Path, *arguments: str) -> str:
    """Return what the command prints about a running service."""
    settings = Settings.read(data_dir=data_dir, api_port=0)
    bus = MemoryEventBus()
    async with running(settings, bus=bus) as service:
        await service.restored.wait()
        await bus.publish([status(recording=True, cadence_seconds=3600.0), *wandering(1_300, LIVE)])
        async with asyncio.timeout(30):
            while service.fold.state.applied < 1_301 + LIVE:
                await asyncio.sleep(0.02)
        where = ("--url", f"http://127.0.0.1:{service.port}")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "signal_system", "drift", "report", *arguments, *where),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()
    return printed.decode()


async def test_a_report_says_how_much_is_known_and_what_to_do(tmp_path: Path) -> None:
    a_direction_champion(tmp_path / "models")

    printed = await said(tmp_path)

    assert f"{LIVE + 1} rows seen" in printed
    assert "matured, log loss" in printed
    assert "nothing to do" in printed


async def test_a_report_for_programs_is_one_document_a_line(tmp_path: Path) -> None:
    version = a_direction_champion(tmp_path / "models")

    told = json.loads(await said(tmp_path, NAME, "--json"))

    assert (told["name"], told["version"], told["role"]) == (NAME, version, "champion")
    assert told["proposal"] is None


async def test_without_a_classifier_it_says_so(tmp_path: Path) -> None:
    assert "No classifier is in service" in await said(tmp_path)


def test_without_a_service_it_says_how_to_start_one() -> None:
    result = CliRunner().invoke(cli.app, ["drift", "report", "--url", "http://127.0.0.1:9"])

    assert result.exit_code == 69
    assert "signal-system run" in result.output
