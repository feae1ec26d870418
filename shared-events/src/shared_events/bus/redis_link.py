"""What Redis' refusals mean to us, and a client set up so that we notice them."""

from collections.abc import Iterator
from contextlib import contextmanager
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
    ResponseError,
    TimeoutError as RedisTimeoutError,
    TryAgainError,
)

from shared_events.errors import BusUnavailableError, ConfigError

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
_PASSING = ("LOADING", "READONLY", "MISCONF", "OOM command", "BUSY Redis", "UNBLOCKED")
"""Refusals that end by themselves or by an operator's hand; a script wraps them in a sentence."""


def connect(url: str, *, silence_seconds: float) -> Redis:
    """Return a client for `url` that gives a silent server `silence_seconds`.

    It answers in raw bytes and never retries by itself: whoever called knows what may be repeated.
    """
    client: Redis = Redis.from_url(
        url,
        protocol=2,
        socket_timeout=silence_seconds,
        socket_connect_timeout=silence_seconds,
        retry=Retry(NoBackoff(), 0),
    )
    for command in ("XREADGROUP", "XRANGE", "XREVRANGE"):
        client.set_response_callback(command, _untouched)
    return client


@contextmanager
def redis_errors(doing: str) -> Iterator[None]:
    """Turn Redis' errors into ours; `doing` completes "cannot ..."."""
    try:
        yield
    except _REFUSED as e:
        raise ConfigError(
            f"cannot {doing}: Redis refuses this user ({e}); correct the user and password of the bus"
        ) from e
    except _AWAY as e:
        raise BusUnavailableError(f"cannot {doing}: {str(e) or type(e).__name__}") from e
    except ResponseError as e:
        if not any(word in str(e) for word in _PASSING):
            raise
        raise BusUnavailableError(f"cannot {doing}: {e}") from e


def is_without_group(error: ResponseError) -> bool:
    """Tell whether `error` says that the stream or the group has been deleted."""
    return "NOGROUP" in str(error)


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
