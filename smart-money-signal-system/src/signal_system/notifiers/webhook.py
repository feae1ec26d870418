"""A signed request for each notice."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import aiohttp
from yarl import URL

from shared_events.runtime.clock import Clock
from signal_system.notifiers import signing
from signal_system.notifiers.notice import Notice
from signal_system.notifiers.port import DeliveryError
from signal_system.notifiers.receivers import WebhookReceiver
from signal_system.notifiers.targets import PublicResolver, require_public

_TIMEOUT = aiohttp.ClientTimeout(total=10, connect=5)
_LONGEST_WAIT = 3_600.0


class Webhook:
    """See `Notifier`; whatever is not answered with 2xx counts as not taken, redirects included.

    Parameters
    ----------
    session
        One that `open_session` made for this receiver.
    """

    batch = 1

    def __init__(
        self, receiver: WebhookReceiver, session: aiohttp.ClientSession, clock: Clock
    ) -> None:
        self._receiver, self._session, self._clock = receiver, session, clock
        self._url = URL(receiver.url.get_secret_value())

    def hold(self, now: datetime) -> float:  # noqa: ARG002 -- a program sleeps at no hour
        """Return 0: a program is told at once."""
        return 0.0

    async def send(self, notices: Sequence[Notice]) -> None:
        """Post each of `notices`, the oldest first."""
        for notice in notices:
            await self._post(notice)

    async def _post(self, notice: Notice) -> None:
        if not self._receiver.allow_private:
            require_public(self._url)
        body, secret = notice.body(), self._receiver.secret.get_secret_value()
        headers = signing.headers(secret, notice.id, self._clock.now(), body)
        try:
            async with self._session.post(
                self._url, data=body, headers=headers, allow_redirects=False
            ) as response:
                _require_taken(response)
        except (aiohttp.ClientError, TimeoutError, OSError) as e:
            raise DeliveryError(f"no answer: {type(e).__name__}") from e


@asynccontextmanager
async def open_session(receiver: WebhookReceiver) -> AsyncIterator[aiohttp.ClientSession]:
    """Open what requests to `receiver` go through: one of its own, so that nobody waits for others."""
    resolver = None if receiver.allow_private else PublicResolver()
    connector = aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, limit=2)
    async with aiohttp.ClientSession(
        connector=connector, timeout=_TIMEOUT, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        yield session


def _require_taken(response: aiohttp.ClientResponse) -> None:
    if 200 <= response.status < 300:  # noqa: PLR2004 -- success
        return
    after = response.headers.get("Retry-After", "")
    wait = min(float(after), _LONGEST_WAIT) if after.isdecimal() else None
    raise DeliveryError(f"answered {response.status}", retry_after=wait)
