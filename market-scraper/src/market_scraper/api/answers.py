"""Documents as JSON, and who may change something."""

from typing import Annotated, Any

import msgspec
import orjson
from fastapi import HTTPException, Path, Query, Request, Response

from shared_events.types import ADDRESS_PATTERN, plain

Address = Annotated[str, Path(pattern="(?i)" + ADDRESS_PATTERN)]
Limit = Annotated[int, Query(ge=1, le=20_000)]
Milliseconds = Annotated[int | None, Query(ge=0, le=1 << 53)]


def document(content: Any, status: int = 200) -> Response:
    """Return `content` as JSON; exact numbers travel as strings."""
    return Response(orjson.dumps(content, default=_plain), status, media_type="application/json")


def from_no_page(request: Request) -> None:
    """Refuse what a page in somebody's browser sends: it may come from anywhere."""
    if "origin" in request.headers:
        raise HTTPException(403, "pages may not change anything: use the command line")


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return {name: getattr(value, name) for name in value.__struct_fields__}
    return plain(value)
