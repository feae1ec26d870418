"""The page as a browser shows it, under the policy it is served with."""

import asyncio
import shutil
from pathlib import Path

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from shared_events.bus.memory import MemoryEventBus
from signal_system.api.testing.factories import a_progress, a_regime, a_signal, a_status
from signal_system.api.testing.memory import MemoryReadModel
from signal_system.api.testing.server import OwnSettings, serving
from signal_system.api.web import build

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium on PATH"),
]


async def _shown(app: FastAPI, path: str, profile: Path) -> tuple[str, list[str]]:
    """Return what the page has become after three seconds, and what the console heard."""
    async with serving(app) as url:
        browser = await asyncio.create_subprocess_exec(
            str(CHROMIUM),
            *QUIET,
            f"--user-data-dir={profile}",
            "--enable-logging=stderr",
            "--virtual-time-budget=3000",
            "--dump-dom",
            url + path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await browser.communicate()
    return out.decode(), [line for line in err.decode().splitlines() if "CONSOLE" in line]


async def test_the_board_shows_every_coin_and_the_console_stays_silent(
    app: FastAPI, read_model: MemoryReadModel, tmp_path: Path
) -> None:
    read_model.regimes_known = [a_regime()]

    shown, console = await _shown(app, "/", tmp_path)

    assert console == []
    assert 'data-link="live"' in shown
    assert 'data-coin="BTC"' in shown
    assert ">SELL<" in shown
    assert "53.1 %" in shown
    assert "bull 81 %" in shown


async def test_a_link_to_a_coin_opens_its_reasons(app: FastAPI, tmp_path: Path) -> None:
    shown, console = await _shown(app, "/#BTC", tmp_path)

    assert console == []
    assert "independent voters" in shown
    assert "+$12.4M" in shown
    assert "0x0000…0001" in shown


@pytest.mark.parametrize("link", ["/#NONE", "/#BTC/3h", "/#%"])
async def test_a_link_to_nothing_says_so_and_the_board_lives_on(
    app: FastAPI, tmp_path: Path, link: str
) -> None:
    shown, _ = await _shown(app, link, tmp_path)

    assert 'data-link="live"' in shown
    assert 'data-coin="BTC"' in shown
    assert '<p class="empty">' in shown


async def test_a_start_shows_how_far_it_is(
    app: FastAPI, read_model: MemoryReadModel, tmp_path: Path
) -> None:
    said = "34% of the tracked weight is fresh"
    read_model.status_now = a_status(progress=a_progress(phase="warming", message=said))

    shown, _ = await _shown(app, "/", tmp_path)

    assert "Connected, still starting" in shown
    assert said in shown


async def test_the_past_is_never_called_live(
    app: FastAPI, read_model: MemoryReadModel, tmp_path: Path
) -> None:
    now = read_model.status_now.now.replace(year=2027)
    read_model.status_now = a_status(now=now)

    shown, _ = await _shown(app, "/", tmp_path)

    assert 'data-link="past"' in shown
    assert "showing the past: 365 d ago" in shown


async def test_a_name_from_outside_is_text_not_html(
    app: FastAPI, read_model: MemoryReadModel, tmp_path: Path
) -> None:
    read_model.say(a_signal(coin="<img src=x onerror=alert(1)>"))

    shown, _ = await _shown(app, "/", tmp_path)

    assert "&lt;img src=x" in shown
    assert "<img" not in shown


async def test_with_a_key_set_the_page_asks_for_it(
    read_model: MemoryReadModel, tmp_path: Path
) -> None:
    settings = OwnSettings(api_key=SecretStr("a key of sixteen or more"))

    shown, _ = await _shown(build(read_model, MemoryEventBus(), settings), "/", tmp_path)

    assert 'data-link="locked"' in shown
    assert '<form id="key" class="key">' in shown


async def test_the_reference_draws_itself_without_the_internet(
    app: FastAPI, tmp_path: Path
) -> None:
    shown, console = await _shown(app, "/docs", tmp_path)

    assert not [line for line in console if "Content Security Policy" in line]
    assert "opblock-get" in shown
