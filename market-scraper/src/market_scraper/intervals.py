"""The lengths of candles."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from market_scraper.moments import EPOCH
from shared_events.payloads import Interval

INTERVALS: Mapping[Interval, timedelta] = {
    "1m": timedelta(minutes=1),
    "5m": timedelta(minutes=5),
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "4h": timedelta(hours=4),
    "1d": timedelta(days=1),
}


def floor(at: datetime, length: timedelta) -> datetime:
    """Return the last multiple of `length` since the epoch that is not after `at`.

    Examples
    --------
    >>> floor(EPOCH + timedelta(minutes=125), timedelta(hours=1)).isoformat()
    '1970-01-01T02:00:00+00:00'
    """
    return at - (at - EPOCH) % length
