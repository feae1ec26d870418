"""The how-to's snippets run as they stand, and its list of failures is the registry's."""

import asyncio
import re
from pathlib import Path

import pytest

from hyperliquid_simulator.answers.info import INFO
from hyperliquid_simulator.protocol.channels import CHANNELS
from hyperliquid_simulator.protocol.faults import listing

HOWTO = Path(__file__).parents[2] / "docs" / "howto" / "simulator.md"
SNIPPETS = re.findall(r"```python\n(.*?)```", HOWTO.read_text(), re.DOTALL)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=["sdk", "ccxt", "test"])
async def test_a_snippet_runs(venue: str, snippet: str) -> None:
    there = snippet.replace("127.0.0.1:18777", venue.removeprefix("http://"))

    await asyncio.to_thread(exec, there, {"__name__": "__main__"})


def test_the_list_of_failures_is_that_of_the_help() -> None:
    assert listing() in HOWTO.read_text()


def test_the_readme_names_every_request_and_channel() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    rows = dict(re.findall(r"^\| `(POST /info|/ws)` \| (.*) \|$", readme, re.MULTILINE))

    assert set(re.findall(r"`(\w+)`", rows["POST /info"])) == set(INFO)
    assert set(re.findall(r"`(\w+)`", rows["/ws"])) == {*CHANNELS, "post"}
