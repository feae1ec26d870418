"""Every kind of failure can be scripted by a file and ordered while the venue runs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from hyperliquid_simulator.app import Venue, build
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.protocol.failures import FAULTS


@pytest.fixture
def stepped(config: Config) -> Config:
    return replace(config, stepped=True)


def rows(first: float) -> list[dict[str, Any]]:
    """Return a failure of every kind, one a second."""
    return [{"kind": kind, "at": first + nth, "for": 0.5} for nth, kind in enumerate(FAULTS)]


async def suffered(venue: Venue, seconds: int) -> list[str]:
    """Return which kinds were going on, as often as somebody looked."""
    seen = []
    for _ in range(4 * seconds):
        await venue.step(0.25)
        seen += [fault["kind"] for fault in venue.faults.report()["going"]]
    return list(dict.fromkeys(seen))


async def test_a_file_of_every_kind_is_suffered_in_its_order(
    stepped: Config, tmp_path: Path
) -> None:
    file = tmp_path / "everything.json"
    file.write_bytes(orjson.dumps(rows(first=1.0)))
    venue = build(replace(stepped, faults=file))

    assert await suffered(venue, len(FAULTS) + 2) == list(FAULTS)
    assert venue.faults.report() == {"going": [], "waiting": []}
    assert await venue.step(10) > 0


async def test_every_kind_can_be_ordered_while_the_venue_runs(stepped: Config) -> None:
    venue = build(stepped)
    await venue.step(1)

    for row in rows(first=2.0):
        venue.faults.add(row)

    assert await suffered(venue, len(FAULTS) + 3) == list(FAULTS)
    assert await venue.step(10) > 0
