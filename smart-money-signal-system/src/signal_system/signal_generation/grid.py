"""When a coin's document is due although nothing changed: event time, spread over the grid."""

from datetime import UTC, datetime, timedelta
from heapq import heapify, heappop, heappush
from zlib import crc32

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


def next_due(coin: str, now: datetime, grid_seconds: int) -> datetime:
    """Return the first moment after `now` at which `coin` is due; each coin has its own second.

    Examples
    --------
    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> [next_due(coin, noon, 60).second for coin in ("BTC", "ETH")]
    [38, 11]
    """
    phase = crc32(coin.encode()) % grid_seconds
    turns = ((now - _EPOCH) // _SECOND - phase) // grid_seconds + 1
    return _EPOCH + timedelta(seconds=turns * grid_seconds + phase)


class Grid:
    """Which coins are due; each waits once."""

    def __init__(self, due: dict[str, datetime]) -> None:
        self._heap = [(at, coin) for coin, at in due.items()]
        heapify(self._heap)

    def wait(self, coin: str, until: datetime) -> None:
        """Let `coin` be due at `until`; it must not be waiting already."""
        heappush(self._heap, (until, coin))

    def due(self, now: datetime) -> set[str]:
        """Return the coins that are due, which then wait no longer."""
        coins = set()
        while self._heap and self._heap[0][0] <= now:
            coins.add(heappop(self._heap)[1])
        return coins
