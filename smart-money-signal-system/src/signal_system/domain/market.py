"""A coin's price as the venue last said it."""

from datetime import datetime
from decimal import Decimal

from msgspec import Struct

_LOWEST, _HIGHEST = Decimal("1E-12"), Decimal(10**15)


class Market(Struct, frozen=True):
    """What a signal on one coin refers to; `mark` is None if the venue named no usable price.

    Attributes
    ----------
    open_interest
        In the coin, one side; None if the venue did not say.
    spread
        What buying and selling back costs beside the fees, as a fraction of the price: impact prices
        if the venue said them, else the best ones.
    funding_hourly
        What longs pay shorts an hour, as a fraction of the price.
    """

    at: datetime
    mark: Decimal | None
    delisted: bool
    open_interest: Decimal | None = None
    spread: float | None = None
    funding_hourly: float | None = None


def usable(price: Decimal | None) -> Decimal | None:
    """Return `price`, or None if nothing could cost that.

    Examples
    --------
    >>> usable(Decimal("0.5")), usable(Decimal(0)), usable(Decimal("1E+40"))
    (Decimal('0.5'), None, None)
    """
    return price if price is not None and _LOWEST < price < _HIGHEST else None


def spread_of(bid: Decimal | None, ask: Decimal | None) -> float | None:
    """Return the distance of two prices as a fraction of their middle; None if they make no market.

    Examples
    --------
    >>> spread_of(Decimal(99), Decimal(101)), spread_of(Decimal(101), Decimal(99))
    (0.02, None)
    """
    low, high = usable(bid), usable(ask)
    if low is None or high is None or high < low:
        return None
    return float(2 * (high - low) / (high + low))
