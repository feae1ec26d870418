"""How large a trader is, in the words that trackers of Hyperliquid use."""

from bisect import bisect_right
from decimal import Decimal
from typing import Final

SIZE_COHORTS: Final = (
    "shrimp",
    "fish",
    "dolphin",
    "apex predator",
    "small whale",
    "whale",
    "tidal whale",
    "leviathan",
)
_FROM: Final = tuple(map(Decimal, (250, 10_000, 50_000, 100_000, 500_000, 1_000_000, 5_000_000)))


def size_cohort(equity: Decimal) -> str:
    """Return the cohort of an account worth `equity` USD, bounds as HyperTracker publishes them.

    Examples
    --------
    >>> size_cohort(Decimal(0)), size_cohort(Decimal(250)), size_cohort(Decimal(6_000_000))
    ('shrimp', 'fish', 'leviathan')
    """
    return SIZE_COHORTS[bisect_right(_FROM, equity)]
