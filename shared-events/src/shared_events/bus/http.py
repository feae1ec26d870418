"""Events over HTTP, for whoever may not reach Redis: newline-delimited JSON, batch by batch."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from io import BytesIO
from typing import Any

import aiohttp
import msgspec
from pydantic import SecretStr

from shared_events.codec import encode
from shared_events.envelope import StandardEvent
from shared_events.errors import BusUnavailableError, ConfigError, DataError

_PATH = "/api/v1/events"
_MAX_EVENTS = 500
_MAX_BYTES = 4 * 1024 * 1024
_KEY_REFUSED = (401, 403)
_LATER = (408, 425, 429)
_ANSWER_BYTES = 64 * 1024
_SENTENCE = 300


class _Rejection(msgspec.Struct):
    index: int
    reason: str


class _Intake(msgspec.Struct):
    """The part of a good answer that matters here."""

    rejected: list[_Rejection] = []


class HttpEventBus:
    """A publisher that posts to a service's ``POST /api/v1/events``.

    Parameters
    ----------
    session
        The caller's session, with its timeouts; the caller closes it.
    url
        Where the service is: scheme, host and port.
    key
        Its API key, if it asks for one.
    """

    def __init__(
        self, session: aiohttp.ClientSession, url: str, *, key: SecretStr | None = None
    ) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._key = key

    async def publish(self, events: Sequence[StandardEvent[Any]]) -> None:
        """Post `events`, in order; each request of at most 500 events and 4 MiB is taken whole.

        Raises
        ------
        BusUnavailableError
            If the service cannot be reached or says "later".
        DataError
            If it refuses a batch.
        ConfigError
            If it refuses the key.
        """
        for body in _bodies(encode(event) for event in events):
            await self._request("POST", _PATH, body)

    async def ping(self) -> None:
        """Return if the service answers, else raise `BusUnavailableError`."""
        await self._request("GET", "/health/live")

    async def _request(self, method: str, path: str, body: bytes | None = None) -> None:
        headers = {} if body is None else {"Content-Type": "application/x-ndjson"}
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        try:
            async with self._session.request(
                method,
                self._url + path,
                data=body and BytesIO(body),
                headers=headers,
                allow_redirects=False,
            ) as response:
                _judge(response, await response.content.read(_ANSWER_BYTES))
        except (aiohttp.ClientError, TimeoutError, OSError) as e:
            raise BusUnavailableError(
                f"no answer from {path!r}: {str(e) or type(e).__name__}"
            ) from e


def _judge(response: aiohttp.ClientResponse, answer: bytes) -> None:
    """Return if every event was taken, else raise what the caller should do about it."""
    status, path = response.status, response.url.path
    said = answer[:_SENTENCE].decode(errors="replace")
    if status < 300:  # noqa: PLR2004 -- success
        _require_all_taken(path, answer)
    elif status in _KEY_REFUSED:
        raise ConfigError(f"{path!r} refuses the API key ({status}); set a valid one")
    elif status in _LATER or status >= 500:  # noqa: PLR2004 -- the server's own trouble
        after = _seconds(response.headers.get("Retry-After"))
        raise BusUnavailableError(f"{path!r} answered {status}: {said}", retry_after=after)
    else:
        raise DataError(f"{path!r} refused the events ({status}): {said}")


def _require_all_taken(path: str, answer: bytes) -> None:
    with suppress(msgspec.MsgspecError):  # a service that does not list rejections has none
        for rejection in msgspec.json.decode(answer, type=_Intake).rejected:
            raise DataError(f"{path!r} refused event {rejection.index}: {rejection.reason}")


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after is not None and retry_after.isdecimal() else None


def _bodies(raws: Iterator[bytes]) -> Iterator[bytes]:
    """Join events to bodies of bounded size, in order."""
    body: list[bytes] = []
    size = 0
    for raw in raws:
        if body and (len(body) >= _MAX_EVENTS or size + len(raw) > _MAX_BYTES):
            yield b"\n".join(body)
            body, size = [], 0
        body.append(raw)
        size += len(raw) + 1
    if body:
        yield b"\n".join(body)
