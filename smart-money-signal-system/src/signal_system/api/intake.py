"""Reads the events of a request: takes the good ones, says of each other one what is wrong."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from msgspec import MsgspecError, Raw, json

from shared_events.codec import decode
from shared_events.envelope import StandardEvent
from shared_events.errors import DataError
from signal_system.api.errors import RefusedError
from signal_system.api.schemas import Rejection

MAX_BODY_BYTES = 8 << 20
MAX_EVENTS = 5_000
CONTENT_TYPES = ("application/x-ndjson", "application/json")

_CHUNK = 200
_REASON_LENGTH = 300


@dataclass(slots=True)
class Sorted:
    """The events of one request, in its order."""

    events: list[StandardEvent[Any]] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)


async def body_of(request: Request) -> bytes:
    """Return the body of `request`, never holding more of it than is allowed.

    Raises
    ------
    RefusedError
        415 if it is of a kind we do not read, 413 if it is too long.
    """
    _require_readable(request)
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > MAX_BODY_BYTES:
        raise _too_large()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise _too_large()
    return bytes(body)


def messages_in(body: bytes) -> Sequence[bytes]:
    r"""Return the single messages in `body`: a JSON array, one object, or one object a line.

    Raises
    ------
    RefusedError
        400 if there is none, 413 if there are too many.

    Examples
    --------
    >>> [bytes(message) for message in messages_in(b'{"a":1}\n\n{"b":2}\n')]
    [b'{"a":1}', b'{"b":2}']
    """
    text = body.strip()
    messages = _array(text) if text.startswith(b"[") else _lines(text)
    if not messages:
        raise _unreadable("the body is empty")
    if len(messages) > MAX_EVENTS:
        raise RefusedError(
            413,
            "too_many_events",
            f"{len(messages)} events are more than one request may carry.",
            f"Send at most {MAX_EVENTS} at a time.",
        )
    return messages


async def sort(messages: Sequence[bytes]) -> Sorted:
    """Decode `messages`, letting other requests have their turn in between."""
    result = Sorted()
    for start in range(0, len(messages), _CHUNK):
        for index, message in enumerate(messages[start : start + _CHUNK], start):
            _take(result, index, message)
        await asyncio.sleep(0)
    return result


def _take(result: Sorted, index: int, message: bytes) -> None:
    try:
        result.events.append(decode(message))
    except DataError as e:
        result.rejected.append(Rejection(index=index, reason=str(e)[:_REASON_LENGTH]))


def _array(text: bytes) -> Sequence[bytes]:
    try:
        return [bytes(each) for each in json.decode(text, type=list[Raw])]
    except (MsgspecError, RecursionError) as e:
        raise _unreadable(f"the array is not JSON ({e})") from e


def _lines(text: bytes) -> Sequence[bytes]:
    if _is_json(text):
        return [text]
    lines = [line for line in text.split(b"\n") if line.strip()]
    if lines and not any(map(_is_json, lines)):
        raise _unreadable("no line is JSON")
    return lines


def _is_json(text: bytes) -> bool:
    try:
        json.decode(text, type=Raw)
    except (MsgspecError, RecursionError):
        return False
    return True


def _require_readable(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in CONTENT_TYPES:
        raise RefusedError(
            415,
            "unsupported_media_type",
            f"Events do not travel as {kind or 'nothing in particular'!r}.",
            f"Set Content-Type to {' or '.join(CONTENT_TYPES)}.",
        )
    if request.headers.get("content-encoding", "identity") != "identity":
        raise RefusedError(
            415,
            "unsupported_encoding",
            "Compressed bodies are not read.",
            "Send the body as it is, without Content-Encoding.",
        )


def _too_large() -> RefusedError:
    return RefusedError(
        413,
        "too_large",
        f"The body is longer than {MAX_BODY_BYTES} bytes.",
        "Send the events in several requests.",
        {"Connection": "close"},
    )


def _unreadable(why: str) -> RefusedError:
    return RefusedError(
        400,
        "unreadable",
        f"No event could be read: {why}.",
        "Send one envelope a line as application/x-ndjson, or an array as application/json.",
    )
