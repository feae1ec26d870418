"""How what Binance sends is named in a recording: the venue, a space, and what it was."""

from typing import Final

from market_scraper.connectors.binance.parse import VENUE

STREAM: Final = "stream"


def place_of(what: str) -> str:
    """Return the place of a note of `what`: `STREAM`, or the path that was asked for.

    Examples
    --------
    >>> place_of("/fapi/v1/fundingInfo")
    'binance /fapi/v1/fundingInfo'
    """
    return f"{VENUE} {what}"
