"""Bytes that are already the answer: tagged, cut down to a few coins, or joined into a page."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b

from fastapi import Request
from msgspec import Raw, Struct, json
from starlette.responses import Response

_REVALIDATE = "no-cache"


class _Coin(Struct):
    coin: str


def tagged(body: bytes, request: Request, media_type: str = "application/json") -> Response:
    """Answer with `body` and its ETag, or with 304 if the caller has it already."""
    tag = etag(body)
    headers = {"ETag": tag, "Cache-Control": _REVALIDATE}
    if _holds(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=media_type)


@lru_cache(maxsize=64)
def etag(body: bytes) -> str:
    """Return the tag of `body`; bytes that are served again are not hashed again."""
    return f'"{blake2b(body, digest_size=12).hexdigest()}"'


def only(body: bytes, coins: Iterable[str]) -> bytes:
    """Return the list `body` with the rows of `coins` alone, in the order of the list."""
    wanted = frozenset(coins)
    whole, rows = _parts(body)
    kept = [row for coin, row in rows.items() if coin in wanted]
    return json.encode({**whole, "signals": kept})


def coins_in(body: bytes) -> Sequence[str]:
    """Return the coins of the list `body`."""
    return tuple(_parts(body)[1])


def joined(documents: Sequence[bytes], following: str | None) -> bytes:
    """Return the page of `documents`, with the path of the page that follows."""
    return json.encode({"signals": [Raw(document) for document in documents], "next": following})


@lru_cache(maxsize=2)
def _parts(body: bytes) -> tuple[Mapping[str, Raw], Mapping[str, Raw]]:
    whole = json.decode(body, type=dict[str, Raw])
    rows = json.decode(whole["signals"], type=list[Raw])
    return whole, {json.decode(row, type=_Coin).coin: row for row in rows}


def _holds(sent: str | None, tag: str) -> bool:
    if sent is None:
        return False
    tags = {each.strip().removeprefix("W/") for each in sent.split(",")}
    return tag in tags or "*" in tags
