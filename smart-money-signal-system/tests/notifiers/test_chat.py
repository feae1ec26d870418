import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import time, timedelta

import pytest
from aiohttp import web
from pydantic import SecretStr

from shared_events.errors import ConfigError
from shared_events.runtime.clock import ManualClock
from shared_events.testing.factories import NOON
from signal_system.notifiers.chat import Chat, TokenBucket, quiet_seconds
from signal_system.notifiers.notice import of_test
from signal_system.notifiers.port import DeliveryError
from signal_system.notifiers.receivers import ChatReceiver, QuietHours

# Apprise imports it, and has a shim for when it is gone
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")

NIGHT = QuietHours(start=time(11), end=time(13, 30))


def chat(url: str, digest: float = 0.0, quiet: QuietHours | None = None) -> Chat:
    receiver = ChatReceiver(url=SecretStr(url), digest_seconds=digest, quiet=quiet)
    return Chat("phone", receiver, ManualClock(NOON))


@asynccontextmanager
async def chat_service(said: list[str], status: int = 200) -> AsyncIterator[int]:
    """Take what Apprise's ``json://`` posts."""

    async def take(request: web.Request) -> web.Response:
        said.append((await request.json())["message"])
        return web.Response(status=status)

    app = web.Application()
    app.router.add_post("/", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def test_notices_that_come_together_are_one_message() -> None:
    said: list[str] = []
    notices = [of_test(NOON), of_test(NOON + timedelta(seconds=1))]
    async with chat_service(said) as port:
        with closing(chat(f"json://127.0.0.1:{port}/")) as phone:
            await phone.send(notices)

    assert said == ["\n".join(notice.text for notice in notices)]


async def test_what_the_service_does_not_take_is_tried_again_by_whoever_asked() -> None:
    async with chat_service([], status=500) as port:
        with closing(chat(f"json://127.0.0.1:{port}/")) as phone, pytest.raises(DeliveryError):
            await phone.send([of_test(NOON)])


async def test_a_slow_service_runs_in_a_thread_of_its_own() -> None:
    hangs, said = threading.Event(), list[str]()
    async with chat_service(said) as port:
        with closing(chat(f"json://127.0.0.1:{port}/")) as phone:
            phone._thread.submit(hangs.wait)  # noqa: SLF001 -- as if it answered nothing
            waiting = asyncio.create_task(phone.send([of_test(NOON)]))
            assert await asyncio.to_thread(lambda: "free") == "free"
            assert said == []
            hangs.set()
            await waiting

    assert len(said) == 1


def test_a_url_that_means_nothing_is_refused_without_being_shown() -> None:
    with pytest.raises(ConfigError, match=r"chats\.phone\.url") as refused:
        chat("nosuchservice://hidden")

    assert "hidden" not in str(refused.value)


def test_a_message_waits_for_its_digest_and_for_the_end_of_quiet_hours() -> None:
    assert chat("json://x").hold(NOON) == 0
    assert chat("json://x", digest=60).hold(NOON) == 60
    assert chat("json://x", digest=60, quiet=NIGHT).hold(NOON) == 90 * 60


def test_quiet_hours_that_never_end_hold_nothing_for_longer_than_a_day() -> None:
    always = QuietHours(start=time(0), end=time(23, 59, 59, 999_999))

    assert quiet_seconds(always, NOON) <= 86_400
    assert quiet_seconds(None, NOON) == 0


async def test_a_few_messages_pass_at_once_and_the_rest_at_the_rate() -> None:
    clock = ManualClock(NOON)
    bucket = TokenBucket(30, clock)

    for _ in range(5):
        await bucket.take()

    assert clock.slept == [2, 2]
