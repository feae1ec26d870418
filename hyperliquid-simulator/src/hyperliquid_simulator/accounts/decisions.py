"""Who wants to hold how much of what, and when: every account decides at moments of its own.

A decision is an exposure in [-1, 1]. The skilled and the noisy decide by the same formula,

    exposure = clip((ic * z + sqrt(1 - ic^2) * noise) / 2, -1, 1)

with ``z`` the residual return of the next 24 hours in units of its own volatility and ``ic`` 0 for
the noisy. So the correlation of exposure and ``z`` is the information coefficient, and nothing else
about a decision tells who is skilled. Followers take over what their leader decided, later.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from hyperliquid_simulator.accounts.population import Population, Trader
from hyperliquid_simulator.accounts.styles import Style
from hyperliquid_simulator.coins.market import DAY_MINUTES, Floats, Ints, stream
from hyperliquid_simulator.coins.prices import Prices

FULL: Final = 2.0
"""Standard deviations of conviction that make a full position."""

LEAST_EXPOSURE: Final = 0.15
"""Whoever is less convinced stays out."""

HASTE: Final = 0.5
"""A decision may come late by this part of the time between two, and at most of a day."""

FINE: Final = 1 << 20
"""Minutes times this, plus the part of the minute, is a moment to sort by."""


@dataclass(frozen=True, slots=True)
class Views:
    """Decisions, a column each: whose, about which coin, when, and the exposure wanted.

    ``fraction`` is the part of the minute that has passed; ``known`` is the ``z`` of the next 24
    hours, which only the skilled know something of.
    """

    account: Ints
    coin: Ints
    minute: Ints
    fraction: Floats
    exposure: Floats
    known: Floats

    def __len__(self) -> int:
        return len(self.account)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the rows of all parts."""
        columns = ([getattr(part, each.name) for part in parts] for each in fields(cls))
        return cls(*(np.concatenate(column) for column in columns))

    def taken(self, rows: Ints | npt.NDArray[np.bool_]) -> Self:
        """Return chosen rows."""
        return type(self)(*(getattr(self, each.name)[rows] for each in fields(self)))


@dataclass(frozen=True, slots=True)
class Moment:
    """Decisions of one style on one day, before anybody has made up its mind."""

    prices: Prices
    rng: np.random.Generator
    account: Ints
    coin: Ints
    minute: Ints
    known: Floats
    ic: Floats


Opinion = Callable[[Moment], Floats]


def foresight(at: Moment) -> Floats:
    """See the next day's residual as clearly as the information coefficient says, at 0 not at all."""
    noise = at.rng.standard_normal(len(at.account))
    seen = (at.ic * at.known + np.sqrt(1 - at.ic**2) * noise) / FULL
    exposure: Floats = np.where(np.abs(seen) < LEAST_EXPOSURE, 0.0, np.clip(seen, -1, 1))
    return exposure


def against_the_day(at: Moment) -> Floats:
    """Fade the last 24 hours' move."""
    moved = np.sign(at.prices.past(at.coin, at.minute))
    against: Floats = -moved * at.rng.uniform(0.2, 1.0, len(moved))
    return against


def always_long(at: Moment) -> Floats:
    """Hold more or less of it."""
    return at.rng.uniform(0.5, 1.0, len(at.account))


def always_short(at: Moment) -> Floats:
    """Hold about the hedge of a spot position: the price is nothing to them, the funding is."""
    return -at.rng.uniform(0.85, 1.0, len(at.account))


def all_in(at: Moment) -> Floats:
    """Bet everything on a coin flip."""
    side = at.rng.choice([-1.0, 1.0], len(at.account))
    return np.asarray(side * at.rng.uniform(0.6, 1.0, len(side)))


def back_and_forth(at: Moment) -> Floats:
    """Trade for the volume."""
    return at.rng.uniform(-1.0, 1.0, len(at.account))


OPINIONS: Final[Mapping[Style, Opinion]] = {
    Style.SKILLED: foresight,
    Style.NOISE: foresight,
    Style.DORMANT: foresight,
    Style.CONTRARIAN: against_the_day,
    Style.PERMA_BULL: always_long,
    Style.FARMER: always_short,
    Style.GAMBLER: all_in,
    Style.WASH: back_and_forth,
}
"""How each style that decides for itself comes to an exposure."""


class Decisions:
    """The decisions of a population, day by day from the first; asked for twice they are the same."""

    def __init__(self, seed: int, population: Population, prices: Prices, first_day: int) -> None:
        self._seed, self._first_day, self._prices = seed, first_day, prices
        traders = population.traders
        self._ic = np.array([t.ic for t in traders])
        phases = stream(seed, "phases").random((len(traders), len(prices.coins)))
        self._deciders = [
            _Deciders.of(style, [t for t in traders if _decides(t, style)], phases)
            for style in OPINIONS
        ]
        self._following = _Following.of([t for t in traders if t.follows])

    def day(self, day: int) -> Views:
        """Return what is decided on a day, in order of time.

        What comes late comes up to half a day into the next, and its followers an hour later.
        """
        self._prices.reach(day + 2)
        rng = stream(self._seed, "decisions", str(self._first_day + day))
        own = Views.joined([self._decided(who, day, rng) for who in self._deciders])
        views = Views.joined([own, self._copied(own)])
        return views.taken(np.lexsort((views.coin, views.account, views.fraction, views.minute)))

    def _decided(self, who: "_Deciders", day: int, rng: np.random.Generator) -> Views:
        rows, due = who.due(day, self._first_day)
        late = HASTE * rng.random(len(rows)) * np.minimum(who.period[rows], 1.0)
        minute, fraction = np.divmod((day + due + late) * DAY_MINUTES, 1.0)
        account, coin, minute = who.account[rows], who.coin[rows], minute.astype(np.int64)
        known = self._prices.future(coin, minute)
        ic = self._ic[account, self._prices.regime(coin, minute)]
        at = Moment(self._prices, rng, account, coin, minute, known, ic)
        return Views(account, coin, minute, fraction, OPINIONS[who.style](at), known)

    def _copied(self, own: Views) -> Views:
        rows, places = self._following.of_leaders(own.account)
        minute = own.minute[rows] + self._following.lag[places]
        known = self._prices.future(own.coin[rows], minute)
        exposure = own.exposure[rows] * self._following.scale[places]
        account = self._following.account[places]
        return Views(account, own.coin[rows], minute, own.fraction[rows], exposure, known)


@dataclass(frozen=True, slots=True)
class _Deciders:
    """Pairs of an account and a coin it decides about every ``period`` days, from ``phase`` on."""

    style: Style
    account: Ints
    coin: Ints
    period: Floats
    phase: Floats
    first: Ints
    last: Ints

    @classmethod
    def of(cls, style: Style, traders: Sequence[Trader], phases: Floats) -> "_Deciders":
        pairs = [(t, coin) for t in traders for coin in t.coins]
        forever = np.iinfo(np.int64).max
        account = np.array([t.index for t, _ in pairs], dtype=np.int64)
        coin = np.array([coin for _, coin in pairs], dtype=np.int64)
        return cls(
            style=style,
            account=account,
            coin=coin,
            period=1 / np.array([t.tempo for t, _ in pairs]),
            phase=phases[account, coin],
            first=np.array([t.days[0] for t, _ in pairs], dtype=np.int64),
            last=np.array([t.days[1] or forever for t, _ in pairs], dtype=np.int64),
        )

    def due(self, day: int, first_day: int) -> tuple[Ints, Floats]:
        """Return which pairs have a decision due on a day, and the part of the day that is past."""
        begin, end = (
            np.ceil((first_day + day + after) / self.period - self.phase) for after in (0, 1)
        )
        awake = (self.first <= day) & (day < self.last)
        many = ((end - begin) * awake).astype(np.int64)
        rows = np.repeat(np.arange(len(many)), many)
        nth = np.arange(len(rows)) - np.repeat(np.cumsum(many) - many, many)
        due = (begin[rows] + nth + self.phase[rows]) * self.period[rows] - (first_day + day)
        return rows, np.maximum(due, 0.0)


@dataclass(frozen=True, slots=True)
class _Following:
    """Followers in order of their leaders."""

    leader: Ints
    account: Ints
    lag: Ints
    scale: Floats

    @classmethod
    def of(cls, traders: Sequence[Trader]) -> "_Following":
        rows = sorted(
            (t.follows.leader, t.index, t.follows.lag_minutes, t.follows.scale)
            for t in traders
            if t.follows
        )
        leader, account, lag = np.array([row[:3] for row in rows], dtype=np.int64).reshape(-1, 3).T
        return cls(leader, account, lag, np.array([row[3] for row in rows]))

    def of_leaders(self, account: Ints) -> tuple[Ints, Ints]:
        """Return for every follower of every row's account the row and the follower's place."""
        first = np.searchsorted(self.leader, account, side="left")
        many = np.searchsorted(self.leader, account, side="right") - first
        rows = np.repeat(np.arange(len(account)), many)
        nth = np.arange(len(rows)) - np.repeat(np.cumsum(many) - many, many)
        return rows, first[rows] + nth


def _decides(trader: Trader, style: Style) -> bool:
    """Tell whether an account decides by itself: of a wash pair only the first does."""
    return trader.style is style and (trader.partner is None or trader.index < trader.partner)
