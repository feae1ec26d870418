"""Whether every public trade was seen: ours are counted by the minute and held against the venue's candles.

A candle's number of trades and volume are exact, trades with oneself included; its prices are not looked at.
A minute is compared when it is over for a while, because frames of trades and of candles come on their own
ways, and again if the venue corrects it. Only minutes seen from their beginning can be compared.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from market_scraper.positions.ledger import Trade
from market_scraper.positions.numbers import ZERO

MINUTE_MS = 60_000
SETTLE_MS = 5_000
_KEPT_MINUTES = 15


class Count(NamedTuple):
    """How many trades there were, and of what size together."""

    trades: int = 0
    volume: Decimal = ZERO


@dataclass(slots=True)
class _Watched:
    """One coin: our minutes, the venue's, and from when on ours are whole."""

    whole_from_ms: int
    ours: dict[int, Count] = field(default_factory=dict)
    theirs: dict[int, Count] = field(default_factory=dict)
    compared: dict[int, Count] = field(default_factory=dict)


@dataclass(slots=True)
class Completeness:
    """The coins whose candles are heard; the first candle of a coin begins the counting."""

    _watched: dict[str, _Watched] = field(default_factory=dict)

    @property
    def watching(self) -> int:
        """How many coins' candles were heard."""
        return len(self._watched)

    def saw(self, coin: str, trades: Iterable[Trade], covered_from_ms: int | None) -> None:
        """Count `trades`, none of which was seen before; with `covered_from_ms` a new run begins."""
        watched = self._watched.get(coin)
        if watched is None:
            return
        if covered_from_ms is not None:
            watched.whole_from_ms = max(watched.whole_from_ms, covered_from_ms)
        for trade in trades:
            minute = trade.ms // MINUTE_MS * MINUTE_MS
            before = watched.ours.get(minute, Count())
            watched.ours[minute] = Count(before.trades + 1, before.volume + trade.size)

    def told(self, coin: str, open_ms: int, count: Count, now_ms: int) -> list[int]:
        """Take the candle of the minute that began at `open_ms`, as it stands at `now_ms`.

        Returns the beginnings of minutes that turn out to lack trades, each once.
        """
        watched = self._watched.setdefault(coin, _Watched(now_ms))
        watched.theirs[open_ms] = max(count, watched.theirs.get(open_ms, Count()))
        over = [minute for minute in watched.theirs if minute + MINUTE_MS + SETTLE_MS <= now_ms]
        lacking = [minute for minute in sorted(over) if self._lacks(watched, minute)]
        for minutes in (watched.ours, watched.theirs, watched.compared):
            for old in [m for m in minutes if m < now_ms - _KEPT_MINUTES * MINUTE_MS]:
                del minutes[old]
        return lacking

    @staticmethod
    def _lacks(watched: _Watched, minute: int) -> bool:
        """Compare a minute, if it was not compared with the same candle before."""
        theirs, ours = watched.theirs[minute], watched.ours.get(minute, Count())
        if minute < watched.whole_from_ms or watched.compared.get(minute) == theirs:
            return False
        watched.compared[minute] = theirs
        return theirs.trades > ours.trades or theirs.volume > ours.volume
