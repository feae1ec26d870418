import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import aiohttp
import pytest
from rich.console import Console

from workspace.testing.stand_in import stand_in
from workspace.up.errors import PartDiedError
from workspace.up.plan import Part, Plan
from workspace.up.screen import Lines
from workspace.up.supervisor import Ending, Supervisor
from workspace.up.view import PartRow, View
from workspace.up.watch import Watch

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def signals(**actions: str) -> dict[str, object]:
    rows = [{"coin": coin, "action": a, "confidence": 0.6} for coin, a in actions.items()]
    return {
        "/api/v1/signals": {"signals": rows},
        "/api/v1/status": {"progress": {"message": "live"}},
    }


def a_part_that_says(text: str, exit_code: int) -> Part:
    program = f"import sys; print({text!r}); sys.exit({exit_code})"
    return Part("frail", (sys.executable, "-c", program), where="here", ready="http://127.0.0.1:9")


@dataclass
class Run:
    """A supervisor over stand-ins; what it printed and left behind."""

    folder: Path
    http: aiohttp.ClientSession
    printed: StringIO = field(default_factory=StringIO)

    async def __call__(self, *parts: Part, ending: Ending) -> bool:
        api = parts[-1].where
        view = View("test", api, {part.name: PartRow(part.name, part.where) for part in parts})
        plan = Plan("test", "http://127.0.0.1:9", "memory://", self.folder, api, parts)
        screen = Lines(Console(file=self.printed, width=300), lambda: NOW)
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
        supervisor = Supervisor(plan, environment, self.folder / "log", view, screen)
        return await supervisor.run(Watch(self.http, api), ending)

    @property
    def stopped(self) -> list[str]:
        """Who was asked to stop, in order."""
        diary = self.folder / "diary"
        return diary.read_text().split() if diary.exists() else []


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Run]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as http:
        yield Run(tmp_path, http)


async def test_parts_start_in_order_and_stop_in_the_opposite_one(run: Run, tmp_path: Path) -> None:
    parts = [stand_in(name, tmp_path / "diary") for name in ("redis", "simulator")]
    last = stand_in("signal-system", tmp_path / "diary", signals(BTC="NEUTRAL"))

    await run(*parts, last, ending=Ending(seconds=0.1))

    assert run.stopped == ["signal-system", "simulator", "redis"]
    said = run.printed.getvalue()
    assert (
        said.index("redis (pid") < said.index("simulator (pid") < said.index("signal-system (pid")
    )


async def test_the_run_ends_once_both_opinions_were_seen(run: Run, tmp_path: Path) -> None:
    api = stand_in(
        "signal-system", tmp_path / "diary", signals(BTC="BUY", ETH="SELL", DOGE="NEUTRAL")
    )

    assert await run(api, ending=Ending(seconds=30, opinions=True))
    assert "BTC: BUY, confidence ~0.60" in run.printed.getvalue()


async def test_the_run_says_when_the_hoped_for_opinions_did_not_come(
    run: Run, tmp_path: Path
) -> None:
    api = stand_in("signal-system", tmp_path / "diary", signals(BTC="BUY", DOGE="SELL"))

    assert not await run(api, ending=Ending(seconds=0.1, opinions=True))


async def test_a_part_that_is_wrongly_configured_is_named_with_its_own_sentence(
    run: Run, tmp_path: Path
) -> None:
    healthy = stand_in("signal-system", tmp_path / "diary")
    frail = a_part_that_says("set SIGNAL_SYSTEM_API_PORT to a number", 78)

    with pytest.raises(PartDiedError) as died:
        await run(healthy, frail, ending=Ending(seconds=30))

    expected = "frail cannot run as configured: set SIGNAL_SYSTEM_API_PORT to a number"
    assert str(died.value) == expected
    assert run.stopped == ["signal-system"]


async def test_a_part_that_dies_while_running_is_named_and_everything_else_is_stopped(
    run: Run, tmp_path: Path
) -> None:
    redis = stand_in("redis", tmp_path / "diary")
    api = stand_in("signal-system", tmp_path / "diary", signals(BTC="BUY"))
    running = asyncio.create_task(run(redis, api, ending=Ending(seconds=30)))
    while "redis (pid" not in run.printed.getvalue() or "live" not in run.printed.getvalue():
        await asyncio.sleep(0.01)
    pid = int(run.printed.getvalue().partition("redis (pid ")[2].partition(",")[0])

    os.kill(pid, signal.SIGKILL)

    with pytest.raises(PartDiedError, match="redis was killed by SIGKILL"):
        await running
    assert run.stopped == ["signal-system"]


async def test_a_part_that_never_answers_is_named_and_its_log_pointed_at(
    run: Run, tmp_path: Path
) -> None:
    silent = replace(
        stand_in("silent", tmp_path / "diary"), ready="http://127.0.0.1:9", start_seconds=0.5
    )

    with pytest.raises(
        PartDiedError, match=r"silent did not answer within 0.5 s; see .*silent.log"
    ):
        await run(silent, ending=Ending())


async def test_a_part_that_does_not_stop_is_killed_and_the_rest_still_stops_in_order(
    run: Run, tmp_path: Path
) -> None:
    deaf = stand_in("deaf", tmp_path / "diary", signals(BTC="BUY"), deaf=True)
    deaf = replace(deaf, stop_seconds=0.2)
    redis = stand_in("redis", tmp_path / "diary")

    await run(redis, deaf, ending=Ending(seconds=0.1))

    assert run.stopped == ["redis"]
    assert "killed, as it had not stopped within 0.2 s" in run.printed.getvalue()


async def test_warnings_of_a_part_are_shown_and_everything_it_says_is_kept(
    run: Run, tmp_path: Path
) -> None:
    warning = '{"event": "source_away", "level": "warning", "wait": 2}'
    api = stand_in("signal-system", tmp_path / "diary", signals(BTC="BUY"), says=warning)

    await run(api, ending=Ending(seconds=0.1))

    assert "warning: signal-system: source_away wait=2" in run.printed.getvalue()
    assert "source_away" in (tmp_path / "log" / "signal-system.log").read_text()


DRIVER = """
import asyncio, os, sys
from io import StringIO
from pathlib import Path
import aiohttp
from rich.console import Console
from workspace.testing.stand_in import stand_in
from workspace.up.plan import Plan
from workspace.up.screen import Lines
from workspace.up.supervisor import Ending, Supervisor
from workspace.up.view import PartRow, View
from workspace.up.watch import Watch
from shared_events.runtime.clock import SystemClock

async def main(folder):
    parts = tuple(stand_in(name, folder / "diary") for name in ("redis", "signal-system"))
    view = View("test", parts[-1].where, {p.name: PartRow(p.name, p.where) for p in parts})
    plan = Plan("test", "", "", folder, parts[-1].where, parts)
    screen = Lines(Console(width=300), SystemClock().now)
    async with aiohttp.ClientSession() as http:
        run = Supervisor(plan, dict(os.environ), folder / "log", view, screen)
        await run.run(Watch(http, parts[-1].where), Ending(seconds=60))

asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.fixture
def driver(tmp_path: Path) -> subprocess.Popen[str]:
    """Start a supervisor of two stand-ins as a process that can be killed."""
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "scripts")},
        stdout=subprocess.PIPE,
        text=True,
    )


def pids_of_running_parts(driver: subprocess.Popen[str]) -> list[int]:
    """Read what the driver prints until both parts run."""
    pids: list[int] = []
    while len(pids) < 2 and driver.stdout is not None and (line := driver.stdout.readline()):
        if line.rstrip().endswith("running"):
            pids.append(int(line.partition("(pid ")[2].partition(",")[0]))
    return pids


@pytest.mark.skipif(
    sys.platform != "linux", reason="the kernel's parent-death signal is Linux's own"
)
def test_nothing_outlives_a_supervisor_that_is_killed_outright(
    driver: subprocess.Popen[str],
) -> None:
    with driver:
        pids = pids_of_running_parts(driver)
        ends = [os.pidfd_open(pid) for pid in pids]

        driver.kill()

        assert len(pids) == 2
        for end in ends:
            assert ended(end)


def test_one_request_to_stop_is_enough(driver: subprocess.Popen[str], tmp_path: Path) -> None:
    with driver:
        assert len(pids_of_running_parts(driver)) == 2

        driver.terminate()

        assert driver.wait(20) == 0
    assert (tmp_path / "diary").read_text().split() == ["signal-system", "redis"]


def ended(pidfd: int) -> bool:
    """Wait for the process behind `pidfd` to end."""
    readable, _, _ = select.select([pidfd], [], [], 20)
    os.close(pidfd)
    return bool(readable)
