"""One second of public trades of one coin, told when the second is over."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from market_scraper.moments import moment
from market_scraper.positions.ledger import Trade
from market_scraper.positions.numbers import ZERO, quotient, share
from shared_events.payloads import TradeFlow

SETTLE_MS = 2_000
"""How long after its end a second is kept open for trades that come late."""

_SECOND_MS = 1_000


@dataclass(slots=True)
class _Bar:
    bought: Decimal = ZERO
    sold: Decimal = ZERO
    worth: Decimal = ZERO
    tracked: Decimal = ZERO
    trades: int = 0


@dataclass(slots=True)
class FlowBars:
    """The seconds that are not over; a trade that comes later than `SETTLE_MS` is not counted.

    Parameters
    ----------
    named
        Whether trades name their parties; if not, the share of tracked ones is not known.
    """

    named: bool = True
    _bars: dict[tuple[int, str], _Bar] = field(default_factory=dict)
    _newest_ms: int = 0
    _told_ms: int = 0

    def take(self, trade: Trade, tracked: Collection[str]) -> None:
        """Count `trade`; `tracked` are the addresses whose share is told."""
        second = trade.ms - trade.ms % _SECOND_MS
        self._newest_ms = max(self._newest_ms, trade.ms)
        if second < self._told_ms:
            return
        bar = self._bars.setdefault((second, trade.coin), _Bar())
        if trade.buyer_is_taker:
            bar.bought += trade.size
        else:
            bar.sold += trade.size
        bar.worth += trade.size * trade.price
        bar.trades += 1
        if trade.buyer in tracked or trade.seller in tracked:
            bar.tracked += trade.size

    def over(self) -> Iterator[TradeFlow]:
        """Yield the bars of the seconds that the newest trade has left behind, in order."""
        yield from self._until(self._newest_ms - SETTLE_MS)

    def rest(self) -> Iterator[TradeFlow]:
        """Yield what is left, when no more trades come."""
        yield from self._until(self._newest_ms + _SECOND_MS)

    def _until(self, ms: int) -> Iterator[TradeFlow]:
        for second, coin in sorted(key for key in self._bars if key[0] + _SECOND_MS <= ms):
            self._told_ms = max(self._told_ms, second + _SECOND_MS)
            yield _told(second, coin, self._bars.pop((second, coin)), named=self.named)


def _told(second: int, coin: str, bar: _Bar, *, named: bool) -> TradeFlow:
    volume = bar.bought + bar.sold
    return TradeFlow(
        coin=coin,
        second=moment(second),
        buy_volume=bar.bought,
        sell_volume=bar.sold,
        trades=bar.trades,
        vwap=quotient(bar.worth, volume),
        tracked_share=share(bar.tracked, volume) if named else None,
    )
