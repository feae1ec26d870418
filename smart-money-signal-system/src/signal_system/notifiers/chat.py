"""Telegram, Discord, Slack, e-mail and a hundred more, by one library and one URL."""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from importlib import import_module
from typing import Protocol, cast

from shared_events.errors import ConfigError
from shared_events.runtime.clock import Clock
from signal_system.notifiers.notice import Notice
from signal_system.notifiers.port import DeliveryError
from signal_system.notifiers.receivers import ChatReceiver, QuietHours

TITLE = "Smart money"

_BURST = 3.0
_STEP = timedelta(minutes=1)
_DAY = timedelta(days=1)


class _Service(Protocol):
    def notify(self, body: str, title: str) -> bool | None: ...


class TokenBucket:
    """Lets through what a service takes a minute, and a few at once."""

    def __init__(self, per_minute: float, clock: Clock) -> None:
        self._per_second, self._clock = per_minute / 60, clock
        self._tokens, self._at = _BURST, clock.now()

    async def take(self) -> None:
        """Take a token; wait for it if there is none."""
        now = self._clock.now()
        gained = max((now - self._at).total_seconds(), 0.0) * self._per_second
        self._tokens, self._at = min(self._tokens + gained, _BURST) - 1, now
        if self._tokens < 0:
            await self._clock.sleep(-self._tokens / self._per_second)


class Chat:
    """See `Notifier`. A thread of its own, so that a slow service keeps nobody else waiting.

    Notices that come together are told in one message. A chat knows no ids: after a kill between
    sending and remembering, the last message comes twice.

    Raises
    ------
    ConfigError
        If the URL means nothing to the library.
    """

    batch = 20

    def __init__(self, name: str, receiver: ChatReceiver, clock: Clock) -> None:
        self._receiver = receiver
        self._service = _service(name, receiver)
        self._bucket = TokenBucket(receiver.messages_per_minute, clock)
        self._thread = ThreadPoolExecutor(1, f"chat-{name}")

    def hold(self, now: datetime) -> float:
        """Return how long to collect: until the digest is due and quiet hours are over."""
        digest = self._receiver.digest_seconds
        return digest + quiet_seconds(self._receiver.quiet, now + timedelta(seconds=digest))

    async def send(self, notices: Sequence[Notice]) -> None:
        """Send `notices` as one message."""
        await self._bucket.take()
        text = "\n".join(notice.text for notice in notices)
        call = self._service.notify
        if not await asyncio.get_running_loop().run_in_executor(self._thread, call, text, TITLE):
            raise DeliveryError("the service did not take it: is its URL right, is it up?")

    def close(self) -> None:
        """Let go of the thread; a call that is under way ends by itself."""
        self._thread.shutdown(wait=False)


def quiet_seconds(quiet: QuietHours | None, now: datetime) -> float:
    """Return how long after `now` quiet hours last, to the minute; 0 outside of them."""
    until = now
    while quiet is not None and quiet.cover(until) and until - now < _DAY:
        until += _STEP
    return (until - now).total_seconds()


def _service(name: str, receiver: ChatReceiver) -> _Service:
    library = import_module("apprise")  # 0.3 s that only those pay who want it
    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its lines may carry tokens
    service = library.Apprise()
    if not service.add(receiver.url.get_secret_value()):
        raise ConfigError(
            f"chats.{name}.url means nothing to Apprise: write it as https://github.com/caronc/"
            "apprise/wiki says for the service, tgram://TOKEN/CHAT for example"
        )
    return cast("_Service", service)
