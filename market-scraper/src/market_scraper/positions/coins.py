"""What the venue's names of markets say.

``BTC`` is a perpetual of its own exchange, ``xyz:GOLD`` one of the exchange that the builder ``xyz`` runs beside
it, ``@107`` and ``PURR/USDC`` are pairs of tokens, ``#14880`` and ``+14880`` answers to a question.
"""

from functools import lru_cache

MAIN_DEX = ""
"""The name of the venue's own perpetuals exchange."""

_NO_PERPETUAL = frozenset("@#+/")


@lru_cache(maxsize=8_192)
def dex_of(coin: str) -> str | None:
    """Return the perpetuals exchange that `coin` trades on; None if it is no perpetual.

    Examples
    --------
    >>> dex_of("BTC"), dex_of("xyz:GOLD"), dex_of("@107"), dex_of("PURR/USDC"), dex_of("#14880")
    ('', 'xyz', None, None, None)
    """
    dex, colon, _ = coin.partition(":")
    if colon:
        return dex
    return None if _NO_PERPETUAL.intersection(coin) else MAIN_DEX
