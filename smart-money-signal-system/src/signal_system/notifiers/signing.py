"""How a receiver knows that a webhook is ours and new: HMAC-SHA256 over its time and its body."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from hmac import compare_digest, new

TIMESTAMP = "X-Smart-Money-Timestamp"
SIGNATURE = "X-Smart-Money-Signature"
IDEMPOTENCY_KEY = "Idempotency-Key"
"""The id of the event: the same on every attempt, so that a receiver can drop what it has."""

_TOLERANCE = timedelta(minutes=5)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return the hexadecimal signature over ``timestamp.body``.

    Examples
    --------
    >>> signature("key", "0", b"{}")[:16]
    '7314351dd949aa7e'
    """
    return new(secret.encode(), timestamp.encode() + b"." + body, "sha256").hexdigest()


def headers(secret: str, event_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return what a request that carries `body` states about it."""
    timestamp = str(int(at.timestamp()))
    return {
        "Content-Type": "application/json",
        IDEMPOTENCY_KEY: event_id,
        TIMESTAMP: timestamp,
        SIGNATURE: signature(secret, timestamp, body),
    }


def is_authentic(secret: str, told: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Tell whether the headers `told` were made for `body` with `secret`, less than 5 minutes ago."""
    timestamp = told.get(TIMESTAMP, "")
    if not timestamp.isdecimal():
        return False
    is_new = abs(now.timestamp() - int(timestamp)) <= _TOLERANCE.total_seconds()
    right = signature(secret, timestamp, body)
    return is_new and compare_digest(right.encode(), told.get(SIGNATURE, "").encode())
