"""The newest row of every coin in Redis, for whoever predicts."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared_events.errors import DataError, TransientError
from signal_system.ml.features.series import Row
from signal_system.ml.features.view import FeatureView

_SCHEMES = ("redis", "rediss", "unix")
_SILENCE_SECONDS = 5.0
_FIELDS = ("event_ms", "available_ms", "values")
_DTYPE = np.dtype("<f4")
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_MILLISECOND = timedelta(milliseconds=1)

_PUT = """
local event, available = unpack(redis.call('HMGET', KEYS[1], 'event_ms', 'available_ms'))
if event then
  local newer, old = tonumber(ARGV[1]) - tonumber(event), tonumber(available)
  if newer < 0 or (newer == 0 and tonumber(ARGV[2]) < old) then return 0 end
end
redis.call('HSET', KEYS[1], 'event_ms', ARGV[1], 'available_ms', ARGV[2], 'values', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
"""


class OnlineStoreError(TransientError):
    """Redis did not take or give the features; nothing is known of them now."""


class OnlineFeatures:
    """Keeps one hash for each coin: ``feat:{spec hash}:{coin}``, with the times and float32 bytes.

    ``feat:{spec hash}`` holds the spec itself, so that anybody can tell what the numbers are. A row
    leaves by itself when it is too old to be used.

    Parameters
    ----------
    redis
        A client that returns bytes; it stays the caller's to close.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._put = redis.register_script(_PUT)

    async def put(self, view: FeatureView, rows: Mapping[str, Row]) -> int:
        """Keep the newest row of each coin; return how many were newer than what was there.

        Raises
        ------
        OnlineStoreError
            If Redis is away; the same rows may be put again.
        """
        ttl_ms = view.ttl // _MILLISECOND
        async with self._asked() as pipe:
            pipe.set(_spec_key(view), view.spec.canonical)
            for coin, row in rows.items():
                values = row.values.astype(_DTYPE).tobytes()
                said: list[int | bytes] = [row.event_ms, row.available_ms, values, ttl_ms]
                await self._put(keys=[_key(view, coin)], args=said, client=pipe)
            _, *kept = await pipe.execute()
        return sum(kept)

    async def get_online(
        self, view: FeatureView, keys: Sequence[str], at: datetime
    ) -> dict[str, Row | None]:
        """Return the row of each coin that may decide `at` that moment.

        None where there is none, it is older than the view allows, or was learned later.

        Raises
        ------
        OnlineStoreError
            If Redis is away.
        DataError
            If what is kept is no row of the view.
        """
        async with self._asked() as pipe:
            for coin in keys:
                pipe.hmget(_key(view, coin), _FIELDS)
            found = await pipe.execute()
        at_ms = (at - _EPOCH) // _MILLISECOND
        return {
            coin: _usable(_row(view, coin, fields), view, at_ms)
            for coin, fields in zip(keys, found, strict=True)
        }

    @asynccontextmanager
    async def _asked(self) -> AsyncIterator[Any]:
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                yield pipe
        except (RedisError, OSError) as e:
            raise OnlineStoreError(f"Redis did not answer about features: {e}") from e


@asynccontextmanager
async def open_online(url: str) -> AsyncIterator[OnlineFeatures | None]:
    """Open the store in the Redis that `url` names for as long as the context lasts.

    None if `url` names no Redis: then nobody else can ask for features.
    """
    if urlsplit(url).scheme not in _SCHEMES:
        yield None
        return
    redis = Redis.from_url(url, protocol=2, socket_timeout=_SILENCE_SECONDS)
    try:
        yield OnlineFeatures(redis)
    finally:
        await redis.aclose()


def _spec_key(view: FeatureView) -> str:
    return f"feat:{view.spec.hash}"


def _key(view: FeatureView, coin: str) -> str:
    return f"{_spec_key(view)}:{coin}"


def _row(view: FeatureView, coin: str, fields: Iterable[bytes | None]) -> Row | None:
    event_ms, available_ms, values = fields
    if event_ms is None or available_ms is None or values is None:
        return None
    if len(values) != _DTYPE.itemsize * len(view.spec.names):
        raise DataError(f"{_key(view, coin)} holds no row of {view.name}: delete it")
    return Row(int(event_ms), int(available_ms), np.frombuffer(values, _DTYPE))


def _usable(row: Row | None, view: FeatureView, at_ms: int) -> Row | None:
    if row is None or row.available_ms > at_ms:
        return None
    return row if at_ms - row.event_ms <= view.ttl // _MILLISECOND else None
