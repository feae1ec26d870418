"""The how-to's snippets run as they stand, and its list of failures is the registry's."""

import asyncio
import re
from pathlib import Path

import pytest

from hyperliquid_simulator.faults import listing

HOWTO = Path(__file__).parents[2] / "docs" / "howto" / "simulator.md"
SNIPPETS = re.findall(r"```python\n(.*?)```", HOWTO.read_text(), re.DOTALL)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=["sdk", "ccxt", "test"])
async def test_a_snippet_runs(venue: str, snippet: str) -> None:
    there = snippet.replace("127.0.0.1:18777", venue.removeprefix("http://"))

    await asyncio.to_thread(exec, there, {"__name__": "__main__"})


def test_the_list_of_failures_is_that_of_the_help() -> None:
    assert listing() in HOWTO.read_text()
