"""Facts with the moments at which a scraper would have learned them, and exact numbers for them."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, NamedTuple

from hyperliquid_simulator.wire import MICRO

SOURCE = "hyperliquid"
_MICRO_DECIMALS = len(str(MICRO)) - 1
_STEPS: Final = [Decimal(1).scaleb(-decimals) for decimals in range(20)]


class Told(NamedTuple):
    """A fact that happened at ``time`` and was learned at ``recorded``, both epoch milliseconds."""

    recorded: int
    time: int
    fact: Any


@lru_cache(1 << 16)
def moment(ms: int) -> datetime:
    """Return an epoch time in milliseconds as a moment; one fact tells the same few several times."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def units(number: int, decimals: int) -> Decimal:
    """Return a scaled integer as an exact number.

    Examples
    --------
    >>> units(841330, 1), units(-5, 6)
    (Decimal('84133.0'), Decimal('-0.000005'))
    """
    return Decimal(number) * _STEPS[decimals]


def usd(micro: int) -> Decimal:
    """Return micro-dollars as dollars."""
    return units(micro, _MICRO_DECIMALS)
