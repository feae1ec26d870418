"""Which Redis to start, whether it answers, and whose events it holds."""

import re
import shutil
import subprocess
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from workspace.up.errors import UpError

_OLDEST = (6, 2)
_VENUE_KEY = "smart-money:venue"
_VERSION = re.compile(r"v=(\d+)\.(\d+)")


def redis_server(bundled: Path) -> Path:
    """Return the server on PATH if it is recent enough, else the one the workspace carries.

    Raises
    ------
    UpError
        If there is neither.
    """
    on_path = shutil.which("redis-server")
    if on_path and version(Path(on_path)) >= _OLDEST:
        return Path(on_path)
    if bundled.is_file():
        return bundled
    raise UpError(
        "there is no Redis 6.2 or newer: install it (sudo apt-get install redis-server), or set "
        "REDIS_URL to one that runs elsewhere"
    )


def version(server: Path) -> tuple[int, int]:
    """Return major and minor version; ``(0, 0)`` if it does not say."""
    said = subprocess.run([server, "--version"], capture_output=True, text=True, check=False).stdout
    match = _VERSION.search(said)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def answers(url: str) -> bool:
    """Tell whether the Redis at `url` is there and has loaded its data."""
    try:
        with _connect(url) as redis:
            return bool(redis.ping())
    except RedisError:
        return False


def claim(url: str, venue: str) -> None:
    """Mark the Redis at `url` as holding the events of `venue`.

    Raises
    ------
    UpError
        If it cannot be reached, or holds the events of another venue.
    """
    try:
        with _connect(url) as redis:
            redis.set(_VENUE_KEY, venue, nx=True)
            held = str(redis.get(_VENUE_KEY))
    except RedisError as e:
        raise UpError(
            f"the configured Redis at {without_password(url)} does not answer: {e}"
        ) from e
    if held != venue:
        raise UpError(
            f"the Redis at {without_password(url)} holds the events of {held!r}; those of {venue!r} must "
            f"not mix with them: choose another database (redis://host:6379/1), or unset REDIS_URL "
            f"and the services' BUS_URL to get a private Redis"
        )


def without_password(url: str) -> str:
    """Return `url` as it may be shown.

    Examples
    --------
    >>> without_password("redis://:hunter2@10.0.0.5:6379/0")
    'redis://10.0.0.5:6379/0'
    """
    return re.sub(r"//[^@/]*@", "//", url)


def _connect(url: str) -> Redis:
    return Redis.from_url(url, decode_responses=True, socket_timeout=2, socket_connect_timeout=2)
