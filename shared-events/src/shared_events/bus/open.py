"""The bus a URL names."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

import aiohttp
from pydantic import SecretStr

from shared_events.bus.http import HttpEventBus
from shared_events.bus.memory import MemoryEventBus
from shared_events.bus.port import EventBus, Publisher
from shared_events.bus.redis_link import RedisLink, connect
from shared_events.bus.redis_streams import RedisEventBus, StreamLimits
from shared_events.errors import ConfigError

_REDIS = ("redis", "rediss", "unix")
_HTTP = ("http", "https")

_in_memory: WeakValueDictionary[str, MemoryEventBus] = WeakValueDictionary()
"""One bus per name, for as long as somebody has it open."""


@asynccontextmanager
async def open_bus(
    url: str,
    *,
    consumer: str,
    holder: str | None = None,
    redeliver_after: float = 30.0,
    silence_seconds: float = 5.0,
    limits: StreamLimits | None = None,
) -> AsyncIterator[EventBus]:
    """Open the bus that `url` names.

    Parameters
    ----------
    url
        ``redis://``, ``rediss://`` or ``unix://`` for Redis; ``memory://NAME`` for one that lives
        in this process for as long as somebody has it open.
    consumer
        This process's name inside its groups: stable over restarts, unique among live processes.
    holder
        Who this is, for people: in Redis, whoever else wants to read as the same consumer meanwhile
        gets a `ConfigError` that names it. None lets them.
    redeliver_after
        Seconds before a delivery that nobody settled comes back.
    silence_seconds
        Seconds after which a silent Redis counts as away; more than 1.

    Raises
    ------
    ConfigError
        If `url` names no bus.
    """
    scheme = _scheme(url)
    if scheme == "memory":
        bus = _in_memory.setdefault(url, MemoryEventBus(redeliver_after=redeliver_after))
        yield bus
    elif scheme in _REDIS:
        async with _redis(url, silence_seconds) as link:
            yield RedisEventBus(
                link,
                consumer=consumer,
                holder=holder,
                redeliver_after=redeliver_after,
                limits=limits,
            )
    else:
        raise ConfigError(
            f"a bus URL begins with redis://, rediss://, unix:// or memory://, not {scheme!r}"
        )


@asynccontextmanager
async def open_publisher(
    url: str, *, key: SecretStr | None = None, silence_seconds: float = 5.0
) -> AsyncIterator[Publisher]:
    """Open what `url` names for publishing alone: any bus, or ``http://`` with an API `key`.

    Raises
    ------
    ConfigError
        If `url` names nothing one can publish to.
    """
    if _scheme(url) in _HTTP:
        patience = aiohttp.ClientTimeout(total=2 * silence_seconds, connect=silence_seconds)
        async with aiohttp.ClientSession(timeout=patience) as session:
            yield HttpEventBus(session, url, key=key)
    else:
        async with open_bus(url, consumer="publisher", silence_seconds=silence_seconds) as bus:
            yield bus


@asynccontextmanager
async def _redis(url: str, silence_seconds: float) -> AsyncIterator[RedisLink]:
    try:
        link = connect(url, silence_seconds=silence_seconds)
    except ValueError as e:
        raise ConfigError(f"this is no Redis URL: {e}") from e
    try:
        yield link
    finally:
        await link.redis.aclose()


def _scheme(url: str) -> str:
    """Return the scheme of `url`, the rest of which is what that scheme needs."""
    try:
        parts = urlsplit(url)
    except ValueError as e:
        raise ConfigError(f"this is no bus URL: {e}") from e
    if parts.scheme == "unix" and not parts.path:
        raise ConfigError("a unix:// URL needs the path of a socket: unix:///run/redis.sock")
    if parts.scheme in _HTTP and not parts.hostname:
        raise ConfigError(f"a {parts.scheme}:// URL needs a host")
    database = parts.path.removeprefix("/")
    if parts.scheme in ("redis", "rediss") and database and not database.isdecimal():
        raise ConfigError(f"a Redis URL ends with the number of a database, not {database!r}")
    return parts.scheme
