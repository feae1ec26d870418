"""Whether the process answers, whether it can do its work, and its numbers."""

import asyncio
from collections.abc import Mapping

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from signal_system.api.metrics import Metrics
from signal_system.api.port import ReadModel
from signal_system.api.schemas import Live, Ready

CHECK_SECONDS = 5.0
_NOT_YET = frozenset({"starting", "restoring"})


def routes(read_model: ReadModel, metrics: Metrics) -> APIRouter:
    """Return the routes; they ask for no key, so that a supervisor needs none."""
    router = APIRouter(tags=["health"])

    @router.get("/health/live")
    async def live() -> Live:
        """Answer, which is all that a living process must do."""
        return Live()

    @router.get("/health/ready", responses={503: {"model": Ready}})
    async def ready(response: Response) -> Ready:
        """Answer 200 if every part does and the start is past restoring, else 503 and what fails."""
        failing = await _failing(read_model)
        response.status_code = 503 if failing else 200
        return Ready(status="unready" if failing else "ready", failing=failing)

    @router.get("/metrics", response_class=Response, include_in_schema=False)
    async def prometheus() -> Response:
        return Response(metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return router


async def _failing(read_model: ReadModel) -> dict[str, str]:
    progress = read_model.status().progress
    start = {"start": progress.message} if progress.phase in _NOT_YET else {}
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            checks: Mapping[str, str | None] = await read_model.checks()
    except TimeoutError:
        return {**start, "checks": f"no answer within {CHECK_SECONDS:g} s"}
    return start | {name: wrong for name, wrong in checks.items() if wrong is not None}
