"""Which public trades were seen, so that none counts twice and none is missed unnoticed.

Every subscription replays the coin's last 30 trades, unmarked, oldest first. If the oldest was seen
before, nothing was missed; if it was not, something may have been, and how much is unknown.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from market_scraper.positions.ledger import Trade

REPLAYED = 30
KEPT_PER_COIN = 10_000
LEAST_KEPT_PER_COIN = 1_000
KEPT_MS = 600_000
"""Older trades are forgotten, but for the last `LEAST_KEPT_PER_COIN`: most coins trade seldom."""

_Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Taken:
    """What a frame of trades brought.

    ``covered_from_ms`` is set where an unbroken run of trades begins; ``gap`` says that an earlier
    run ended before it.
    """

    trades: tuple[Trade, ...]
    covered_from_ms: int | None = None
    gap: bool = False


@dataclass(slots=True)
class TradeTape:
    """The trades seen of every coin, by ``(time, tid)``."""

    _seen: dict[str, dict[_Key, None]] = field(default_factory=dict)
    newest_ms: int = 0

    def take(self, coin: str, trades: Sequence[Trade], *, replay: bool) -> Taken:
        """Return the trades not seen before; `replay` marks the first frame of a subscription."""
        known = coin in self._seen
        seen = self._seen.setdefault(coin, {})
        fresh = tuple(trade for trade in trades if (trade.ms, trade.tid) not in seen)
        bridged = bool(trades) and (trades[0].ms, trades[0].tid) in seen
        for trade in fresh:
            seen[trade.ms, trade.tid] = None
            self.newest_ms = max(self.newest_ms, trade.ms)
        self._forget(seen)
        if not replay or not trades or bridged:
            return Taken(fresh)
        whole = not known and len(trades) < REPLAYED
        begins = 0 if whole else min(trade.ms for trade in trades)
        return Taken(fresh, begins, gap=known)

    def knows(self, coin: str) -> bool:
        """Tell whether trades of `coin` were ever seen."""
        return bool(self._seen.get(coin))

    def _forget(self, seen: dict[_Key, None]) -> None:
        while len(seen) > LEAST_KEPT_PER_COIN:
            oldest = next(iter(seen))
            if len(seen) <= KEPT_PER_COIN and oldest[0] >= self.newest_ms - KEPT_MS:
                return
            del seen[oldest]
