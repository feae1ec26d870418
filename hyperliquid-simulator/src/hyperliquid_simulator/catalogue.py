"""The coins the venue can list: real names, precisions and leverage caps, plausible prices."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

PRICE_DECIMALS: Final = 6
"""A perpetual's price has at most this many decimals less the decimals of its size."""

MAJORS: Final = ("BTC", "ETH", "SOL")


@dataclass(frozen=True, slots=True)
class Coin:
    """One listed perpetual; ``volatility`` is yearly, ``popularity`` its relative share of trades.

    ``dex`` is the perp dex that lists it, empty for the venue's own.
    """

    name: str
    size_decimals: int
    max_leverage: int
    margin_table: int
    price: float
    volatility: float
    popularity: float
    dex: str = ""

    @property
    def price_decimals(self) -> int:
        """Decimals of one tick."""
        return PRICE_DECIMALS - self.size_decimals

    def ticks(self, price: float) -> int:
        """Return a price as ticks, on the venue's price grid."""
        return on_grid(round(price * 10**self.price_decimals), self.price_decimals)


def grid_step(ticks: int, price_decimals: int) -> int:
    """Return the distance between allowed prices: five significant figures, or whole numbers."""
    return int(10 ** min(max(len(str(ticks)) - 5, 0), price_decimals))


def on_grid(ticks: int, price_decimals: int) -> int:
    """Return the nearest allowed price, never below one tick.

    Examples
    --------
    >>> on_grid(858114, 1), on_grid(1234567, 4)
    (858110, 1234600)
    """
    step = grid_step(ticks, price_decimals)
    return max(round(ticks / step) * step, 1)


COINS: Final = (
    Coin("BTC", 5, 40, 56, 85_811.0, 0.50, 30.0),
    Coin("ETH", 4, 25, 55, 3_104.5, 0.65, 22.0),
    Coin("SOL", 2, 20, 54, 119.19, 0.80, 15.0),
    Coin("HYPE", 2, 10, 52, 92.93, 0.95, 8.0),
    Coin("XRP", 0, 20, 53, 1.8421, 0.75, 5.0),
    Coin("DOGE", 0, 10, 52, 0.12845, 0.90, 4.0),
    Coin("BNB", 3, 10, 51, 812.4, 0.60, 3.0),
    Coin("SUI", 1, 10, 52, 2.4137, 1.00, 3.0),
    Coin("AVAX", 2, 10, 52, 21.43, 0.90, 2.5),
    Coin("LINK", 1, 10, 52, 14.872, 0.85, 2.5),
    Coin("kPEPE", 0, 10, 52, 0.008231, 1.15, 2.0),
    Coin("ARB", 1, 10, 51, 0.20138, 1.00, 2.0),
    Coin("AAVE", 2, 10, 52, 188.3, 0.95, 1.8),
    Coin("ADA", 0, 10, 52, 0.4712, 0.85, 1.8),
    Coin("FARTCOIN", 1, 10, 52, 0.3926, 1.40, 1.8),
    Coin("LTC", 2, 10, 52, 82.4, 0.70, 1.5),
    Coin("NEAR", 1, 10, 52, 1.9832, 1.00, 1.5),
    Coin("ENA", 0, 10, 52, 0.31044, 1.20, 1.5),
    Coin("WLD", 1, 10, 52, 0.81215, 1.15, 1.5),
    Coin("kBONK", 0, 10, 52, 0.014873, 1.20, 1.5),
    Coin("OP", 1, 10, 51, 0.41983, 1.05, 1.2),
    Coin("TIA", 1, 10, 52, 1.0124, 1.15, 1.2),
    Coin("INJ", 1, 10, 51, 7.8412, 1.05, 1.2),
    Coin("APT", 2, 10, 52, 3.1284, 0.95, 1.2),
    Coin("UNI", 1, 10, 52, 6.2147, 0.95, 1.2),
    Coin("DOT", 1, 10, 51, 2.7316, 0.85, 1.0),
    Coin("BCH", 3, 10, 52, 498.2, 0.75, 1.0),
    Coin("TRX", 0, 10, 51, 0.28134, 0.55, 1.0),
    Coin("TON", 1, 10, 51, 1.8426, 0.80, 1.0),
    Coin("CRV", 1, 10, 52, 0.52317, 1.10, 1.0),
    Coin("WIF", 0, 10, 52, 0.44182, 1.35, 1.0),
    Coin("JUP", 0, 10, 51, 0.31874, 1.10, 0.8),
    Coin("ONDO", 0, 10, 51, 0.61473, 0.95, 0.8),
    Coin("SEI", 0, 10, 51, 0.17642, 1.05, 0.8),
    Coin("LDO", 1, 10, 51, 0.82417, 1.05, 0.8),
    Coin("POPCAT", 0, 10, 52, 0.16283, 1.40, 0.8),
    Coin("TRUMP", 1, 10, 52, 6.4182, 1.10, 0.8),
    Coin("kSHIB", 0, 10, 51, 0.009847, 0.95, 0.8),
    Coin("ATOM", 2, 5, 5, 2.9471, 0.85, 0.6),
    Coin("DYDX", 1, 5, 5, 0.28143, 1.10, 0.6),
    Coin("APE", 1, 5, 5, 0.31472, 1.10, 0.6),
    Coin("FIL", 1, 5, 5, 1.6813, 0.95, 0.6),
    Coin("TAO", 3, 5, 5, 312.4, 1.05, 0.6),
    Coin("PENDLE", 0, 5, 5, 2.7143, 1.10, 0.6),
    Coin("PUMP", 0, 5, 5, 0.003142, 1.50, 0.6),
    Coin("XLM", 0, 5, 5, 0.23146, 0.85, 0.6),
    Coin("HBAR", 0, 5, 5, 0.14283, 0.90, 0.6),
    Coin("PAXG", 3, 5, 5, 4_012.6, 0.18, 0.4),
    Coin("MOODENG", 0, 5, 5, 0.08314, 1.50, 0.4),
    Coin("IP", 1, 3, 3, 3.1482, 1.30, 0.4),
)

MARGIN_TIERS: Final[Mapping[int, tuple[str, tuple[tuple[int, int], ...]]]] = {
    50: ("", ((0, 50),)),
    51: ("tiered 10x", ((0, 10), (3_000_000, 5))),
    52: ("tiered 10x (2)", ((0, 10), (20_000_000, 5))),
    53: ("tiered 20x", ((0, 20), (40_000_000, 10))),
    54: ("tiered 20x (2)", ((0, 20), (70_000_000, 10))),
    55: ("tiered 25x", ((0, 25), (100_000_000, 15))),
    56: ("tiered 40x", ((0, 40), (150_000_000, 20))),
}
"""Margin tables with tiers, by id: description and (lower bound in dollars, maximum leverage)."""
