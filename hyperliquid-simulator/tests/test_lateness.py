import asyncio
from dataclasses import replace

import aiohttp

from hyperliquid_simulator.app import running
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.lateness import Lateness


def test_a_report_tells_how_late_most_almost_all_and_all_blocks_were_and_then_forgets() -> None:
    lateness = Lateness()
    for late in range(1000):
        lateness.note(float(late), 3)

    first, second = lateness.report(), lateness.report()

    assert (first["blocks"], first["trades"]) == (1000, 3000)
    assert first["lateMs"] == {"p50": 500.0, "p99": 990.0, "max": 999.0}
    assert (second["blocks"], second["trades"]) == (0, 0)


async def test_a_venue_tells_whether_it_keeps_up(config: Config) -> None:
    async with running(replace(config, speed=30.0)) as url, aiohttp.ClientSession(url) as session:
        blocks = trades = 0
        while not trades:
            async with session.get("/simulator/pace") as response:
                report = await response.json()
            blocks, trades = blocks + report["blocks"], trades + report["trades"]
            assert 0 <= report["lateMs"]["p50"] <= report["lateMs"]["max"]
            await asyncio.sleep(0.01)

    assert blocks > 0
