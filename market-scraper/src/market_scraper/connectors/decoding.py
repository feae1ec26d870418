"""What every parser of foreign JSON needs: shapes that are held to, and numbers that are numbers. Pure."""

from decimal import Decimal
from typing import TypeVar

import msgspec

from market_scraper.errors import WireFormatError
from market_scraper.positions.numbers import ZERO, plainly

_MOST_DIGITS = 30

T = TypeVar("T")


def decoder_of(shape: type[T]) -> msgspec.json.Decoder[T]:
    """Return a decoder to be made once and used often."""
    return msgspec.json.Decoder(shape)


def decoded(decoder: msgspec.json.Decoder[T], raw: str | bytes, what: str) -> T:
    """Return what `raw` holds; a `WireFormatError` names `what` if that has another shape."""
    try:
        value = decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as e:
        raise WireFormatError(f"{what} has a shape we do not know: {str(e)[:200]}") from e
    return value


def finite(value: Decimal | None) -> Decimal | None:
    """Return `value` as it travels; a `WireFormatError` if it is no number of this world."""
    if value is not None and not (value.is_finite() and abs(value.adjusted()) < _MOST_DIGITS):
        raise WireFormatError(f"{str(value)[:50]!r} is not a quantity")
    return None if value is None else plainly(value)


def known(value: Decimal) -> Decimal:
    """Return `value` as `finite` does, where there must be one."""
    return finite(value) or ZERO


def positive(value: Decimal, what: str) -> Decimal:
    """Return `value` as `known` does; a `WireFormatError` names `what` if it is not above zero."""
    number = known(value)
    if number <= 0:
        raise WireFormatError(f"{what} {number} is not positive")
    return number
