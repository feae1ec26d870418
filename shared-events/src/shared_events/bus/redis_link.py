"""What Redis' refusals mean to us, and a client set up so that we notice them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    ClusterDownError,
    ConnectionError as RedisConnectionError,
    MasterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError as RedisTimeoutError,
    TryAgainError,
)

from shared_events.errors import AppError, BusUnavailableError, ConfigError

_REFUSED = (AuthenticationError, NoPermissionError)
_AWAY = (
    RedisConnectionError,
    RedisTimeoutError,
    OSError,
    ReadOnlyError,
    OutOfMemoryError,
    ClusterDownError,
    MasterDownError,
    TryAgainError,
)
_PASSING = (
    "LOADING",
    "READONLY",
    "MISCONF",
    "OOM command",
    "BUSY Redis",
    "UNBLOCKED",
    "NOREPLICAS",
)
"""Refusals that end by themselves or by an operator's hand; a script wraps them in a sentence."""
_READ_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class RedisLink:
    """A client, and how long it waits for a server that says nothing."""

    redis: Redis
    silence_seconds: float

    @asynccontextmanager
    async def asking(self, doing: str) -> AsyncIterator[Redis]:
        """Turn silence and Redis' errors into ours; `doing` completes "cannot ..."."""
        try:
            async with asyncio.timeout(self.silence_seconds):
                yield self.redis
        except (RedisError, OSError) as e:
            ours = _ours(e, doing)
            if ours is None:
                raise
            raise ours from e


def connect(url: str, *, silence_seconds: float) -> RedisLink:
    """Return a link to `url`; the caller closes its client.

    The client answers in raw bytes and never retries by itself: whoever asked knows what may be
    repeated. It has no socket timeout either: redis-py would send each command through
    `asyncio.wait_for`, which in Python 3.11 can swallow a cancellation.
    """
    client: Redis = Redis.from_url(
        url,
        protocol=2,
        socket_timeout=None,
        socket_read_size=_READ_BYTES,
        socket_connect_timeout=silence_seconds,
        retry=Retry(NoBackoff(), 0),
    )
    for command in ("XREADGROUP", "XRANGE", "XREVRANGE"):
        client.set_response_callback(command, _untouched)
    return RedisLink(client, silence_seconds)


def is_without_group(error: ResponseError) -> bool:
    """Tell whether `error` says that the stream or the group has been deleted."""
    return "NOGROUP" in str(error)


def _ours(error: Exception, doing: str) -> AppError | None:
    """Return what `error` means to us; None if it is a bug."""
    said = f"cannot {doing}: {str(error) or type(error).__name__}"
    if isinstance(error, _REFUSED) or isinstance(error.__cause__, _REFUSED):
        return ConfigError(f"{said}; correct the user and the password in the bus URL")
    if isinstance(error, _AWAY) or any(word in str(error) for word in _PASSING):
        return BusUnavailableError(said)
    return None


def _untouched(response: Any, **_options: Any) -> Any:
    return response


def stream_of(event_type: str) -> str:
    """Return the stream that carries `event_type`.

    Examples
    --------
    >>> stream_of("trade_flow"), dead_of("trade_flow")
    ('events:trade_flow', 'events:trade_flow:dead')
    """
    return f"events:{event_type}"


def dead_of(event_type: str) -> str:
    """Return the stream of `event_type`'s dead letters."""
    return f"events:{event_type}:dead"
