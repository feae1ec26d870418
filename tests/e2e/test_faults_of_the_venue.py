"""The venue refuses, breaks and lags; the scraper is away; everything stops under load."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from shared_events.testing.servers import RedisServer
from signal_system.event_subscriber import TYPES
from workspace.testing.belief import believed_books, journalled
from workspace.testing.stack import Stack, open_stack, until

pytestmark = [pytest.mark.redis, pytest.mark.timeout(180)]

REFUSED_SECONDS = 4
QUICK = {
    "MARKET_SCRAPER_MAX_TRADERS": "40",
    "MARKET_SCRAPER_AUDIT_SECONDS": "5",
    "MARKET_SCRAPER_STATUS_SECONDS": "1",
    "MARKET_SCRAPER_CONTEXTS_SECONDS": "1",
    "SIGNAL_SYSTEM_RULES__FRESHNESS_SECONDS": "8",
    "SIGNAL_SYSTEM_RULES__HEARTBEAT_SECONDS": "3",
}
"""Few traders, so that the weight budget lets all of them be asked again at once."""


@pytest.fixture
async def refused(tmp_path: Path, own_server: RedisServer) -> AsyncIterator[Stack]:
    """A stack whose venue refuses every request at first."""
    faults = tmp_path / "faults.json"
    faults.write_text(json.dumps([{"kind": "refuse", "at": 0, "for": REFUSED_SECONDS}]))
    async with open_stack(
        tmp_path, own_server, simulator=("--faults", str(faults)), **QUICK
    ) as parts:
        yield parts


def sees_everything(stack: Stack) -> Any:
    async def probe() -> bool:
        said = await stack.json(f"{stack.scraper_api}/status")
        sockets = said["sockets"]
        return bool(
            said["status"] == "LIVE"
            and said["tracked"] == said["anchored"] == 40
            and not said["doubtful"]
            and sockets["open"] == sockets["needed"]
        )

    return probe


def agrees(stack: Stack) -> Any:
    """Return a probe that compares the paused venue with what the journal folds to."""

    async def probe() -> bool:
        truth = (await stack.json(f"{stack.venue}/simulator/truth"))["books"]
        books = await asyncio.to_thread(believed_books, stack.journal)
        return len(books) == 40 and books == {
            address: {coin: Decimal(size) for coin, size in truth[address].items()}
            for address in books
        }

    return probe


async def test_after_every_fault_of_the_venue_the_books_are_the_true_ones(refused: Stack) -> None:
    await refused.start_all()
    for kind in ("bad_gateway", "drop_sockets", "silent_sockets", "lagging_state"):
        await refused.admin("fault", kind=kind, **{"for": 1.5})
        await refused.admin("flip", coin="BTC", side="short")
        await refused.admin("burst", trades=300)
        await asyncio.sleep(1.6)

    await until(sees_everything(refused), "every doubt to be settled", 90)
    await refused.admin("pause")

    await until(agrees(refused), "the journal to tell the truth")
    for part in refused.parts.values():
        assert "Traceback" not in part.log.read_text()


async def test_while_the_scraper_is_away_signals_are_neutral_and_name_the_gate(
    tmp_path: Path, own_server: RedisServer
) -> None:
    async with open_stack(tmp_path, own_server, **QUICK) as stack:
        await stack.start_all()
        assert stack.parts["scraper"].stop() == 0

        async def stale() -> bool:
            rows = (await stack.json(f"{stack.signal_api}/signals"))["signals"]
            return {(row["action"], row["status"]) for row in rows} == {("NEUTRAL", "STALE")}

        await until(stale, "the signals to be stale")
        coin = next(iter(await stack.actions()))
        signal_now = await stack.json(f"{stack.signal_api}/signals/{coin}")
        shut = {gate["name"] for gate in signal_now["gates"] if not gate["passed"]}
        assert shut & {"source", "freshness"}

        stack.start("scraper")

        async def opinions() -> bool:
            return bool({"BUY", "SELL"} & set((await stack.actions()).values()))

        await until(opinions, "opinions once the scraper is back")


async def acknowledged(redis: Any) -> set[str]:
    """Return the ids of the scraper's events that the signal system says it has taken."""
    ids: set[str] = set()
    for stream in await redis.keys("events:*"):
        if await redis.type(stream) != b"stream" or not (
            groups := await redis.xinfo_groups(stream)
        ):
            continue
        [group] = groups
        pending = await redis.xpending_range(stream, "signal-system", "-", "+", 100_000)
        waiting = {entry["message_id"] for entry in pending}
        ids |= {
            json.loads(fields[b"event"])["id"]
            for entry, fields in await redis.xrange(stream, "-", group["last-delivered-id"])
            if entry not in waiting
        }
    return ids


async def test_asked_to_stop_under_load_both_services_end_cleanly_and_lose_nothing(
    tmp_path: Path, own_server: RedisServer
) -> None:
    async with open_stack(tmp_path, own_server, **QUICK) as stack:
        await stack.start_all()
        await stack.admin("burst", trades=20_000)
        await asyncio.sleep(0.3)

        services = [stack.parts[name] for name in ("scraper", "signal")]
        for part in services:
            assert part.process
            part.process.send_signal(signal.SIGTERM)
        assert [part.process.wait(20) for part in services if part.process] == [0, 0]

        async with Redis.from_url(stack.redis.url) as redis:
            taken = await acknowledged(redis)
            published = await redis.eval(
                "local n = 0 for _, name in ipairs(ARGV) do"
                " n = n + redis.call('XLEN', 'events:' .. name) end return n",
                0,
                *TYPES,
            )
        kept = journalled(stack.journal).keys()
        lines = stack.parts["scraper"].log.read_text().splitlines()
        [stopped] = [json.loads(line) for line in lines if '"scraper_stopped"' in line]
        assert taken
        assert taken <= kept
        assert published == stopped["told"]
