"""Logs are lines a machine can read, and no secret is in them."""

import json
import logging
import sys
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import structlog
from hypothesis import given, strategies as st
from pydantic import SecretStr

from shared_events.errors import ConfigError
from shared_events.runtime.logging import configure, redact

Lines = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def only_line(capsys: Lines) -> dict[str, Any]:
    (line,) = capsys.readouterr().out.splitlines()
    document: dict[str, Any] = json.loads(line)
    return document


def test_a_line_says_when_how_severe_by_whom_and_what(capsys: Lines) -> None:
    configure("scraper", pretty=False)

    structlog.get_logger().info("trader_added", address="0xa", score=Decimal("61.5"))

    line = only_line(capsys)
    assert list(line) == ["timestamp", "level", "service", "event", "address", "score"]
    assert line | {"timestamp": ""} == {
        "timestamp": "",
        "level": "info",
        "service": "scraper",
        "event": "trader_added",
        "address": "0xa",
        "score": "61.5",
    }
    assert datetime.fromisoformat(line["timestamp"]).tzinfo == UTC


def test_lines_below_the_level_are_not_written_whoever_wrote_them(capsys: Lines) -> None:
    configure("scraper", "warning", pretty=False)

    structlog.get_logger().info("no")
    logging.getLogger("aiohttp.access").info("no")
    logging.getLogger("aiohttp.access").warning("yes")

    assert only_line(capsys)["event"] == "yes"


def test_an_unknown_level_is_a_setting_to_correct() -> None:
    with pytest.raises(ConfigError, match="'loud'"):
        configure("scraper", "loud")


@pytest.mark.parametrize("library", ["uvicorn.error", "uvicorn.access", "aiohttp.server"])
def test_libraries_write_the_same_lines(capsys: Lines, library: str) -> None:
    logging.getLogger("uvicorn").handlers = [logging.StreamHandler()]
    configure("signals", pretty=False)

    logging.getLogger(library).warning("answered %d", 503)

    line = only_line(capsys)
    assert (line["event"], line["level"], line["service"], line["logger"]) == (
        "answered 503",
        "warning",
        "signals",
        library,
    )


def test_warnings_of_libraries_are_lines_too(capsys: Lines) -> None:
    configure("signals", pretty=False)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old", DeprecationWarning, stacklevel=1)

    assert only_line(capsys)["logger"] == "py.warnings"


PASSWORD = "hunter2"


def an_error_with(password: str) -> None:
    raise OSError(f"cannot reach redis://me:{password}@host/0")


@pytest.mark.parametrize("pretty", [False, True])
def test_an_exception_is_rendered_without_local_variables_or_passwords(
    capsys: Lines, *, pretty: bool
) -> None:
    configure("signals", pretty=pretty)

    for logger in (structlog.get_logger(), logging.getLogger("library")):
        try:
            an_error_with(PASSWORD)
        except OSError:
            logger.exception("failed")

    out = capsys.readouterr().out
    assert out.count("Traceback (most recent call last)") == 2
    assert out.count("OSError: cannot reach redis://***@host/0") == 2
    assert PASSWORD not in out


def test_a_line_for_people_is_not_json_and_is_chosen_on_a_terminal(
    capsys: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    configure("signals")

    structlog.get_logger().info("started", api_key=PASSWORD)

    out = capsys.readouterr().out
    assert "started" in out
    assert not out.startswith("{")
    assert PASSWORD not in out


def test_what_json_cannot_hold_is_written_all_the_same(capsys: Lines) -> None:
    configure("signals", pretty=False)

    structlog.get_logger().info("odd", big=2**80, half="\ud800", by={1: object})

    assert only_line(capsys)["big"] == 2**80


SECRET_NAMES = ["api_key", "KEY", "bot_token", "redis_password", "client_secret", "Authorization"]


@pytest.mark.parametrize("name", SECRET_NAMES)
@given(value=st.text(min_size=1) | st.integers() | st.binary() | st.lists(st.text(min_size=1)))
def test_what_a_secret_name_holds_is_hidden_however_deep(name: str, value: object) -> None:
    line = redact(None, "info", {"request": [{"headers": {name: value}}], name: value})

    assert line == {"request": [{"headers": {name: "***"}}], name: "***"}


@given(st.text(min_size=1))
def test_a_secret_value_is_hidden_under_any_name(value: str) -> None:
    line = redact(
        None, "info", {"settings": {"webhook": SecretStr(value)}, "x": (SecretStr(value),)}
    )

    assert line == {"settings": {"webhook": "***"}, "x": ["***"]}


def test_that_a_secret_is_absent_may_be_said() -> None:
    assert redact(None, "info", {"api_key": None, "has_token": True}) == {
        "api_key": None,
        "has_token": True,
    }


@pytest.mark.parametrize("url", ["redis://:p@ss@host", "https://user:p@host/x?a@b", "a://p@host"])
def test_user_and_password_are_cut_out_of_urls(url: str) -> None:
    line = redact(None, "info", {"event": f"connecting to {url}", "cause": OSError(url)})

    assert "p@" not in str(line)
    assert str(line).count("***@host") == 2
