"""Who trades: styles, capital, favourite coins, whom they follow, and who was planted with skill."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from hyperliquid_simulator.accounts.styles import (
    FOLLOWERS,
    HABITS,
    LEADERS,
    RESTING,
    Habit,
    Shares,
    Style,
    counts_of,
)
from hyperliquid_simulator.coins.catalogue import MAJORS, Coin
from hyperliquid_simulator.coins.market import REGIMES, stream
from hyperliquid_simulator.errors import ConfigError
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
NAMED: Final = 0.15

LIQUIDATOR: Final = "0x2e3d94f0562703b25c83308a05046ddaf9a8dd14"
"""The account that takes over what the market would not: readers know the venue's by its address."""

CHILD_CAPITAL: Final = 0.25
"""What a child vault began with, as a part of its parent's capital."""

ABSTRACTIONS: Final = (
    ("unifiedAccount", 0.15),
    ("dexAbstraction", 0.23),
    ("disabled", 0.28),
    ("default", 1.0),
)
"""Ways to keep money, and the share of accounts up to and with each."""

SPREAD_OF_SKILL: Final = (0.6, 1.4)
TEMPO_SPREAD: Final = 0.4
MAJOR_LIKED: Final = 0.85
FOLLOWERS_PER_LEADER: Final = 8
LAG_MINUTES: Final[Mapping[Style, tuple[int, int]]] = {
    Style.COPYCAT: (1, 60),
    Style.SUB_ACCOUNT: (0, 2),
    Style.VAULT: (0, 5),
}
HEDGING: Final = 0.5
"""Part of the sub-accounts that hold against their master instead of with it."""

BORN_BEFORE: Final = 0.9
"""Gamblers come all through the history up to this part of it."""

AWAKE: Final = (0.05, 0.3)
"""The dormant traded only in a first part of the history, this long."""


@dataclass(frozen=True, slots=True)
class Follow:
    """Whose positions an account holds, how many minutes later, and how much of them."""

    leader: int
    lag_minutes: int
    scale: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trader:
    """One account as it was planned; ``coins`` index the catalogue, other accounts the population.

    ``exposure`` is the share of capital in one coin at full conviction, ``tempo`` the decisions a
    day and coin, ``ic`` the planted information coefficient by regime (zeros without skill),
    ``days`` the first day of the history on which it decides and the first on which it no longer
    does, ``partner`` whom a wash trader trades with, ``parent`` the vault that a child is part of.
    """

    index: int
    address: str
    style: Style
    coins: tuple[int, ...]
    capital: float
    exposure: float
    leverage: int
    tempo: float
    ic: tuple[float, float, float] = (0.0, 0.0, 0.0)
    days: tuple[int, int | None] = (0, None)
    name: str | None = None
    follows: Follow | None = None
    partner: int | None = None
    parent: int | None = None

    @property
    def planted(self) -> bool:
        """Whether it was given skill."""
        return self.style is Style.SKILLED

    @property
    def master(self) -> int | None:
        """The account that this sub-account or child vault belongs to."""
        if self.follows and self.style is Style.SUB_ACCOUNT:
            return self.follows.leader
        return self.parent

    @property
    def ranked(self) -> bool:
        """Whether the leaderboard lists the account."""
        return self.style not in {Style.CROWD, Style.CHILD}

    @property
    def abstraction(self) -> str:
        """How the account keeps its money, in the venue's words; the address decides."""
        if self.style in RESTING:
            return "default"
        drawn = int(self.address[-4:], 16) / 2**16
        return next(name for name, below in ABSTRACTIONS if drawn < below)


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
        return tuple(t for t in self.traders if t.style in {Style.MAKER, Style.PROVIDER})

    @cached_property
    def crowd(self) -> tuple[Trader, ...]:
        """Everybody else, seen only as the other side of large orders."""
        return tuple(t for t in self.traders if t.style is Style.CROWD)

    @cached_property
    def vaults(self) -> tuple[Trader, ...]:
        """Accounts that trade for others; the venue's own, which has children, is the first."""
        led = (t for t in self.traders if t.style is Style.VAULT)
        return (next(t for t in self.traders if t.style is Style.PROVIDER), *led)

    def leader(self, vault: Trader) -> Trader:
        """Return the account that runs a vault: whom it follows, or just somebody."""
        if vault.follows:
            return self.traders[vault.follows.leader]
        return next(t for t in self.traders if t.style not in RESTING | FOLLOWERS)

    def children(self, vault: Trader) -> tuple[Trader, ...]:
        """Return the vaults a vault is parted into."""
        return tuple(t for t in self.traders if t.parent == vault.index)

    @cached_property
    def liquidator(self) -> Trader:
        """The child vault that takes over what the market would not."""
        return self.by_address[LIQUIDATOR]

    def planted(self, coin: int) -> tuple[Trader, ...]:
        """Return the accounts planted with skill in a coin."""
        return tuple(t for t in self.traders if t.planted and coin in t.coins)

    def sub_accounts(self, master: int) -> tuple[Trader, ...]:
        """Return the sub-accounts of an account."""
        return tuple(t for t in self.traders if t.master == master and t.parent is None)


@dataclass(frozen=True, slots=True)
class People:
    """What a population is drawn from."""

    seed: int
    count: int
    days: int
    shares: Shares
    skill_ic: float
    one_regime: float
    tempo: float


def draw_population(people: People, coins: Sequence[Coin]) -> Population:
    """Draw ranked accounts and their crowd; the same arguments give the same people."""
    rng = stream(people.seed, "population")
    counts = counts_of(people.shares, people.count)
    ranked = [style for style, n in counts.items() if style is not Style.CROWD for _ in range(n)]
    styles = [ranked[i] for i in rng.permutation(len(ranked))]
    styles += [Style.CROWD] * counts[Style.CROWD]
    draw = _Draw(people, coins, rng)
    follows = _followed(rng, styles)
    partners = _partners(styles)
    known: dict[int, Trader] = {}
    for i in sorted(range(len(styles)), key=lambda i: (i in follows, i)):
        known[i] = draw.trader(i, styles[i], known, follows.get(i), partners.get(i))
    traders = [known[i] for i in range(len(styles))]
    traders += _children(people.seed, traders)
    agents = {
        address(people.seed, "agent", t.index): t.address for t in traders if t.index % 10 == 0
    }
    return Population(traders, agents)


def _children(seed: int, traders: Sequence[Trader]) -> list[Trader]:
    """Part the venue's own vault: a strategy beside it, and the liquidator."""
    vault = next(t for t in traders if t.style is Style.PROVIDER)
    addresses = (address(seed, "child", vault.index), LIQUIDATOR)
    return [
        replace(
            vault,
            index=len(traders) + nth,
            address=name,
            style=Style.CHILD,
            capital=round(CHILD_CAPITAL * vault.capital, 2),
            name=None,
            parent=vault.index,
        )
        for nth, name in enumerate(addresses)
    ]


def _followed(rng: np.random.Generator, styles: Sequence[Style]) -> dict[int, Follow]:
    """Draw whom each follower follows: a few leaders have most of the imitators."""
    candidates = [i for i, style in enumerate(styles) if style in LEADERS]
    copycats = sum(style is Style.COPYCAT for style in styles)
    if any(style in FOLLOWERS for style in styles) and not candidates:
        raise ConfigError("--share: nobody is left whom the followers could follow.")
    stars = rng.permutation(candidates)[: max(1, copycats // FOLLOWERS_PER_LEADER)]
    found = {}
    for i, style in enumerate(styles):
        if style not in FOLLOWERS:
            continue
        leader = int(rng.choice(stars if style is Style.COPYCAT else candidates))
        least, most = LAG_MINUTES[style]
        lag = int(rng.integers(least, most + 1))
        found[i] = Follow(leader, lag, round(_scale(rng, style), 3))
    return found


def _scale(rng: np.random.Generator, style: Style) -> float:
    size = float(rng.uniform(0.4, 1.0))
    return -size if style is Style.SUB_ACCOUNT and rng.random() < HEDGING else size


def _partners(styles: Sequence[Style]) -> dict[int, int]:
    washing = [i for i, style in enumerate(styles) if style is Style.WASH]
    pairs = list(zip(washing[::2], washing[1::2], strict=True))
    return dict(pairs) | {second: first for first, second in pairs}


class _Draw:
    def __init__(self, people: People, coins: Sequence[Coin], rng: np.random.Generator) -> None:
        self._people = people
        self._count = len(coins)
        self._majors = [i for i, coin in enumerate(coins) if coin.name in MAJORS]
        self._rng = rng

    def trader(
        self,
        index: int,
        style: Style,
        known: Mapping[int, Trader],
        follows: Follow | None,
        partner: int | None,
    ) -> Trader:
        rng, habit = self._rng, HABITS[style]
        model = known.get(follows.leader if follows else -1 if partner is None else partner)
        coins = model.coins if model else self._favourites(habit)
        capital = habit.capital * np.exp(habit.spread * rng.standard_normal())
        pace = habit.pace * np.exp(TEMPO_SPREAD * rng.standard_normal())
        return Trader(
            index=index,
            address=address(self._people.seed, "account", index),
            style=style,
            coins=coins,
            capital=round(float(capital), 2),
            exposure=float(rng.uniform(*habit.gross)) / len(coins),
            leverage=int(rng.choice([3, 5, 10, 20])),
            tempo=float(self._people.tempo * pace),
            ic=self._skill(style),
            days=self._days(style),
            name=str(rng.choice(NAMES)) if rng.random() < NAMED else None,
            follows=follows,
            partner=partner,
        )

    def _favourites(self, habit: Habit) -> tuple[int, ...]:
        least, most = habit.coins
        if least >= self._count:
            return tuple(range(self._count))
        wanted = int(self._rng.integers(least, most + 1))
        liked = [i for i in self._majors if self._rng.random() < MAJOR_LIKED]
        others = [i for i in range(self._count) if i not in liked]
        order = [*self._rng.permutation(liked).tolist(), *self._rng.permutation(others).tolist()]
        return tuple(sorted(order[: max(1, wanted)]))

    def _skill(self, style: Style) -> tuple[float, float, float]:
        if style is not Style.SKILLED:
            return (0.0, 0.0, 0.0)
        ic = round(self._people.skill_ic * float(self._rng.uniform(*SPREAD_OF_SKILL)), 4)
        only = int(self._rng.integers(len(REGIMES)))
        if self._rng.random() >= self._people.one_regime:
            return (ic, ic, ic)
        bull, bear, quiet = (ic if n == only else 0.0 for n in range(len(REGIMES)))
        return (bull, bear, quiet)

    def _days(self, style: Style) -> tuple[int, int | None]:
        if style is Style.GAMBLER:
            return int(self._rng.uniform(0, BORN_BEFORE) * self._people.days), None
        if style is Style.DORMANT:
            return 0, max(1, int(self._rng.uniform(*AWAKE) * self._people.days))
        return 0, None
