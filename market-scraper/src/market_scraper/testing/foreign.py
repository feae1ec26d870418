"""A web service that answers what a test tells it to, on this machine."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

Trouble = Literal["hang", "break off"]


@dataclass(frozen=True)
class Answer:
    """One answer; with a `trouble` it never comes, or ends in the middle."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    trouble: Trouble | None = None


@dataclass
class Asked:
    """One request, as it came."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass
class Foreign:
    """Answers each path with what is listed for it, in order, and the last for ever; else with 404.

    A websocket gets the `frames` and is then closed, unless it is to be left open.
    """

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    frames: list[str] = field(default_factory=list)
    leave_open: bool = True
    asked: list[Asked] = field(default_factory=list)
    url: str = ""
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    def of(self, path: str) -> list[Asked]:
        """Return the requests to `path`."""
        return [asked for asked in self.asked if asked.path == path]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(Asked(request.path, dict(request.query), dict(request.headers)))
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._stream(request)
        listed = self.answers.get(request.path, [Answer(status=404)])
        answer = listed.pop(0) if len(listed) > 1 else listed[0]
        if answer.trouble == "hang":
            await self._over.wait()
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        response.content_length = len(answer.body)
        await response.prepare(request)
        if answer.trouble == "break off":
            await response.write(answer.body[: len(answer.body) // 2])
            if request.transport is not None:
                request.transport.abort()
            return response
        await response.write(answer.body)
        return response

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        for frame in self.frames:
            await socket.send_str(frame)
        while self.leave_open:
            message = await socket.receive()
            if message.type in {WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING}:
                break
        await socket.close()
        return socket


@asynccontextmanager
async def foreign_running() -> AsyncIterator[Foreign]:
    """Run a service for as long as the context lasts."""
    foreign = Foreign()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", foreign._answer)  # noqa: SLF001 -- its own handler
    async with TestServer(app) as server:
        foreign.url = str(server.make_url("/")).rstrip("/")
        try:
            yield foreign
        finally:
            foreign._over.set()  # noqa: SLF001 -- let go of who hangs
