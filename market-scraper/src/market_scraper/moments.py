"""The venue counts milliseconds since 1970; we speak of moments."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@lru_cache(maxsize=4_096)
def moment(ms: int) -> datetime:
    """Return the moment `ms` milliseconds after the epoch, exactly.

    Examples
    --------
    >>> moment(1790360864964).isoformat()
    '2026-09-25T18:27:44.964000+00:00'
    """
    return EPOCH + timedelta(milliseconds=ms)


def milliseconds(at: datetime) -> int:
    """Return the whole milliseconds from the epoch to `at`.

    Examples
    --------
    >>> milliseconds(moment(1790360864964))
    1790360864964
    """
    return (at - EPOCH) // _MILLISECOND
