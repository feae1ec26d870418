"""What an HTTP answer means to us: a body, or which kind of trouble."""

from typing import Final

import aiohttp

from market_scraper.errors import RateLimitedError, SourceUnavailableError, WireFormatError

MOST_BYTES: Final = 64 << 20

_OK = 200
_SLOW_DOWN = frozenset({429, 418})
_PASSING = frozenset({408, 425})
_SERVER_ERROR = 500
_LONGEST_WAIT_SECONDS = 7 * 86_400.0


async def body(
    response: aiohttp.ClientResponse,
    what: str,
    most_bytes: int = MOST_BYTES,
    *,
    null_is_none: bool = False,
) -> bytes:
    """Return the body of `response`; a ``null`` where a value belongs is trouble too.

    Parameters
    ----------
    null_is_none
        Whether to `what` a ``null`` is the answer that there is none.

    Raises
    ------
    RateLimitedError
        On a 429, and on a 418, by which some venues say that they went on to lock us out.
    SourceUnavailableError
        If the same request may be answered later.
    WireFormatError
        On any other answer.
    """
    if response.status in _SLOW_DOWN:
        raise RateLimitedError(
            f"{what!r} was answered with {response.status}: slow down",
            retry_after=retry_after(response),
        )
    if response.status >= _SERVER_ERROR or response.status in _PASSING:
        raise SourceUnavailableError(f"{what!r} was answered with {response.status}")
    if response.status != _OK:
        raise WireFormatError(f"{what!r} was answered with {response.status}")
    read = await _read(response, what, most_bytes)
    if read.strip() == b"null" and not null_is_none:
        raise SourceUnavailableError(f"{what!r} was answered with null")
    return read


def retry_after(response: aiohttp.ClientResponse) -> float | None:
    """Return for how many seconds we are asked to wait; None if that was not said in seconds."""
    try:
        seconds = float(response.headers.get("Retry-After", ""))
    except ValueError:
        return None
    return min(seconds, _LONGEST_WAIT_SECONDS) if seconds >= 0 else None


def said(error: Exception) -> str:
    """Return what `error` says, its kind if it says nothing."""
    return str(error) or type(error).__name__


async def _read(response: aiohttp.ClientResponse, what: str, most_bytes: int) -> bytes:
    if (response.content_length or 0) > most_bytes:
        raise WireFormatError(f"the answer to {what!r} is too long")
    read = bytearray()
    async for chunk in response.content.iter_any():
        read += chunk
        if len(read) > most_bytes:
            raise WireFormatError(f"the answer to {what!r} is too long")
    return bytes(read)
