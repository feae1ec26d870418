"""A short probe of the simulator, which knows the answers."""

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hyperliquid_simulator.app import running as venue_running
from hyperliquid_simulator.config import Config
from market_scraper.config import Settings
from market_scraper.probing.probe import Probe, Report
from market_scraper.probing.questions import QUESTIONS
from shared_events.errors import ConfigError
from shared_events.runtime.clock import SystemClock

SPEED = 20.0


def settings(url: str) -> Settings:
    return Settings.read(exchange_url=url, budget_url="memory://", record_bytes=1 << 24)


def a_probe(url: str, folder: Path, **given: Any) -> Probe:
    return Probe(
        settings(url),
        folder,
        SystemClock(),
        minute=60.0 / SPEED,
        **({"seconds": 4.0, "to_the_limit": True} | given),
    )


def answers(report: Report) -> dict[str, str | None]:
    return {name: found.answer for name, found in report.answers.items()}


async def test_a_short_probe_of_the_simulator_finds_what_the_simulator_does(tmp_path: Path) -> None:
    config = Config(
        seed=5, traders=60, coins=4, history_days=2, orders_per_second=4, speed=SPEED,
        socket_lifetime=200,
    )  # fmt: skip
    async with venue_running(config) as url, aiohttp.ClientSession() as http:
        async with http.get(f"{url}/simulator/truth") as response:
            books = (await response.json())["books"]
        [victim, *_] = [address for address, book in books.items() if book]
        probe = asyncio.create_task(a_probe(url, tmp_path, watched=(victim,)).run())
        await asyncio.sleep(3)
        wanted = {"user": victim, "method": "backstop"}
        async with http.post(f"{url}/simulator/liquidate", json=wanted) as response:
            assert response.status == 200
        report = await probe
        found = answers(report)

        assert found.keys() == QUESTIONS.keys()
        assert found["hidden_fills"] == "none"
        assert found["user_cap"] == "10"
        assert found["post_weight"] == "yes"
        assert found["row_rounding"] == "rounded up, sliding minute"
        assert found["leaderboard_limit"] == "five in a few seconds were answered"
        assert found["lifetime"] is not None
        assert found["lifetime"].startswith("1")
        kept = json.loads((tmp_path / "report.json").read_text())
        assert kept["answers"]["user_cap"]["evidence"]["accepted"] == 10
        assert any((tmp_path / "raw").iterdir())

        again = await a_probe(url, tmp_path, seconds=0.1).run()
        assert answers(again)["row_rounding"] == found["row_rounding"]
        assert again.began_ms == report.began_ms


async def test_nothing_is_refused_unless_that_is_allowed(venue: Any, tmp_path: Path) -> None:
    probe = Probe(settings(venue.url), tmp_path, SystemClock(), seconds=1.5, to_the_limit=False)

    found = await probe.run()

    assert found.answers["user_cap"].answer is None
    assert "--to-the-limit" in str(found.answers["user_cap"].evidence["reason"])
    async with venue.http.get(f"{venue.url}/simulator/limits") as response:
        [used] = (await response.json()).values()
    assert {gauge["refused"] for name, gauge in used.items() if name != "closed"} == {0}
    with pytest.raises(ConfigError, match="choose another folder"):
        a_probe("http://127.0.0.1:1", tmp_path)
