from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from redis.asyncio import Redis

from shared_events.errors import DataError
from signal_system.ml.features.regime import EwTrend, EwVolatility
from signal_system.ml.features.series import Row
from signal_system.ml.features.spec import FeatureSpec
from signal_system.ml.features.view import FeatureView, view
from signal_system.storage.feature_redis import OnlineFeatures, OnlineStoreError

pytestmark = pytest.mark.redis

SPEC = FeatureSpec("small", "1h", (EwVolatility(5), EwTrend(9)), 40, 40, 16)
VIEW = view(SPEC)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NOON_MS = int(NOON.timestamp() * 1000)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def store(redis: Redis) -> OnlineFeatures:
    return OnlineFeatures(redis)


def row(values: tuple[float, float], event: int = 0, available: int = 1_000) -> Row:
    return Row(NOON_MS + event, NOON_MS + available, np.array(values, np.float32))


def plain(found: Row | None) -> tuple[int, int, bytes] | None:
    return None if found is None else (found.event_ms, found.available_ms, found.values.tobytes())


async def test_what_was_put_comes_back_bit_for_bit(store: OnlineFeatures) -> None:
    rows = {"BTC": row((0.1, float("nan"))), "xyz:XYZ100": row((-1e30, 3.0))}
    assert await store.put(VIEW, rows) == 2

    found = await store.get_online(VIEW, ["BTC", "xyz:XYZ100", "ETH"], NOON + timedelta(minutes=1))

    assert {coin: plain(each) for coin, each in found.items()} == {
        "BTC": plain(rows["BTC"]),
        "xyz:XYZ100": plain(rows["xyz:XYZ100"]),
        "ETH": None,
    }


async def test_an_older_row_does_not_replace_a_newer_one(store: OnlineFeatures) -> None:
    newer = row((1, 2), event=0, available=5_000)
    await store.put(VIEW, {"BTC": newer})

    assert await store.put(VIEW, {"BTC": row((9, 9), event=-3_600_000, available=9_000)}) == 0
    assert await store.put(VIEW, {"BTC": row((9, 9), event=0, available=4_000)}) == 0
    found = await store.get_online(VIEW, ["BTC"], NOON + timedelta(minutes=1))
    assert plain(found["BTC"]) == plain(newer)


async def test_a_row_is_used_neither_before_it_was_known_nor_when_it_is_old(
    store: OnlineFeatures,
) -> None:
    await store.put(VIEW, {"BTC": row((1, 2), available=5_000)})

    ages = (timedelta(seconds=4), timedelta(seconds=5), VIEW.ttl, VIEW.ttl + timedelta(seconds=1))
    found = [(await store.get_online(VIEW, ["BTC"], NOON + age))["BTC"] for age in ages]

    assert [each is None for each in found] == [True, False, False, True]


async def test_keys_say_what_they_are_and_leave_by_themselves(
    store: OnlineFeatures, redis: Redis
) -> None:
    await store.put(VIEW, {"BTC": row((1, 2))})

    key = f"feat:{SPEC.hash}:BTC"
    assert await redis.get(f"feat:{SPEC.hash}") == SPEC.canonical
    assert 0 < await redis.pttl(key) <= VIEW.ttl / timedelta(milliseconds=1)


async def test_rows_of_another_spec_are_not_found(store: OnlineFeatures) -> None:
    other = view(FeatureSpec("small", "1h", (EwVolatility(6), EwTrend(9)), 40, 40, 16))
    await store.put(VIEW, {"BTC": row((1, 2))})

    found = await store.get_online(other, ["BTC"], NOON + timedelta(minutes=1))

    assert found == {"BTC": None}


async def test_what_is_no_row_is_an_error_that_says_what_to_do(
    store: OnlineFeatures, redis: Redis
) -> None:
    await store.put(VIEW, {"BTC": row((1, 2))})
    await redis.hset(f"feat:{SPEC.hash}:BTC", "values", b"short")

    with pytest.raises(DataError, match=r"feat:.*:BTC holds no row of small_1h: delete it"):
        await store.get_online(VIEW, ["BTC"], NOON)


async def test_a_redis_that_is_away_is_worth_another_try() -> None:
    client = Redis.from_url("unix:///nowhere/redis.sock")
    store = OnlineFeatures(client)

    with pytest.raises(OnlineStoreError, match="Redis did not answer"):
        await store.put(VIEW, {"BTC": row((1, 2))})
    with pytest.raises(OnlineStoreError, match="Redis did not answer"):
        await store.get_online(VIEW, ["BTC"], NOON)
    await client.aclose()


def test_a_view_names_its_entity_and_ttl() -> None:
    assert FeatureView("small_1h", "coin", timedelta(hours=2), SPEC) == VIEW
