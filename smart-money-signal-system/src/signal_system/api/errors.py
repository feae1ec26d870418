"""How a request is turned down: always ``{"error": {"code", "message", "hint"}}``."""

from collections.abc import Mapping
from math import ceil

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from msgspec import json
from starlette.exceptions import HTTPException
from starlette.responses import Response

from shared_events.errors import DataError, TransientError
from signal_system.api.headers import SECURITY

log = structlog.get_logger()

_ROUTING = {
    404: ("not_found", "Nothing lives at this path.", "GET /docs lists every route."),
    405: ("method_not_allowed", "This path has no such method.", "GET /docs lists every route."),
}


class RefusedError(DataError):
    """A request cannot be answered as asked; `hint` says what to do instead."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        hint: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.hint = status, code, message, hint
        self.headers = headers

    def response(self) -> Response:
        """Return the answer that says so."""
        body = {"error": {"code": self.code, "message": self.message, "hint": self.hint}}
        return Response(json.encode(body), self.status, self.headers, "application/json")


def unavailable(what: str, retry_after: float | None) -> RefusedError:
    """Return the 503 for `what`, with the seconds to wait before asking again."""
    return RefusedError(
        503,
        "unavailable",
        f"{what} cannot be reached right now.",
        "Send the same request again after Retry-After seconds; /health/ready names what fails.",
        {"Retry-After": str(max(1, ceil(retry_after or 1)))},
    )


def install(app: FastAPI) -> None:
    """Make every error of `app` answer in the one shape."""
    app.exception_handler(RefusedError)(_refused)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(HTTPException)(_routing)
    app.exception_handler(TransientError)(_transient)
    app.exception_handler(Exception)(_bug)


async def _refused(_: Request, error: RefusedError) -> Response:
    return error.response()


async def _invalid(_: Request, error: RequestValidationError) -> Response:
    first = error.errors()[0]
    name = str(first["loc"][-1])
    return RefusedError(
        422, "invalid_input", f"{name}: {first['msg']}.", "GET /docs shows what each route takes."
    ).response()


async def _routing(_: Request, error: HTTPException) -> Response:
    code, message, hint = _ROUTING.get(
        error.status_code, ("refused", str(error.detail), "GET /docs lists every route.")
    )
    return RefusedError(error.status_code, code, message, hint, error.headers).response()


async def _transient(_: Request, error: TransientError) -> Response:
    return unavailable("Something this answer needs", error.retry_after).response()


async def _bug(request: Request, _: Exception) -> Response:
    """Answer for a bug; Starlette raises it again afterwards, so the trace reaches the log."""
    request_id = request.state.request_id
    log.error("request_failed", path=request.url.path, request_id=request_id)
    response = RefusedError(
        500,
        "internal",
        "The service failed to answer.",
        f"This is a bug: report it with the request id {request_id}.",
    ).response()
    response.headers.update({**SECURITY, "X-Request-ID": request_id})
    return response
