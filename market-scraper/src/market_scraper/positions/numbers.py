"""Decimals that print without an exponent, because that is how they travel."""

from decimal import Context, Decimal

ZERO = Decimal(0)
SMALLEST = Decimal("0.000001")
"""The venue's finest price tick; ``str`` of a smaller decimal has an exponent."""

_LAST_PLAIN = -6
_WIDE = Context(prec=60)
_PRICE = Context(prec=12)


def plainly(value: Decimal) -> Decimal:
    """Return `value` in a form that prints without an exponent, rounded to `SMALLEST` if need be.

    Examples
    --------
    >>> (
    ...     str(plainly(Decimal("1.38E+6"))),
    ...     str(plainly(Decimal("0E-8"))),
    ...     str(plainly(Decimal("5E-7"))),
    ... )
    ('1380000', '0.000000', '0.000000')
    """
    if "E" not in str(value):
        return value
    if value.adjusted() < _LAST_PLAIN:
        return value.quantize(SMALLEST, context=_WIDE)
    return Decimal(f"{value:f}")


def quotient(part: Decimal, whole: Decimal, precision: Context = _PRICE) -> Decimal:
    """Return `part` by `whole`, to 12 significant digits, printing plainly."""
    return plainly(precision.divide(part, whole))


def share(part: Decimal, whole: Decimal) -> Decimal:
    """Return which share of `whole` is `part`, to six decimals."""
    return _PRICE.divide(part, whole).quantize(SMALLEST)
