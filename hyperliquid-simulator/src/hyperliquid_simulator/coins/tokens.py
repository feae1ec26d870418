"""Tokens: what spot accounts hold and builder dexes take as collateral."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final


@dataclass(frozen=True, slots=True)
class Token:
    """One token; balances are whole ``10**-wei_decimals`` of it, sizes in the book are coarser."""

    name: str
    index: int
    size_decimals: int
    wei_decimals: int
    canonical: bool = False
    full_name: str | None = None

    @property
    def id(self) -> str:
        """Its name on the chain."""
        return "0x" + blake2b(b"token:%d" % self.index, digest_size=16).hexdigest()


USDC: Final = Token("USDC", 0, 8, 8, canonical=True)
PURR: Final = Token("PURR", 1, 0, 5, canonical=True)
HYPE: Final = Token("HYPE", 150, 2, 8, full_name="Hyperliquid")
UBTC: Final = Token("UBTC", 197, 5, 10, full_name="Unit Bitcoin")
UETH: Final = Token("UETH", 221, 4, 9, full_name="Unit Ethereum")
USDE: Final = Token("USDE", 235, 2, 8, full_name="USDe")
USOL: Final = Token("USOL", 254, 3, 8, full_name="Unit Solana")
USDH: Final = Token("USDH", 360, 2, 8, full_name="USDH")

UNITS: Final = 100
"""Smallest units of a spot dollar in a micro-dollar."""

TOKENS: Final[Mapping[int, Token]] = {
    token.index: token for token in (USDC, PURR, HYPE, UBTC, UETH, USDE, USOL, USDH)
}
"""The tokens that the simulator's accounts can hold, by index."""
