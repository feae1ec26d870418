import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shared_events.errors import ConfigError, DataError
from signal_system.notify_command import app
from signal_system.testing.hooks import SECRET, Inbox, receiving


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SIGNAL_SYSTEM_RECEIVERS_FILE", raising=False)


def file_of(folder: Path, port: int, name: str = "bot") -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(
        f"webhooks: {{{name}: {{url: 'http://127.0.0.1:{port}/hook', secret: {SECRET},"
        " allow_http: true, allow_private: true}}"
    )
    path.chmod(0o600)
    return path


async def test_it_says_who_took_the_message(tmp_path: Path) -> None:
    inbox = Inbox()
    async with receiving(inbox) as port:
        arguments = ["test", "bot", "--file", str(file_of(tmp_path, port))]
        result = await asyncio.to_thread(CliRunner().invoke, app, arguments)

    assert result.exit_code == 0, result.output
    assert result.output.startswith("bot: taken in")
    assert [each["type"] for each in inbox.kept.values()] == ["test"]


async def test_it_says_why_somebody_did_not_and_ends_with_1(tmp_path: Path) -> None:
    async with receiving(Inbox()) as port:
        pass

    arguments = ["test", "--file", str(file_of(tmp_path, port))]
    result = await asyncio.to_thread(CliRunner().invoke, app, arguments)

    assert result.exit_code == 1
    assert "bot: not taken: no answer" in result.output


def test_without_receivers_it_shows_how_to_name_some() -> None:
    with pytest.raises(DataError, match="SIGNAL_SYSTEM_RECEIVERS_FILE") as said:
        CliRunner().invoke(app, ["test"], catch_exceptions=False)

    assert "secret: at least sixteen characters" in str(said.value)


def test_an_unknown_name_is_answered_with_those_there_are(tmp_path: Path) -> None:
    arguments = ["test", "bto", "--file", str(file_of(tmp_path, 9))]

    with pytest.raises(DataError, match="there are bot"):
        CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml"):
        CliRunner().invoke(app, ["test", "--file", "none.yaml"], catch_exceptions=False)
