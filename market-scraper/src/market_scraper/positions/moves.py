"""Several trades of one trader in one coin, told as one change."""

from dataclasses import dataclass
from decimal import Decimal

from market_scraper.moments import moment
from market_scraper.positions.coins import MAIN_DEX, dex_of
from market_scraper.positions.ledger import Delta, classify
from market_scraper.positions.numbers import ZERO, plainly, quotient, share
from shared_events.payloads import Cause, PositionChange, TradeRef


@dataclass(slots=True)
class Move:
    """What happened to one position since it was last told; its trades are summed up as they come.

    ``fills`` are those that the trader's own channel told before the public trades.
    """

    coin: str
    before: Decimal
    after: Decimal
    cause: Cause
    fills: tuple[Delta, ...] = ()
    liquidation: bool = False
    trades: int = 0
    _volume: Decimal = ZERO
    _worth: Decimal = ZERO
    _taken: Decimal = ZERO
    _first: Delta | None = None
    _last: Delta | None = None
    _twap: bool = True

    def __post_init__(self) -> None:
        for delta in self.fills:
            self.then(self.after, delta)

    def then(self, after: Decimal, delta: Delta) -> None:
        """Add a trade that led to size `after`."""
        size = abs(delta.signed)
        self.after = after
        self.trades += 1
        self._volume += size
        self._worth += size * delta.price
        if delta.taker:
            self._taken += size
        if not delta.twap:
            self._twap = False
        if self._first is None or _order(delta) < _order(self._first):
            self._first = delta
        if self._last is None or _order(delta) > _order(self._last):
            self._last = delta

    def after_that(self, earlier: "Move") -> "Move":
        """Return both as one; a poll does not tell by which trades a size came about."""
        if self.cause == "poll":
            self.before = earlier.before
            return self
        for delta in self.fills:
            earlier.then(self.after, delta)
        earlier.after, earlier.cause = self.after, self.cause
        earlier.liquidation = earlier.liquidation or self.liquidation
        return earlier

    def change(self) -> PositionChange | None:
        """Return the change, or None if the trades cancelled out."""
        kind = classify(self.before, self.after)
        if kind is None:
            return None
        traded, price = self.trades > 0, self._mean_price()
        return PositionChange(
            coin=self.coin,
            kind=kind,
            size_before=self.before,
            size_after=self.after,
            cause=self.cause,
            dex=dex_of(self.coin) or MAIN_DEX,
            price=price,
            notional=None if price is None else plainly(abs(self.after - self.before) * price),
            first=_ref(self._first),
            last=_ref(self._last),
            trades=self.trades,
            taker_share=share(self._taken, self._volume) if traded else None,
            twap=self._twap if traded else None,
            liquidation=self.liquidation or None,
        )

    def _mean_price(self) -> Decimal | None:
        if self._first is None:
            return None
        return self._first.price if self.trades == 1 else quotient(self._worth, self._volume)


def _order(delta: Delta) -> tuple[int, int]:
    return delta.ms, delta.tid


def _ref(delta: Delta | None) -> TradeRef | None:
    return None if delta is None else TradeRef(moment(delta.ms), delta.tid)
