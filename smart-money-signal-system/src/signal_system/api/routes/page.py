"""The live page and the reference: a handful of files, read once, served from memory."""

from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter, Request
from starlette.responses import Response

from signal_system.api.encoded import tagged
from signal_system.api.errors import RefusedError
from signal_system.api.headers import CONTENT_POLICY

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_PAGE = files("signal_system.api") / "page"
_SWAGGER = files("fastapi_offline") / "static"
_SWAGGER_FILES = ("swagger-ui-bundle.js", "swagger-ui.css")

# Swagger UI writes style attributes of its own.
_DOCS_POLICY = CONTENT_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file and what it is."""

    body: bytes
    media_type: str


def routes() -> APIRouter:
    """Return the routes; the page itself needs no key, what it asks for does."""
    router = APIRouter(include_in_schema=False)
    assets = {asset.name: _read(asset) for asset in (*_own(), *_swagger())}

    @router.get("/")
    async def page(request: Request) -> Response:
        return _answer(assets["index.html"], request)

    @router.get("/docs")
    async def docs(request: Request) -> Response:
        answer = _answer(assets["docs.html"], request)
        answer.headers["Content-Security-Policy"] = _DOCS_POLICY
        return answer

    @router.get("/assets/{name}")
    async def asset(request: Request, name: str) -> Response:
        if name not in assets:
            raise RefusedError(404, "not_found", "There is no such file.", "The page is at /.")
        return _answer(assets[name], request)

    return router


def _own() -> list[Traversable]:
    return [each for each in _PAGE.iterdir() if _suffix(each) in _TYPES]


def _swagger() -> list[Traversable]:
    return [_SWAGGER / name for name in _SWAGGER_FILES]


def _read(file: Traversable) -> Asset:
    return Asset(file.read_bytes(), _TYPES[_suffix(file)])


def _suffix(file: Traversable) -> str:
    return f".{file.name.rpartition('.')[2]}"


def _answer(asset: Asset, request: Request) -> Response:
    return tagged(asset.body, request, asset.media_type)
