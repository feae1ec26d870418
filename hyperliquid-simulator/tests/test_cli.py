import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import orjson
import pytest

from hyperliquid_simulator.protocol.failures import FAULTS
from shared_events.journal import verify

SMALL = ("--traders", "30", "--coins", "3", "--history", "2", "--port", "0")


@asynccontextmanager
async def started(*options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "hyperliquid_simulator",
        *options,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ | {"COLUMNS": "120"},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def output(process: asyncio.subprocess.Process) -> str:
    text, _ = await process.communicate()
    return text.decode()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_it_says_where_it_listens_serves_and_ends_cleanly(how: signal.Signals) -> None:
    async with started("serve", *SMALL) as process:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        found = re.search(r"listening on (http://127\.0\.0\.1:\d+) ", line)
        assert found, line
        async with (
            aiohttp.ClientSession() as session,
            session.post(found[1] + "/info", json={"type": "allMids"}) as response,
            session.ws_connect(found[1] + "/ws") as socket,
        ):
            assert list(await response.json())[:3] == ["BTC", "ETH", "SOL"]
            assert await socket.receive_str() == "Websocket connection established."
            process.send_signal(how)
            assert await process.wait() == 0
        assert await output(process) == ""


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        (("--traders", "3"), "--traders is 3; choose 20 to 30000."),
        (("--coins", "500"), "--coins is 500; choose 3 to 50."),
        (("--socket-lifetime", "0"), "--socket-lifetime is 0.0; choose 1 to 604800."),
        (("--speed", "0"), "--speed is 0.0; choose 0.01 to 1000."),
        (("--stepped", "--speed", "2"), "leave one out"),
        (("--max-users", "11"), "--max-users is 11; choose 10 or 14."),
        (("--share", "skilled=1.5"), "choose 0 to 1"),
        (("--skill-ic", "2"), "--skill-ic is 2.0; choose 0 to 0.5."),
        (("--truth", "/nowhere/truth.json"), "--truth: cannot write /nowhere/truth.json"),
        (("--start", "yesterday"), "write 2026-11-01T00:00:00Z"),
        (("--start", "2026-11-01T00:00:00"), "needs a time zone"),
        (("--start", "0001-01-01T00:00:00Z"), "choose 2000 to 2099"),
        (("--faults", "none.json"), "cannot be read"),
        (("--host", "203.0.113.1"), "choose another --port"),
    ],
)
async def test_a_wrong_setting_exits_78_and_says_what_to_change(
    options: tuple[str, ...], advice: str
) -> None:
    async with started("serve", *SMALL, *options) as process:
        assert advice in " ".join((await output(process)).split())
        assert process.returncode == 78


async def test_help_teaches_the_options_and_the_hooks() -> None:
    async with started("serve", "--help") as process:
        text = await output(process)

    for word in ("--port", "--seed", "--history", "--faults", "POST /info", "/simulator/flip"):
        assert word in text


async def test_a_faults_file_can_be_checked_and_is_shown_in_order_of_time(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    path.write_text('[{"kind":"short_gap","at":9},{"kind":"refuse","at":1,"for":2}]')

    async with started("faults", str(path)) as process:
        lines = (await output(process)).splitlines()

    assert lines == [
        '{"kind":"refuse","at":1.0,"for":2.0}',
        '{"kind":"short_gap","at":9.0,"for":0.5,"trades":20,"coin":null,"rest":5.0}',
    ]


async def test_a_faults_file_that_cannot_be_used_exits_78_and_says_why(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    path.write_text('[{"kind":"short_gap","trades":31}]')

    async with started("faults", str(path)) as process:
        assert "'trades' must be a whole number, 1 to 30." in " ".join(
            (await output(process)).split()
        )
        assert process.returncode == 78


async def test_the_help_of_faults_names_every_kind() -> None:
    async with started("faults", "--help") as process:
        text = await output(process)

    for kind in FAULTS:
        assert f"{kind}: " in text


async def test_the_truth_is_there_before_the_venue_is(tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    async with started("serve", *SMALL, "--truth", str(path)) as process:
        assert process.stdout is not None
        assert b"listening" in await process.stdout.readline()
        accounts = orjson.loads(path.read_bytes())["accounts"]

    assert sum(told["ranked"] for told in accounts.values()) == 30


async def test_generate_writes_a_journal_once_and_never_over_another(tmp_path: Path) -> None:
    small = ("generate", "--traders", "30", "--coins", "3", "--days", "2", "--out")
    async with started(*small, str(tmp_path / "world")) as process:
        said = await output(process)
        assert process.returncode == 0, said
    async with started(*small, str(tmp_path / "world")) as process:
        again = await output(process)

    assert "trader_positions" in said
    assert verify(tmp_path / "world").next_position > 500
    assert process.returncode == 78
    assert "choose a new folder" in again


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        (("--since", "yesterday"), "write 2025-01-01"),
        (("--days", "0"), "--days is 0"),
        (("--share", "genius=1"), "STYLE one of skilled"),
    ],
)
async def test_generate_says_what_to_change(
    options: tuple[str, ...], advice: str, tmp_path: Path
) -> None:
    async with started("generate", "--out", str(tmp_path / "world"), *options) as process:
        assert advice in " ".join((await output(process)).split())
        assert process.returncode == 78


async def test_generates_help_teaches_what_it_writes() -> None:
    async with started("generate", "--help") as process:
        text = " ".join((await output(process)).split())

    for word in ("--share", "--skill-ic", "truth.json", "skilled=0.05", "signal-system replay"):
        assert word in text
