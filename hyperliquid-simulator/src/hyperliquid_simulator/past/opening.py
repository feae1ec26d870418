"""What the venue lists at the start."""

from collections.abc import Sequence
from typing import Final

from hyperliquid_simulator.coins.catalogue import COINS, Perp
from hyperliquid_simulator.coins.dexes import BUILDER_COINS, DEXES, OWN, Dex
from hyperliquid_simulator.coins.pairs import Listed, outcomes, spot_pairs
from hyperliquid_simulator.config import Config

FORMER: Final = (
    Perp("MATIC", 1, 0.37621, 0.0, 0.0, 20, 20, delisted=True),
    Perp("HPOS", 0, 0.11872, 0.0, 0.0, 3, 3, only_isolated=True, delisted=True),
    Perp("xyz:SKHX", 3, 402.61, 0.0, 0.0, 10, 10, "xyz", only_isolated=True, delisted=True),
)
"""Coins that were delisted long ago: they keep their place in the universe."""


def trading(config: Config) -> tuple[Perp, ...]:
    """Return the perpetuals that trade at the start, the venue's own before the builders'."""
    return (*COINS[: config.coins], *BUILDER_COINS[: config.builder_coins])


def opening(config: Config, start_ms: int, marks: Sequence[float]) -> list[Listed]:
    """Return every coin that is listed at the start, by index; `trading` ones come first.

    ``marks`` are the prices of those in dollars; questions are asked about them.
    """
    perps = trading(config)
    prices = {perp.name: mark for perp, mark in zip(perps, marks, strict=True)}
    known = {dex.name for dex in dexes(config)}
    return [
        *perps,
        *(former for former in FORMER if former.dex in known),
        *spot_pairs(config.spot_pairs, prices),
        *outcomes(config.outcomes, prices, start_ms),
    ]


def dexes(config: Config) -> tuple[Dex, ...]:
    """Return the perp dexes that list something, the venue's own first."""
    used = {OWN, *(coin.dex for coin in trading(config))}
    return tuple(dex for dex in DEXES if dex.name in used)
