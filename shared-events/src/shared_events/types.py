"""The few value types every payload is made of."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field, PlainSerializer


def _to_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def plain(number: Decimal) -> str:
    """Return `number` without an exponent, as the wire wants it.

    Examples
    --------
    >>> plain(Decimal("1E-8")), plain(Decimal("0E-8")), plain(Decimal("1E+3"))
    ('0.00000001', '0.00000000', '1000')
    """
    return format(number, "f")


UtcDatetime = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""A moment that knows its offset, normalised to UTC."""

Number = Annotated[
    Decimal,
    Field(allow_inf_nan=False, max_digits=60),
    PlainSerializer(plain, return_type=str, when_used="json"),
]
"""An exact, finite quantity; a decimal string on the wire."""

Fraction = Annotated[Number, Field(ge=0, le=1)]
"""A `Number` in [0, 1]."""

Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
"""A float in [0, 1]: the result of a model, not of a ledger."""

Finite = Annotated[float, Field(allow_inf_nan=False)]
"""A float that is a number."""

ADDRESS_PATTERN = "^0x[0-9a-f]{40}$"
Address = Annotated[str, Field(pattern=ADDRESS_PATTERN)]
"""An account at the venue, lower-case."""

Coin = Annotated[str, Field(min_length=1, max_length=64)]
"""A market by its full wire name: ``BTC``, ``kPEPE``, ``xyz:XYZ100``."""

Text = Annotated[str, Field(max_length=500)]
"""A short sentence or name; bounded because it comes from outside."""

Side = Literal["buy", "sell"]
Action = Literal["BUY", "SELL", "NEUTRAL"]
Freshness = Literal["LIVE", "PARTIAL", "STALE"]
