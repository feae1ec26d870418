"""What is no event is set aside with the reason, and everything else goes on."""

from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from redis.asyncio import Redis

from shared_events.bus.open import open_bus
from shared_events.codec import encode
from shared_events.testing.factories import a_market_context, an_event, trader_positions
from workspace.testing.stack import Stack, until

pytestmark = [pytest.mark.redis, pytest.mark.timeout(90)]

STREAM = "events:trader_positions"


def a_book(sequence: int, **fields: Any) -> bytes:
    """Return a book as it travels, recorded now unless said otherwise."""
    now = datetime.now(UTC)
    about = trader_positions(sequence=sequence, as_of=now)
    return encode(an_event(about, time=now, recorded_at=fields.get("recorded_at", now)))


def bad_messages() -> dict[str, bytes]:
    """Return what must be set aside, by a word of the reason."""
    good = a_book(900)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    return {
        "malformed": b'{"type":"trader_positions","version":1',
        "Expected `object`": b"[1,2,3]",
        "Expected `int`": good.replace(b'"sequence":900', b'"sequence":"many"'),
        "not finite": good.replace(b'"size":"1.5"', b'"size":"NaN"'),
        "far too many digits": good.replace(b'"size":"1.5"', b'"size":"1e999999999"'),
        "version 99": good.replace(b'"version":1', b'"version":99'),
        "moon_phases": good.replace(b'"trader_positions"', b'"moon_phases"'),
        "more than an event may have": good + b" " * (2 << 20),
        "utf-8": good.replace(b'"source":"test"', b'"source":"\xff\xfe"'),
        "has not come yet": a_book(901, recorded_at=tomorrow),
    }


async def test_bad_messages_in_a_stream_go_to_the_dead_letters_and_stop_nothing(
    stack: Stack,
) -> None:
    stack.start("signal")
    bad = bad_messages()
    async with (
        Redis.from_url(stack.redis.url) as redis,
        open_bus(stack.redis.url, consumer="test") as bus,
    ):
        for message in bad.values():
            await redis.xadd(STREAM, {"event": message})
        await redis.xadd(STREAM, {"something": "else"})
        await redis.xadd(STREAM, {"event": a_book(1)})

        async def settled() -> bool:
            status = await stack.json(f"{stack.signal_api}/status")
            return bool(
                status["events_applied"] == 1
                and not (await bus.lag("signal-system"))["trader_positions"]
            )

        await until(settled, "the good one to be applied")
        letters = await bus.dead_letters("trader_positions")

    reasons = [letter.reason for letter in letters]
    missed = [word for word in bad if not any(word.lower() in said.lower() for said in reasons)]
    assert not missed, reasons
    assert len(letters) == len(bad) + 1
    part = stack.parts["signal"]
    assert part.stop() == 0
    assert "Traceback" not in part.log.read_text()


async def test_bad_events_in_a_request_are_named_and_the_good_ones_are_taken(stack: Stack) -> None:
    stack.start("signal")
    await until(lambda: stack.json(f"{stack.signal_api}/status"), "the API")
    bad = [raw for word, raw in bad_messages().items() if word != "has not come yet"]
    lines = [a_book(1), *bad, encode(an_event(a_market_context()))]

    async with stack.http.post(
        f"{stack.signal_api}/events",
        data=BytesIO(b"\n".join(lines)),
        headers={"Content-Type": "application/x-ndjson"},
    ) as answer:
        said = await answer.json()

    assert answer.status == 202
    assert said["accepted"] == 2
    assert [each["index"] for each in said["rejected"]] == list(range(1, len(bad) + 1))

    async def applied() -> bool:
        return bool((await stack.json(f"{stack.signal_api}/status"))["events_applied"] == 2)

    await until(applied, "the good ones to be applied")
