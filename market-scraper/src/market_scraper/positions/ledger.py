"""What one trade does to the two accounts in it.

Sizes are signed: positive is long. A size of zero is always ``Decimal(0)``, whatever the venue's
number of decimals was.
"""

from collections.abc import Iterable
from decimal import ROUND_DOWN, Decimal

from msgspec import Struct

from market_scraper.positions.numbers import ZERO, quotient
from shared_events.payloads import ChangeKind, MarginType


class Trade(Struct, frozen=True, gc=False):
    """One public trade; `ms` is its block's time."""

    coin: str
    price: Decimal
    size: Decimal
    ms: int
    tid: int
    buyer: str
    seller: str
    buyer_is_taker: bool
    twap: bool = False


class Delta(Struct, frozen=True, gc=False):
    """One party's side of a trade: `signed` is what its position gained."""

    coin: str
    ms: int
    tid: int
    signed: Decimal
    price: Decimal
    taker: bool
    twap: bool = False


class Holding(Struct, frozen=True, gc=False):
    """A net position; None is "not known".

    ``leverage`` and ``margin_type`` outlive a trade; what the venue computes from size and price
    (notional, margin, liquidation price, profit) does not.
    """

    coin: str
    size: Decimal
    entry: Decimal | None = None
    leverage: Decimal | None = None
    margin_type: MarginType | None = None
    mark: Decimal | None = None
    notional: Decimal | None = None
    margin_used: Decimal | None = None
    liquidation_price: Decimal | None = None
    unrealised_pnl: Decimal | None = None
    cum_funding: Decimal | None = None
    opened_ms: int | None = None


def deltas(trade: Trade) -> Iterable[tuple[str, Delta]]:
    """Return who gained what in `trade`; nothing for a trade with oneself."""
    if trade.buyer == trade.seller:
        return ()
    coin, ms, tid, size, price = trade.coin, trade.ms, trade.tid, trade.size, trade.price
    buys, twap = trade.buyer_is_taker, trade.twap
    return (
        (trade.buyer, Delta(coin, ms, tid, size, price, buys, twap)),
        (trade.seller, Delta(coin, ms, tid, -size, price, not buys, twap)),
    )


def apply(holding: Holding, delta: Delta) -> Holding:
    """Return `holding` after `delta`, without what the venue had computed at its older size and price.

    The entry price is the size-weighted mean of what built the position: reducing keeps it, a flip
    starts anew at the trade's price, a close forgets it.
    """
    before = holding.size
    after = normal(before + delta.signed)
    entry, opened = holding.entry, holding.opened_ms
    match classify(before, after):
        case "open" | "flip":
            entry, opened = delta.price, delta.ms
        case "increase":
            entry = _mean(entry, abs(before), delta.price, abs(delta.signed))
        case "close":
            entry, opened = None, None
        case "reduce" | None:
            pass
    return Holding(
        holding.coin,
        after,
        entry,
        holding.leverage,
        holding.margin_type,
        cum_funding=holding.cum_funding,
        opened_ms=opened,
    )


def closed_pnl(holding: Holding, delta: Delta, tick: Decimal | None = None) -> Decimal | None:
    """Return the USD that `delta` realises of `holding`, before fees; None if its entry is not known.

    Parameters
    ----------
    tick
        The coin's price step, ten to the power of its size decimals less six. The venue realises
        against the mean entry rounded down to it; None: against the mean itself.

    Examples
    --------
    >>> held = Holding("xyz:GOOGL", Decimal("8.85"), entry=Decimal("287.529604520"))
    >>> sold = Delta("xyz:GOOGL", 0, 0, Decimal("-8.85"), Decimal("284.06"), taker=True)
    >>> str(closed_pnl(held, sold, tick=Decimal("0.001")))
    '-30.70065'
    """
    if holding.size * delta.signed >= 0:
        return ZERO
    if holding.entry is None:
        return None
    entry = holding.entry if tick is None else holding.entry.quantize(tick, ROUND_DOWN)
    closed = min(abs(holding.size), abs(delta.signed))
    return (delta.price - entry) * (closed if holding.size > 0 else -closed)


def classify(before: Decimal, after: Decimal) -> ChangeKind | None:
    """Name the move from one signed size to another; None if there was none.

    Examples
    --------
    >>> classify(Decimal(2), Decimal(-1)), classify(Decimal(-2), Decimal(-3))
    ('flip', 'increase')
    """
    if before == after:
        return None
    if not before:
        return "open"
    if not after:
        return "close"
    if (before > 0) != (after > 0):
        return "flip"
    return "increase" if abs(after) > abs(before) else "reduce"


def normal(size: Decimal) -> Decimal:
    """Return `size`, every zero as ``Decimal(0)``."""
    return size or ZERO


def _mean(entry: Decimal | None, held: Decimal, price: Decimal, gained: Decimal) -> Decimal | None:
    if entry is None:
        return None
    return quotient(entry * held + price * gained, held + gained)
