"""Models: which there are, what they were worth, whether they drift, and what they say to a row."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from signal_system.api.intake import CONTENT_TYPES, body_of
from signal_system.api.model_port import ModelDesk
from signal_system.api.model_schemas import (
    Answers,
    BestVersion,
    DriftReports,
    ModelCard,
    ModelDetail,
    ModelList,
    Question,
)
from signal_system.api.schemas import ErrorDocument
from signal_system.ml.manifest import NAME

ModelName = Annotated[str, Path(pattern=NAME, description="Of the model: direction-4h-BTC.")]
VersionName = Annotated[
    str, Path(pattern=NAME, description="A version, or champion, challenger, previous, latest.")
]
Metric = Annotated[str, Query(pattern=r"^[\w ./%-]{1,100}$", description="As manifests name it.")]
Lowest = Annotated[bool, Query(description="Whether the lowest value is the best.")]

_NONE: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorDocument, "description": "No such model or version."},
}
_UNANSWERABLE: dict[int | str, dict[str, Any]] = _NONE | {
    409: {"model": ErrorDocument, "description": "The rows follow another definition."},
    503: {"model": ErrorDocument, "description": "No version of it serves."},
}


_QUESTION: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {CONTENT_TYPES[1]: {"schema": Question.model_json_schema()}},
    }
}


def routes(desk: ModelDesk) -> APIRouter:
    """Return the routes that answer from `desk`."""
    router = APIRouter(tags=["models"])

    @router.get("/api/v1/models")
    async def models() -> ModelList:
        """List every model: its aliases, what serves, and why a champion does not."""
        return ModelList(models=list(await desk.models()))

    @router.get("/api/v1/models/{name}", responses=_NONE)
    async def model(name: ModelName) -> ModelDetail:
        """Return one model with its versions, their gates and metrics, and what they were worth live."""
        return await desk.model(name)

    @router.get("/api/v1/models/{name}/versions/{version}", responses=_NONE)
    async def model_card(name: ModelName, version: VersionName) -> ModelCard:
        """Return the card of a version."""
        return await desk.card(name, version)

    @router.get("/api/v1/models/{name}/best", responses=_NONE)
    async def best_version(
        name: ModelName, metric: Metric, *, lowest: Lowest = False
    ) -> BestVersion:
        """Return the version whose manifest states the best value of a metric."""
        return await desk.best(name, metric, lowest=lowest)

    @router.get("/api/v1/models/{name}/drift", responses=_NONE)
    async def drift(name: ModelName) -> DriftReports:
        """Say whether the versions in service still see the world they were taught."""
        return DriftReports(reports=list(await desk.drift(name)))

    @router.post("/api/v1/models/{name}/predict", responses=_UNANSWERABLE, openapi_extra=_QUESTION)
    async def predict(name: ModelName, request: Request) -> Answers:
        """Return what the version in service says to rows of features of your own."""
        return await desk.predict(name, _question(await body_of(request)))

    return router


def _question(body: bytes) -> Question:
    try:
        return Question.model_validate_json(body)
    except ValidationError as e:
        first = e.errors(include_url=False, include_context=False)[0]
        raise RequestValidationError([{**first, "loc": ("body", *first["loc"])}]) from e
