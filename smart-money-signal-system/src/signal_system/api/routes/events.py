"""The other end of the HTTP bus: envelopes come in, the service's own bus carries them on."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request

from shared_events.bus.port import Publisher
from shared_events.envelope import StandardEvent
from shared_events.errors import BusUnavailableError
from signal_system.api.errors import unavailable
from signal_system.api.intake import CONTENT_TYPES, body_of, messages_in, sort
from signal_system.api.schemas import ErrorDocument, Intake

_ENVELOPE = {
    "type": "object",
    "required": ["id", "source", "type", "version", "subject", "time", "recorded_at", "data"],
}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            CONTENT_TYPES[0]: {"schema": {"type": "string"}},
            CONTENT_TYPES[1]: {"schema": {"type": "array", "items": _ENVELOPE}},
        },
    }
}
_REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorDocument, "description": meaning}
    for status, meaning in {
        400: "Nothing could be read.",
        413: "Too many bytes or events.",
        415: "Not NDJSON or JSON.",
        503: "The bus cannot be reached: send it again after Retry-After.",
    }.items()
}


def routes(publisher: Publisher) -> APIRouter:
    """Return the route that publishes to `publisher`."""
    router = APIRouter(tags=["events"])

    @router.post("/api/v1/events", status_code=202, responses=_REFUSALS, openapi_extra=_BODY)
    async def events(request: Request) -> Intake:
        """Publish the events that are right as one batch; say of the others what is wrong."""
        checked = await sort(messages_in(await body_of(request)))
        if checked.events:
            await _publish(publisher, checked.events)
        return Intake(accepted=len(checked.events), rejected=checked.rejected)

    return router


async def _publish(publisher: Publisher, events: Sequence[StandardEvent[Any]]) -> None:
    try:
        await publisher.publish(events)
    except BusUnavailableError as e:
        raise unavailable("The event bus", e.retry_after) from e
