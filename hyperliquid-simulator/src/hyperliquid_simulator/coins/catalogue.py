"""What every coin is, and the venue's own perpetuals: real names and precisions, plausible prices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final

MAJORS: Final = ("BTC", "ETH", "SOL")


@dataclass(frozen=True, slots=True)
class Coin:
    """Whatever trades, by the name the venue gives it; a size counts lots, a price counts ticks.

    Lots times ticks are whole ``10**-money_decimals`` dollars, so nothing is ever rounded.
    ``price`` is in dollars at the start, ``volatility`` yearly, ``popularity`` its relative share of
    trades. A ``delisted`` coin keeps its index but trades no more.
    """

    money_decimals: ClassVar[int]

    name: str
    size_decimals: int
    price: float
    volatility: float
    popularity: float
    delisted: bool = field(default=False, kw_only=True)

    @property
    def price_decimals(self) -> int:
        """Decimals of one tick."""
        return self.money_decimals - self.size_decimals

    def micro_dollars(self, lots: int, ticks: int) -> int:
        """Return what lots cost at a price."""
        return lots * ticks // int(10 ** (self.money_decimals - 6))

    def ticks(self, price: float) -> int:
        """Return a price as ticks, on the venue's price grid."""
        return on_grid(round(price * 10**self.price_decimals), self.price_decimals)


@dataclass(frozen=True, slots=True)
class Perp(Coin):
    """A perpetual, margined by its holder's pocket on the perp ``dex`` that lists it.

    The venue's own dex has an empty name. Every position in an ``only_isolated`` one stands alone. ``funding_multiplier`` scales what the formula gives; it
    is a half while a builder's market is in ``growth`` mode.
    """

    money_decimals: ClassVar[int] = 6

    max_leverage: int
    margin_table: int
    dex: str = ""
    growth: bool = False
    only_isolated: bool = False

    @property
    def funding_multiplier(self) -> float:
        """What the formula's rate is multiplied by."""
        return 0.5 if self.growth else 1.0


Perps = Sequence[Perp] | Mapping[int, Perp]
"""Perpetuals by index: positions are in no other coins."""


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


COINS: Final[tuple[Perp, ...]] = (
    Perp("BTC", 5, 85_811.0, 0.50, 30.0, 40, 56),
    Perp("ETH", 4, 3_104.5, 0.65, 22.0, 25, 55),
    Perp("SOL", 2, 119.19, 0.80, 15.0, 20, 54),
    Perp("HYPE", 2, 92.93, 0.95, 8.0, 10, 52),
    Perp("XRP", 0, 1.8421, 0.75, 5.0, 20, 53),
    Perp("DOGE", 0, 0.12845, 0.90, 4.0, 10, 52),
    Perp("BNB", 3, 812.4, 0.60, 3.0, 10, 51),
    Perp("SUI", 1, 2.4137, 1.00, 3.0, 10, 52),
    Perp("AVAX", 2, 21.43, 0.90, 2.5, 10, 52),
    Perp("LINK", 1, 14.872, 0.85, 2.5, 10, 52),
    Perp("kPEPE", 0, 0.008231, 1.15, 2.0, 10, 52),
    Perp("ARB", 1, 0.20138, 1.00, 2.0, 10, 51),
    Perp("AAVE", 2, 188.3, 0.95, 1.8, 10, 52),
    Perp("ADA", 0, 0.4712, 0.85, 1.8, 10, 52),
    Perp("FARTCOIN", 1, 0.3926, 1.40, 1.8, 10, 52),
    Perp("LTC", 2, 82.4, 0.70, 1.5, 10, 52),
    Perp("NEAR", 1, 1.9832, 1.00, 1.5, 10, 52),
    Perp("ENA", 0, 0.31044, 1.20, 1.5, 10, 52),
    Perp("WLD", 1, 0.81215, 1.15, 1.5, 10, 52),
    Perp("kBONK", 0, 0.014873, 1.20, 1.5, 10, 52),
    Perp("OP", 1, 0.41983, 1.05, 1.2, 10, 51),
    Perp("TIA", 1, 1.0124, 1.15, 1.2, 10, 52),
    Perp("INJ", 1, 7.8412, 1.05, 1.2, 10, 51),
    Perp("APT", 2, 3.1284, 0.95, 1.2, 10, 52),
    Perp("UNI", 1, 6.2147, 0.95, 1.2, 10, 52),
    Perp("DOT", 1, 2.7316, 0.85, 1.0, 10, 51),
    Perp("BCH", 3, 498.2, 0.75, 1.0, 10, 52),
    Perp("TRX", 0, 0.28134, 0.55, 1.0, 10, 51),
    Perp("TON", 1, 1.8426, 0.80, 1.0, 10, 51),
    Perp("CRV", 1, 0.52317, 1.10, 1.0, 10, 52),
    Perp("WIF", 0, 0.44182, 1.35, 1.0, 10, 52),
    Perp("JUP", 0, 0.31874, 1.10, 0.8, 10, 51),
    Perp("ONDO", 0, 0.61473, 0.95, 0.8, 10, 51),
    Perp("SEI", 0, 0.17642, 1.05, 0.8, 10, 51),
    Perp("LDO", 1, 0.82417, 1.05, 0.8, 10, 51),
    Perp("POPCAT", 0, 0.16283, 1.40, 0.8, 10, 52),
    Perp("TRUMP", 1, 6.4182, 1.10, 0.8, 10, 52),
    Perp("kSHIB", 0, 0.009847, 0.95, 0.8, 10, 51),
    Perp("ATOM", 2, 2.9471, 0.85, 0.6, 5, 5),
    Perp("DYDX", 1, 0.28143, 1.10, 0.6, 5, 5),
    Perp("APE", 1, 0.31472, 1.10, 0.6, 5, 5),
    Perp("FIL", 1, 1.6813, 0.95, 0.6, 5, 5),
    Perp("TAO", 3, 312.4, 1.05, 0.6, 5, 5),
    Perp("PENDLE", 0, 2.7143, 1.10, 0.6, 5, 5),
    Perp("PUMP", 0, 0.003142, 1.50, 0.6, 5, 5),
    Perp("XLM", 0, 0.23146, 0.85, 0.6, 5, 5),
    Perp("HBAR", 0, 0.14283, 0.90, 0.6, 5, 5),
    Perp("PAXG", 3, 4_012.6, 0.18, 0.4, 5, 5),
    Perp("MOODENG", 0, 0.08314, 1.50, 0.4, 5, 5),
    Perp("IP", 1, 3.1482, 1.30, 0.4, 3, 3),
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
