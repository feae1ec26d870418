from pathlib import Path

import aiohttp
import pytest

from workspace.testing.stack import until
from workspace.together import together

pytestmark = pytest.mark.timeout(90)


async def test_both_services_reach_opinions_in_one_process_over_a_bus_in_memory(
    tmp_path: Path,
) -> None:
    async with (
        together(tmp_path, exchange=None, port=0, demo=True) as port,
        aiohttp.ClientSession() as http,
    ):

        async def opinions() -> set[str]:
            async with http.get(f"http://127.0.0.1:{port}/api/v1/signals") as answer:
                return {row["action"] for row in (await answer.json())["signals"]} - {"NEUTRAL"}

        assert await until(opinions, "opinions") <= {"BUY", "SELL"}
