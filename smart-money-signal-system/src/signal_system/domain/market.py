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
    """

    at: datetime
    mark: Decimal | None
    delisted: bool
    open_interest: Decimal | None = None


def usable(price: Decimal | None) -> Decimal | None:
    """Return `price`, or None if nothing could cost that.

    Examples
    --------
    >>> usable(Decimal("0.5")), usable(Decimal(0)), usable(Decimal("1E+40"))
    (Decimal('0.5'), None, None)
    """
    return price if price is not None and _LOWEST < price < _HIGHEST else None
