"""Whale alerts: what was raised, one by its name, and how often each rule was right."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request
from msgspec import Raw, json
from pydantic import AwareDatetime
from starlette.responses import Response

from shared_events.payloads import WhaleAlert
from shared_events.payloads.decisions import Severity
from shared_events.types import ADDRESS_PATTERN
from signal_system.api.encoded import tagged
from signal_system.api.errors import RefusedError
from signal_system.api.port import ReadModel
from signal_system.api.routes.signals import CoinName
from signal_system.api.schemas import AlertPage, AlertStatistics, ErrorDocument
from signal_system.whale_alerts.asking import Asked

MAX_ALERTS: Final = 500

Limit = Annotated[int, Query(ge=1, le=MAX_ALERTS)]
Rule = Annotated[str | None, Query(pattern="^[a-z_]{1,40}$", description="large_open, flip, ...")]
Trader = Annotated[str | None, Query(pattern=ADDRESS_PATTERN, description="The trader's account.")]
Least = Annotated[Severity | None, Query(description="At least so grave.")]
Since = Annotated[AwareDatetime | None, Query(description="Event time, with its offset.")]
AlertId = Annotated[str, Path(pattern="^[0-9a-f]{1,64}$")]
Cursor = Annotated[
    str | None, Query(pattern=r"^\d{1,18}-\d{1,9}$", description="The `next` of the page before.")
]


def routes(read_model: ReadModel) -> APIRouter:
    """Return the routes that answer from `read_model`."""
    router = APIRouter(tags=["whale alerts"])

    @router.get("/api/v1/whale-alerts", response_model=AlertPage)
    async def whale_alerts(  # noqa: PLR0913, PLR0917 -- each is a filter of the query
        request: Request,
        coin: CoinName | None = None,
        address: Trader = None,
        rule: Rule = None,
        severity: Least = None,
        since: Since = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Response:
        """List alerts, newest first; `next` is the cursor of the page after, null at the end."""
        asked = Asked(coin, address, rule, severity, since)
        found = read_model.alerts(asked, limit=limit + 1, before=_place(cursor))
        page = found[:limit]
        more = _cursor(page[-1][0]) if len(found) > limit else None
        body = {"alerts": [Raw(document) for _, document in page], "next": more}
        return tagged(json.encode(body), request)

    @router.get("/api/v1/whale-alerts/statistics")
    async def whale_alert_statistics() -> AlertStatistics:
        """Return how often each rule fired, and how often the price then went that way."""
        return AlertStatistics(rules=list(read_model.alert_statistics()))

    @router.get(
        "/api/v1/whale-alerts/{alert_id}",
        response_model=WhaleAlert,
        responses={404: {"model": ErrorDocument, "description": "No such alert."}},
    )
    async def whale_alert(request: Request, alert_id: AlertId) -> Response:
        """Return one alert by its name."""
        found = read_model.alerts(Asked(alert_id=alert_id), limit=1, before=None)
        if not found:
            raise RefusedError(
                404,
                "unknown_alert",
                f"There is no alert {alert_id!r}.",
                "GET /api/v1/whale-alerts lists those there are.",
            )
        return tagged(found[0][1], request)

    return router


def _place(cursor: str | None) -> tuple[int, int] | None:
    if cursor is None:
        return None
    position, ordinal = cursor.split("-")
    return int(position), int(ordinal)


def _cursor(place: tuple[int, int]) -> str:
    return f"{place[0]}-{place[1]}"
