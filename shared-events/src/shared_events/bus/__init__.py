"""How events travel: one port, several carriers, one contract they all keep."""

from shared_events.bus.buffered import BufferedPublisher, buffered
from shared_events.bus.consumer import ConsumerPolicy, consume
from shared_events.bus.http import HttpEventBus
from shared_events.bus.memory import MemoryEventBus
from shared_events.bus.open import open_bus, open_publisher
from shared_events.bus.patience import Backoff, patiently
from shared_events.bus.port import (
    DeadLetter,
    Delivery,
    EventBus,
    LostGroup,
    Publisher,
    Subscription,
)
from shared_events.bus.redis_streams import RedisEventBus, StreamLimits

__all__ = [
    "Backoff",
    "BufferedPublisher",
    "ConsumerPolicy",
    "DeadLetter",
    "Delivery",
    "EventBus",
    "HttpEventBus",
    "LostGroup",
    "MemoryEventBus",
    "Publisher",
    "RedisEventBus",
    "StreamLimits",
    "Subscription",
    "buffered",
    "consume",
    "open_bus",
    "open_publisher",
    "patiently",
]
