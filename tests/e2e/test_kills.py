import asyncio
import os
import random
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shared_events.testing.servers import RedisServer
from workspace.testing.belief import believed_books, journalled
from workspace.testing.stack import Stack, open_stack, until

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("SMART_MONEY_DATA", ROOT.parent / "shared" / "data"))
PANEL = DATA / "market" / "hyperliquid" / "whale_panel_202602"

pytestmark = [pytest.mark.redis, pytest.mark.timeout(300)]

A_MINUTE_LATER = 100.0
"""What a killed scraper asked for counts against the venue's limit for a minute."""


async def settled(stack: Stack, published: int) -> bool:
    """Tell whether the signal system has taken at least `published` events and waits for more."""
    status = await stack.json(f"{stack.signal_api}/status")
    return status["events_applied"] >= published and not sum(status["lag"].values())


def player(stack: Stack) -> subprocess.Popen[bytes]:
    """Start to publish the recording from its beginning."""
    with (stack.folder / "replay.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "market_scraper", "replay", PANEL, "--bus", stack.redis.url],
            stdout=log,
            stderr=subprocess.STDOUT,
        )


async def played(
    stack: Stack, kills: int = 0, chance: random.Random | None = None
) -> dict[str, Any]:
    """Publish the recording to the end, killing both sides `kills` times; return the last status."""
    stack.start("signal")
    for _ in range(kills):
        assert chance is not None
        playing = player(stack)
        await asyncio.sleep(chance.uniform(1.0, 4.0))
        playing.kill()
        playing.wait()
        stack.parts["signal"].kill()
        await asyncio.sleep(chance.uniform(0, 0.3))
        stack.start("signal")
    whole = player(stack)
    assert await asyncio.to_thread(whole.wait) == 0

    async def done() -> dict[str, Any] | None:
        status: dict[str, Any] = await stack.json(f"{stack.signal_api}/status")
        idle = not sum(status["lag"].values()) and status["progress"]["phase"] != "restoring"
        return status if idle and status["events_applied"] else None

    status: dict[str, Any] = await until(done, "the recording to be taken", 120)
    assert stack.parts["signal"].stop() == 0
    return status


@pytest.mark.data
@pytest.mark.skipif(not PANEL.exists(), reason=f"no recording at {PANEL}: set SMART_MONEY_DATA")
async def test_killed_at_random_while_a_recording_plays_all_ends_as_if_nothing_had_happened(
    tmp_path: Path, redis_binary: Path
) -> None:
    chance = random.Random(7)
    ends = {}
    for name, kills in (("calm", 0), ("killed", 3)):
        (tmp_path / name).mkdir()
        with RedisServer(redis_binary) as redis:
            async with open_stack(tmp_path / name, redis) as stack:
                status = await played(stack, kills, chance)
                ends[name] = (journalled(stack.journal), status["state_hash"])

    (calm, calm_state), (killed, killed_state) = ends["calm"], ends["killed"]
    assert len(calm) > 90_000
    assert set(calm) == set(killed)
    assert max(killed.values()) == 1, "an event was journalled twice"
    assert killed_state == calm_state


async def test_a_live_system_killed_at_random_ends_up_with_the_true_books(stack: Stack) -> None:
    chance = random.Random(11)
    await stack.start_all()
    for _ in range(3):
        await asyncio.sleep(chance.uniform(0.2, 1.5))
        part = stack.parts[chance.choice(["scraper", "signal"])]
        part.kill()
        await stack.admin("flip", coin=chance.choice(["BTC", "ETH", "SOL"]), side="long")
        await asyncio.sleep(chance.uniform(0, 0.5))
        part.start()
    await until(all_anchored(stack), "every trader to be anchored again", A_MINUTE_LATER)
    await stack.admin("pause")
    await asyncio.sleep(1.0)

    await until(lambda: settled(stack, 1), "the last events to be applied")
    truth = (await stack.json(f"{stack.venue}/simulator/truth"))["books"]
    assert stack.parts["signal"].stop() == 0

    believed = believed_books(stack.journal)
    exact = {
        address: {coin: Decimal(size) for coin, size in truth[address].items()}
        for address in believed
    }
    assert len(believed) == 100
    assert believed == exact
    assert max(journalled(stack.journal).values()) == 1


async def test_redis_is_killed_and_everything_goes_on_where_it_was(stack: Stack) -> None:
    await stack.start_all()
    before = await stack.json(f"{stack.signal_api}/status")

    stack.redis.kill()
    await asyncio.sleep(1.5)
    stack.redis.start()

    await until(lambda: settled(stack, before["events_applied"] + 50), "events to flow again")
    actions = await stack.actions()
    coin = next(coin for coin, action in actions.items() if action != "NEUTRAL")
    side = "short" if actions[coin] == "BUY" else "long"
    await stack.admin("flip", coin=coin, side=side)

    async def turned() -> bool:
        return (await stack.actions())[coin] != actions[coin]

    await until(turned, f"{coin} to turn after Redis came back")
    assert max(journalled(stack.journal).values()) == 1
    assert all(part.process and part.process.poll() is None for part in stack.parts.values())


def all_anchored(stack: Stack) -> Any:
    async def probe() -> bool:
        status = await stack.json(f"{stack.scraper_api}/status")
        return bool(status["anchored"] == status["tracked"] == 100 and not status["doubtful"])

    return probe
