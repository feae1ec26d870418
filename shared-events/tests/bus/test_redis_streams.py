import pytest

from shared_events.bus.redis_link import RedisLink
from shared_events.bus.redis_streams import RedisEventBus, StreamLimits
from shared_events.testing.bus_contract import BATCH_SIZE, REDELIVER_AFTER, BusContract

pytestmark = pytest.mark.redis


class TestRedisEventBus(BusContract):
    @pytest.fixture
    def bus(self, each_redis: RedisLink) -> RedisEventBus:
        return a_bus(each_redis)

    @pytest.fixture
    def other(self, each_redis: RedisLink) -> RedisEventBus:
        return a_bus(each_redis, consumer="other")

    @pytest.fixture
    def small_bus(self, each_redis: RedisLink) -> RedisEventBus:
        return a_bus(each_redis, limits=SMALL)


SMALL = StreamLimits(retention_seconds=0, stream_max_bytes=60_000, trim_every_seconds=0)


def a_bus(
    link: RedisLink, *, consumer: str = "test", limits: StreamLimits | None = None
) -> RedisEventBus:
    return RedisEventBus(
        link,
        consumer=consumer,
        redeliver_after=REDELIVER_AFTER,
        batch_size=BATCH_SIZE,
        limits=limits,
    )
