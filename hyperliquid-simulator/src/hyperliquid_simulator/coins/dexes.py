"""Perp dexes: the venue's own, and those that builders run beside it with their own collateral."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hyperliquid_simulator.coins.catalogue import Perp
from hyperliquid_simulator.coins.tokens import USDC, USDE, USDH, Token
from hyperliquid_simulator.wire import address

OWN: Final = ""
"""The name of the venue's own dex."""


@dataclass(frozen=True, slots=True)
class Dex:
    """A perp dex; ``collateral`` is what its pockets hold and its fees are paid in."""

    name: str
    full_name: str
    collateral: Token = USDC

    @property
    def deployer(self) -> str:
        """The builder's address."""
        return address(0, "deployer " + self.name, 0)


DEXES: Final = (
    Dex(OWN, "Hyperliquid"),
    Dex("xyz", "XYZ"),
    Dex("flx", "Felix Exchange", USDH),
    Dex("hyna", "HyENA", USDE),
)
"""Every perp dex in the venue's order, its own first."""

COLLATERAL: Final[Mapping[str, Token]] = {dex.name: dex.collateral for dex in DEXES}
"""What fees on each dex are paid in."""

BUILDER_COINS: Final[tuple[Perp, ...]] = (
    Perp("xyz:XYZ100", 4, 31_169.5, 0.22, 2.0, 30, 30, "xyz", growth=True),
    Perp("flx:CRCL", 3, 55.92, 0.80, 0.8, 10, 10, "flx", only_isolated=True),
    Perp("xyz:GOLD", 4, 4_012.6, 0.18, 1.2, 20, 20, "xyz", growth=True),
    Perp("hyna:ETH", 4, 3_104.5, 0.65, 0.8, 20, 20, "hyna"),
    Perp("xyz:TSLA", 3, 431.27, 0.55, 1.0, 10, 10, "xyz"),
    Perp("flx:SILVER", 2, 51.284, 0.35, 0.5, 20, 20, "flx"),
    Perp("xyz:NVDA", 3, 189.41, 0.45, 1.0, 10, 10, "xyz"),
    Perp("hyna:BTC", 5, 85_811.0, 0.50, 0.8, 20, 20, "hyna"),
    Perp("xyz:SILVER", 2, 51.284, 0.35, 0.6, 20, 20, "xyz", growth=True),
    Perp("flx:TSLA", 3, 431.27, 0.55, 0.5, 10, 10, "flx"),
    Perp("xyz:PLTR", 3, 178.62, 0.60, 0.6, 10, 10, "xyz"),
    Perp("xyz:MSTR", 3, 287.93, 0.75, 0.6, 10, 10, "xyz"),
)
"""What builders can list, most popular first."""
