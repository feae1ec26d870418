"""The outermost layer: names each request, checks whom it asks for, times it, guards the answer."""

import re
from secrets import token_hex
from time import perf_counter

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from signal_system.api.access import Access
from signal_system.api.errors import RefusedError
from signal_system.api.headers import SECURITY
from signal_system.api.metrics import Metrics

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SECURITY = [(name.lower().encode(), value.encode()) for name, value in SECURITY.items()]
_WRONG_HOST = RefusedError(
    421,
    "wrong_host",
    "This service answers under its own name alone.",
    "Use http://127.0.0.1 or http://localhost; set SIGNAL_SYSTEM_API_HOST to serve a network.",
)


class Edge:
    """Wraps an application; see the module."""

    def __init__(self, app: ASGIApp, access: Access, metrics: Metrics) -> None:
        self._app, self._access, self._metrics = app, access, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers.get("x-request-id"))
        scope.setdefault("state", {})["request_id"] = request_id
        started, status = perf_counter(), 500

        async def guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _guard(message, request_id)
            await send(message)

        inner = (
            self._app if self._access.knows_host(headers.get("host")) else _WRONG_HOST.response()
        )
        try:
            await inner(scope, receive, guarded)
        finally:
            self._metrics.answered(scope, status, perf_counter() - started)


def _request_id(given: str | None) -> str:
    return given if given and _REQUEST_ID.fullmatch(given) else token_hex(8)


def _guard(message: Message, request_id: str) -> None:
    headers = list(message.get("headers", ()))
    own = {name for name, _ in headers}
    headers += [pair for pair in _SECURITY if pair[0] not in own]
    headers.append((b"x-request-id", request_id.encode()))
    message["headers"] = headers
