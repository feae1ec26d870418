import asyncio
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import typer
from pydantic import SecretStr
from typer.testing import CliRunner

from shared_events.bus.memory import MemoryEventBus
from shared_events.payloads import Gate
from signal_system import terminal
from signal_system.api.testing.factories import a_progress, a_signal, a_status
from signal_system.api.testing.memory import MemoryReadModel
from signal_system.api.testing.server import OwnSettings, serving
from signal_system.api.web import build
from smart_money_client import ServiceUnavailableError, SmartMoneyClient

KEY = "a key of sixteen or more"
MAIN = "import typer; from signal_system.terminal import signals; typer.run(signals)"

app = typer.Typer()
app.command("signals")(terminal.signals)


@pytest.fixture
def read_model() -> MemoryReadModel:
    thin = Gate(name="independent_voters", value=3.0, threshold=5.0, passed=False, reason="thin")
    return MemoryReadModel(
        a_signal(), a_signal(coin="ETH", action="NEUTRAL", status="PARTIAL", gates=(thin,))
    )


@pytest.fixture
async def url(read_model: MemoryReadModel) -> AsyncIterator[str]:
    async with serving(build(read_model, MemoryEventBus(), OwnSettings())) as url:
        yield url


async def _run(*arguments: str) -> tuple[int, str, str]:
    result = await asyncio.to_thread(CliRunner().invoke, app, list(arguments))
    return result.exit_code, result.stdout, result.stderr


async def test_the_table_shows_each_coin_and_why_it_is_held_back(url: str) -> None:
    code, out, _ = await _run("--url", url)

    btc, eth = (line.split() for line in out.splitlines()[1:3])
    assert code == 0
    assert btc[:3] == ["BTC", "▲", "BUY"]
    assert {"53.1%", "+0.83", "48.2", "112", "91%", "100,000", "bull"} <= set(btc)
    assert eth[:4] == ["ETH", "(partial)", "·", "NEUTRAL"]
    assert out.splitlines()[2].rstrip().endswith("independent voters")


async def test_what_goes_into_a_pipe_has_no_colours(url: str) -> None:
    _, out, _ = await _run("--url", url)

    assert "\x1b" not in out


async def test_one_coin_comes_with_its_reasons(url: str) -> None:
    code, out, _ = await _run("--url", url, "--coin", "ETH")

    assert code == 0
    assert "BTC" not in out
    assert "held back by independent voters" in out
    assert "thin" in out
    assert "0x0000000000000000000000000000000000000001" in out
    assert "$18,400,000 would flip it" in out


async def test_two_coins_are_a_short_table(url: str) -> None:
    _, out, _ = await _run("--url", url, "--coin", "ETH", "--coin", "BTC")

    assert "2 coins" in out
    assert "would flip it" not in out


async def test_json_can_be_read_by_a_program(url: str) -> None:
    _, every, _ = await _run("--url", url, "--json")
    _, one, _ = await _run("--url", url, "--json", "--coin", "BTC")

    assert [row["coin"] for row in json.loads(every)["signals"]] == ["BTC", "ETH"]
    assert json.loads(one)["net_exposure"] == "41200000.50"


async def test_a_start_that_is_not_over_says_how_far_it_is(
    url: str, read_model: MemoryReadModel
) -> None:
    said = "34 % of the tracked weight is fresh"
    read_model.status_now = a_status(progress=a_progress(phase="warming", message=said))

    _, out, _ = await _run("--url", url)

    assert f"warming: {said}" in out


async def test_without_a_service_it_says_what_to_start() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    code, out, err = await _run("--url", f"http://127.0.0.1:{port}", "--watch")

    assert (code, out) == (69, "")
    assert "signal-system run" in err
    assert "Traceback" not in err


async def test_an_unknown_coin_is_told_with_the_services_advice(url: str) -> None:
    code, _, err = await _run("--url", url, "--coin", "btc")

    assert code == 1
    assert "Did you mean BTC?" in err


async def test_a_missing_key_is_asked_for_and_a_given_one_is_sent(
    read_model: MemoryReadModel,
) -> None:
    settings = OwnSettings(api_key=SecretStr(KEY))
    async with serving(build(read_model, MemoryEventBus(), settings)) as url:
        without, _, err = await _run("--url", url)
        given, _, _ = await _run("--url", url, "--key", KEY)

    assert (without, given) == (77, 0)
    assert "SIGNAL_SYSTEM_API_KEY" in err


@asynccontextmanager
async def _watching(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", MAIN, "--watch", *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_watching_prints_a_line_for_every_change_until_it_is_stopped(
    url: str, read_model: MemoryReadModel
) -> None:
    async with _watching("--json", "--url", url, "--coin", "BTC") as process:
        assert process.stdout is not None
        first = json.loads(await process.stdout.readline())
        read_model.say(a_signal(action="SELL", journal_position=8))
        second = json.loads(await process.stdout.readline())
        process.send_signal(signal.SIGINT)
        code = await process.wait()

    assert (first["action"], second["action"], code) == ("BUY", "SELL", 0)


async def test_the_live_table_stays_and_says_so_when_the_service_goes_away(
    read_model: MemoryReadModel, capsys: pytest.CaptureFixture[str]
) -> None:
    app = build(read_model, MemoryEventBus(), OwnSettings())

    async def looks(client: SmartMoneyClient) -> terminal.Looks:
        yield terminal.Seen(await client.signals(), await client.status(), None)
        yield ServiceUnavailableError("gone")

    async with serving(app) as url, SmartMoneyClient(url) as client:
        await terminal.follow(looks(client))

    printed = capsys.readouterr().out
    assert "▲ BUY" in printed
    assert "No answer; what stands above is old" in printed
