"""Several trades of one trader in one coin, told as one change."""

from dataclasses import dataclass, field
from decimal import Decimal

from market_scraper.moments import moment
from market_scraper.positions.ledger import Delta, classify
from market_scraper.positions.numbers import ZERO, plainly, quotient, share
from shared_events.payloads import Cause, PositionChange, TradeRef


@dataclass(slots=True)
class Move:
    """What happened to one position since it was last told."""

    coin: str
    before: Decimal
    after: Decimal
    cause: Cause
    deltas: list[Delta] = field(default_factory=list)

    def then(self, after: Decimal, delta: Delta) -> None:
        """Add a trade that led to size `after`."""
        self.after = after
        self.deltas.append(delta)

    def change(self) -> PositionChange | None:
        """Return the change, or None if the trades cancelled out."""
        kind = classify(self.before, self.after)
        if kind is None:
            return None
        volume = sum((abs(delta.signed) for delta in self.deltas), ZERO)
        price = self._mean_price(volume)
        return PositionChange(
            coin=self.coin,
            kind=kind,
            size_before=self.before,
            size_after=self.after,
            cause=self.cause,
            price=price,
            notional=None if price is None else plainly(abs(self.after - self.before) * price),
            first=_ref(min(self.deltas, key=_order)) if self.deltas else None,
            last=_ref(max(self.deltas, key=_order)) if self.deltas else None,
            trades=len(self.deltas),
            taker_share=self._taker_share(volume),
            twap=all(delta.twap for delta in self.deltas) if self.deltas else None,
        )

    def _mean_price(self, volume: Decimal) -> Decimal | None:
        if not volume:
            return None
        worth = sum((abs(delta.signed) * delta.price for delta in self.deltas), ZERO)
        return quotient(worth, volume)

    def _taker_share(self, volume: Decimal) -> Decimal | None:
        if not volume:
            return None
        taken = sum((abs(delta.signed) for delta in self.deltas if delta.taker), ZERO)
        return share(taken, volume)


def _order(delta: Delta) -> tuple[int, int]:
    return delta.ms, delta.tid


def _ref(delta: Delta) -> TradeRef:
    return TradeRef(time=moment(delta.ms), tid=delta.tid)
