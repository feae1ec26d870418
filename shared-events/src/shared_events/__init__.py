"""The events our services exchange, the bus that carries them, the journal that keeps them."""

from shared_events.codec import decode, encode
from shared_events.envelope import Payload, StandardEvent, event
from shared_events.errors import AppError, ConfigError, DataError, TransientError

__all__ = [
    "AppError",
    "ConfigError",
    "DataError",
    "Payload",
    "StandardEvent",
    "TransientError",
    "decode",
    "encode",
    "event",
]
