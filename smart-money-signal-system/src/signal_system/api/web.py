"""Puts the HTTP side together: what it reads and where it publishes are handed in."""

from importlib.metadata import version
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute

from shared_events.bus.port import Publisher
from signal_system.api import errors
from signal_system.api.access import Access, ApiSettings
from signal_system.api.edge import Edge
from signal_system.api.metrics import Metrics
from signal_system.api.model_port import ModelDesk
from signal_system.api.port import ReadModel
from signal_system.api.routes import (
    alerts,
    events,
    feature_importance,
    health,
    models,
    page,
    regime,
    signals,
    status,
)
from signal_system.api.schemas import ErrorDocument

_DESCRIPTION = """
What the tracked traders on Hyperliquid hold, pooled into one opinion a coin.

Quantities are decimal strings, moments are UTC, unknown is null. Every error has the body
`{"error": {"code", "message", "hint"}}`. Answers with an `ETag` cost nothing to poll with
`If-None-Match`.
"""

_ALWAYS_POSSIBLE: dict[int | str, dict[str, Any]] = {
    401: {"model": ErrorDocument, "description": "The key is missing or wrong."},
    422: {"model": ErrorDocument, "description": "A parameter is out of bounds."},
}


def build(
    read_model: ReadModel,
    publisher: Publisher,
    settings: ApiSettings,
    desk: ModelDesk | None = None,
) -> FastAPI:
    """Return the application that answers from `read_model` and publishes what it is sent.

    Parameters
    ----------
    desk
        Answers what is asked about models; without one there is nothing to ask.

    Raises
    ------
    ConfigError
        If `settings` would open the service to a network without a key.
    """
    access, metrics = Access.of(settings), Metrics(read_model)
    app = FastAPI(
        title="Smart money signals",
        description=_DESCRIPTION,
        version=version("smart-money-signal-system"),
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
    )
    for guarded in (
        signals.routes(read_model),
        regime.routes(read_model),
        alerts.routes(read_model),
        feature_importance.routes(read_model),
        *([models.routes(desk)] if desk else []),
        status.routes(read_model),
        events.routes(publisher),
    ):
        app.include_router(
            guarded, dependencies=[Depends(access.require)], responses=_ALWAYS_POSSIBLE
        )
    app.include_router(health.routes(read_model, metrics))
    app.include_router(page.routes())
    app.add_middleware(Edge, access=access, metrics=metrics)
    errors.install(app)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name
