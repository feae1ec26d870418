"""Who trades: styles, capital, favourite coins, and which of them were planted with skill."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from hyperliquid_simulator.catalogue import MAJORS, Coin
from hyperliquid_simulator.market import stream
from hyperliquid_simulator.wire import address

NAMES: Final = (
    "ABC",
    "小鲸鱼",
    "🐳 deep blue",
    "laminar",
    "Ωmega",
    "0xmoon.example",
    "低调赚钱",
    "tape reader",
)


class Style(StrEnum):
    """How an account decides."""

    SKILLED = "skilled"
    WHALE = "whale"
    CONTRARIAN = "contrarian"
    NOISE = "noise"
    DORMANT = "dormant"
    MAKER = "maker"
    VAULT = "vault"
    CROWD = "crowd"
    CHILD = "child"


RESTING: Final = frozenset({Style.MAKER, Style.VAULT, Style.CROWD, Style.CHILD})
"""Styles that only rest orders and take the other side."""

LIQUIDATOR: Final = "0x2e3d94f0562703b25c83308a05046ddaf9a8dd14"
"""The account that takes over what the market would not: readers know the venue's by its address."""

CHILD_CAPITAL: Final = 0.25
"""What a child vault began with, as a part of its parent's capital."""

CROWD_SHARE: Final = 0.1
CROWD_LEAST: Final = 8
SHARES: Final[Mapping[Style, float]] = {
    Style.SKILLED: 0.20,
    Style.WHALE: 0.04,
    Style.CONTRARIAN: 0.12,
    Style.DORMANT: 0.12,
    Style.MAKER: 0.03,
}
"""Part of the population per style; one account is a vault and the rest is noise.

The crowd comes on top: accounts too small or too new for the leaderboard, whose resting orders
meet those who trade too large for the makers.
"""

LEAST: Final[Mapping[Style, int]] = {Style.SKILLED: 6, Style.MAKER: 3, Style.WHALE: 1}
CAPITAL: Final[Mapping[Style, tuple[float, float]]] = {
    Style.SKILLED: (250_000.0, 1.0),
    Style.WHALE: (4_000_000.0, 0.5),
    Style.CONTRARIAN: (60_000.0, 0.9),
    Style.NOISE: (40_000.0, 1.0),
    Style.DORMANT: (30_000.0, 1.0),
    Style.MAKER: (10_000_000.0, 0.4),
    Style.VAULT: (40_000_000.0, 0.1),
    Style.CROWD: (200_000.0, 0.8),
}
"""Median capital in dollars and the spread of its logarithm."""


ABSTRACTIONS: Final = (
    ("unifiedAccount", 0.15),
    ("dexAbstraction", 0.23),
    ("disabled", 0.28),
    ("default", 1.0),
)
"""Ways to keep money, and the share of accounts up to and with each."""


@dataclass(frozen=True, slots=True)
class Trader:
    """One account as it was planned; ``coins`` index the catalogue.

    ``accuracy`` is the chance that a planted trader reads a regime rightly (0.5 without skill),
    ``tempo`` decisions per day, ``exposure`` the share of capital in one coin at full conviction.
    """

    index: int
    address: str
    style: Style
    planted: bool
    coins: tuple[int, ...]
    capital: float
    exposure: float
    leverage: int
    tempo: float
    accuracy: float
    name: str | None
    master: int | None

    @property
    def abstraction(self) -> str:
        """How the account keeps its money, in the venue's words; the address decides."""
        if self.style in RESTING:
            return "default"
        drawn = int(self.address[-4:], 16) / 2**16
        return next(name for name, below in ABSTRACTIONS if drawn < below)

    @property
    def ranked(self) -> bool:
        """Whether the leaderboard lists the account."""
        return self.style not in {Style.CROWD, Style.CHILD}


class Population:
    """All accounts of the venue, and the ways to find them."""

    def __init__(self, traders: Sequence[Trader], agents: Mapping[str, str]) -> None:
        self.traders = tuple(traders)
        self.agents = dict(agents)
        self.by_address = {trader.address: trader for trader in traders}

    def __len__(self) -> int:
        return len(self.traders)

    @cached_property
    def makers(self) -> tuple[Trader, ...]:
        """Professionals whose resting orders take the other side of most orders."""
        return tuple(t for t in self.traders if t.style in {Style.MAKER, Style.VAULT})

    @cached_property
    def crowd(self) -> tuple[Trader, ...]:
        """Everybody else, seen only as the other side of large orders."""
        return tuple(t for t in self.traders if t.style is Style.CROWD)

    @cached_property
    def vaults(self) -> tuple[Trader, ...]:
        """Accounts that trade for others; the venue's own, which has children, is the first."""
        return tuple(t for t in self.traders if t.style is Style.VAULT)

    def leader(self, vault: Trader) -> Trader:
        """Return the account that runs a vault."""
        whales = [t for t in self.traders if t.style is Style.WHALE]
        return whales[self.vaults.index(vault) % len(whales)]

    def children(self, vault: Trader) -> tuple[Trader, ...]:
        """Return the vaults a vault is parted into."""
        return tuple(t for t in self.traders if t.style is Style.CHILD and t.master == vault.index)

    @cached_property
    def liquidator(self) -> Trader:
        """The child vault that takes over what the market would not."""
        return self.by_address[LIQUIDATOR]

    def planted(self, coin: int) -> tuple[Trader, ...]:
        """Return the accounts planted with skill in a coin."""
        return tuple(t for t in self.traders if t.planted and coin in t.coins)

    def sub_accounts(self, master: int) -> tuple[Trader, ...]:
        """Return the sub-accounts of an account."""
        return tuple(t for t in self.traders if t.master == master and t.style is not Style.CHILD)


LARGE_BUDGET: Final = 20_000.0
"""Dollars in one coin above which an account trades with the crowd instead of the makers."""

PARTS: Final = (0.57, 0.29, 0.14)
"""How often an order is filled by one, two and three others."""


@dataclass(frozen=True, slots=True)
class Seats:
    """Who takes the other side when an account changes its mind about a coin.

    It is always the same one to three others, so that what they hold stays bounded by what the
    account holds. Rows are accounts, columns coins, the third axis the others in order.
    """

    parts: npt.NDArray[np.int64]
    others: npt.NDArray[np.int64]


def draw_seats(seed: int, population: Population, coins: int) -> Seats:
    """Draw everybody's others."""
    rng = stream(seed, "seats")
    shape = (len(population), coins)
    parts = rng.choice([1, 2, 3], shape, p=PARTS)
    first = rng.integers(0, 2**31, shape)[:, :, None] + np.arange(3)
    makers = np.array([t.index for t in population.makers])
    crowd = np.array([t.index for t in population.crowd])
    large = np.array([t.capital * t.exposure > LARGE_BUDGET for t in population.traders])
    others = np.where(large[:, None, None], crowd[first % len(crowd)], makers[first % len(makers)])
    return Seats(parts, others)


def draw_population(seed: int, count: int, coins: Sequence[Coin]) -> Population:
    """Draw ``count`` ranked accounts and their crowd; the same arguments give the same people."""
    rng = stream(seed, "population")
    styles = _styles(rng, count)
    masters = _masters(rng, styles)
    traders = [
        _trader(rng, seed, i, style, coins, masters.get(i)) for i, style in enumerate(styles)
    ]
    traders += _children(seed, traders)
    agents = {address(seed, "agent", t.index): t.address for t in traders if t.index % 10 == 0}
    return Population(traders, agents)


def _styles(rng: np.random.Generator, count: int) -> list[Style]:
    styles = [Style.VAULT]
    for style, share in SHARES.items():
        styles += [style] * max(LEAST.get(style, 0), round(share * count))
    styles += [Style.NOISE] * (count - len(styles))
    crowd = max(CROWD_LEAST, round(CROWD_SHARE * count))
    return [styles[i] for i in rng.permutation(count)] + [Style.CROWD] * crowd


def _children(seed: int, traders: Sequence[Trader]) -> list[Trader]:
    """Part the venue's own vault: a strategy beside it, and the liquidator."""
    vault = next(t for t in traders if t.style is Style.VAULT)
    addresses = (address(seed, "child", vault.index), LIQUIDATOR)
    return [
        replace(
            vault,
            index=len(traders) + nth,
            address=name,
            style=Style.CHILD,
            capital=round(CHILD_CAPITAL * vault.capital, 2),
            name=None,
            master=vault.index,
        )
        for nth, name in enumerate(addresses)
    ]


def _masters(rng: np.random.Generator, styles: Sequence[Style]) -> dict[int, int]:
    """Give some skilled accounts a master among the skilled, one in twelve and at least one."""
    skilled = [i for i, style in enumerate(styles) if style is Style.SKILLED]
    pairs = max(1, len(skilled) // 12)
    chosen = rng.permutation(skilled)
    return {int(chosen[2 * i]): int(chosen[2 * i + 1]) for i in range(pairs)}


def _trader(
    rng: np.random.Generator,
    seed: int,
    index: int,
    style: Style,
    coins: Sequence[Coin],
    master: int | None,
) -> Trader:
    median, spread = CAPITAL[style]
    planted = style is Style.SKILLED or (style is Style.WHALE and rng.random() < 0.5)  # noqa: PLR2004
    capital = float(median * np.exp(spread * rng.standard_normal()))
    rest = [i for i, coin in enumerate(coins) if coin.name not in MAJORS]
    extra = rng.permutation(rest)[: int(rng.integers(0, 4))].tolist()
    majors = [
        i for i in range(len(coins)) if i not in rest and rng.random() < (0.9 if planted else 0.6)
    ]
    everything = style in RESTING
    favourites = range(len(coins)) if everything else sorted(majors + extra) or [0]
    return Trader(
        index=index,
        address=address(seed, "account", index),
        style=style,
        planted=planted,
        coins=tuple(favourites),
        capital=round(capital, 2),
        exposure=float(rng.uniform(0.2, 0.6)),
        leverage=int(rng.choice([3, 5, 10, 20])),
        tempo=float(np.exp(rng.normal(0.2, 0.6))),
        accuracy=float(rng.uniform(0.72, 0.88)) if planted else 0.5,
        name=str(rng.choice(NAMES)) if rng.random() < 0.15 else None,  # noqa: PLR2004
        master=master,
    )
