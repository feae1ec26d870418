"""Health names what does not answer, and why."""

import asyncio

import pytest

from shared_events.errors import BusUnavailableError
from shared_events.runtime.health import Health


async def works() -> None:
    await asyncio.sleep(0)


async def is_away() -> None:
    raise BusUnavailableError("no answer from 'redis://host'")


async def hangs() -> None:
    await asyncio.Event().wait()


async def says_nothing() -> None:
    raise BusUnavailableError("")


async def is_broken() -> None:
    raise ZeroDivisionError


async def test_each_check_is_named_with_none_or_the_reason() -> None:
    health = Health(
        {"store": works, "bus": is_away, "venue": hangs, "x": says_nothing}, limit_seconds=0.01
    )

    assert await health.report() == {
        "store": None,
        "bus": "no answer from 'redis://host'",
        "venue": "no answer within 0.01 s",
        "x": "BusUnavailableError",
    }


async def test_checks_run_side_by_side() -> None:
    both = asyncio.Barrier(2)

    async def meets() -> None:
        await both.wait()

    assert await Health({"a": meets, "b": meets}).report() == {"a": None, "b": None}


async def test_a_bug_in_a_check_is_not_ill_health() -> None:
    with pytest.raises(ZeroDivisionError):
        await Health({"store": works, "broken": is_broken}).report()


async def test_nothing_to_check_is_healthy() -> None:
    assert await Health({}).report() == {}
