"""A real receiver of webhooks on loopback that keeps what was authentic, once for each key."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from msgspec import json

from shared_events.runtime.clock import SystemClock
from signal_system.notifiers import signing

SECRET = "correct horse battery staple"  # noqa: S105 -- opens nothing


@dataclass(slots=True)
class Inbox:
    """What a receiver holds across its own restarts.

    Attributes
    ----------
    keys
        Of every request that was authentic, repetitions included.
    kept
        The bodies, by key: what the receiver acts on.
    answers
        Statuses to answer with before it says 200; with those below 300 it takes the notice.
    """

    keys: list[str] = field(default_factory=list)
    kept: dict[str, Any] = field(default_factory=dict)
    forged: int = 0
    answers: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)


@asynccontextmanager
async def receiving(inbox: Inbox, port: int = 0) -> AsyncIterator[int]:
    """Take webhooks on `port` of loopback into `inbox`; yields the port."""

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        if not signing.is_authentic(SECRET, request.headers, body, SystemClock().now()):
            inbox.forged += 1
            return web.Response(status=401)
        key = request.headers[signing.IDEMPOTENCY_KEY]
        inbox.keys.append(key)
        status = inbox.answers.pop(0) if inbox.answers else 200
        if status < 300:
            inbox.kept.setdefault(key, json.decode(body))
        return web.Response(status=status, headers=inbox.headers)

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        _, bound = runner.addresses[0][:2]
        yield bound
    finally:
        await runner.cleanup()
