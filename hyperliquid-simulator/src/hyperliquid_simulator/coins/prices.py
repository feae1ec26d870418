"""Prices drawn a day at a time: a market factor, regimes, bursts and jumps, and the residual left.

Every coin's log return in a minute is ``sigma * (SHARED * factor + OWN * own)``. The factor carries
the drift of the regime; ``own`` is the residual that skill can foresee and nobody else can: given the
level of volatility it is independent from minute to minute. Days are drawn from their absolute
number, so the same seed and first day give the same prices whenever the venue is started.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from hyperliquid_simulator.coins.catalogue import Coin
from hyperliquid_simulator.coins.market import (
    DAY_MINUTES,
    REGIMES,
    SHARED,
    YEAR_MINUTES,
    Floats,
    Ints,
    grid_prices,
    stream,
)

OWN: Final = float(np.sqrt(1 - SHARED**2))
DAY_HOURS: Final = 24

REGIME_DAYS: Final = 14
"""Mean length of a market regime."""

DRIFT: Final = (0.12, -0.12, 0.0)
"""Of the factor, by regime, in standard deviations of a day."""

LOUDNESS: Final = (0.95, 1.2, 0.7)
"""By which volatility is multiplied, by regime."""

DELAY_MINUTES: Final = 36 * 60
"""A coin is in the market's regime up to this much later."""

MEMORY: Final = 0.97
RESTLESSNESS: Final = 0.09
"""Of the logarithm of volatility, from hour to hour."""

BURSTS_A_DAY: Final = 0.15
BURST: Final = (0.5, 1.2)
BURST_KEPT: Final = 0.8
"""A burst adds this to the logarithm of volatility and keeps this share of it from hour to hour."""

JUMPS_A_DAY: Final = 0.06
JUMP: Final = (1.0, 2.5)
"""In standard deviations of a day, of the factor and of every coin's own part."""

_JUMP_VARIANCE: Final = JUMPS_A_DAY * (JUMP[0] ** 2 + JUMP[0] * JUMP[1] + JUMP[1] ** 2) / 3
WINDOW_DAYS: Final = 5
"""How many days are at hand at once."""


@dataclass(frozen=True, slots=True)
class Jump:
    """A price that moved at once; ``coin`` None is the whole market, ``size`` a log return."""

    minute: int
    coin: int | None
    size: float


class Prices:
    """The path of every coin since the first day, of which the last days are at hand.

    Parameters
    ----------
    first_day
        Days since 1970 on which minute 0 begins; every coin then has its catalogue price.
    """

    def __init__(self, seed: int, coins: Sequence[Coin], first_day: int) -> None:
        self.coins = tuple(coins)
        self.turns: list[tuple[int, int]] = []
        self.jumps: list[Jump] = []
        self.days = 0
        self._seed, self._first_day = seed, first_day
        self._sigma = np.array([coin.volatility for coin in coins]) / np.sqrt(YEAR_MINUTES)
        rng = stream(seed, "prices")
        self.delays = rng.integers(0, DELAY_MINUTES, len(coins))
        self.turns.append((-DELAY_MINUTES, int(rng.integers(len(REGIMES)))))
        self._calm = RESTLESSNESS / np.sqrt(1 - MEMORY**2) * float(rng.standard_normal())
        self._burst = 0.0
        empty = np.empty((len(coins), 0))
        self._log, self._residual, self._variance = empty, empty, empty
        self._level = np.empty(0)
        self._end = np.zeros((3, len(coins)))
        self._end[0] = np.log([coin.price * 10**coin.price_decimals for coin in coins])

    @property
    def betas(self) -> Floats:
        """Every coin's loading on the market factor, per year of unit volatility."""
        loadings: Floats = SHARED * np.array([coin.volatility for coin in self.coins])
        return loadings

    def reach(self, day: int) -> None:
        """Draw the days up to and with ``day``, counted from the first."""
        while self.days <= day:
            self._draw()

    def regime(self, coin: Ints, minute: Ints) -> Ints:
        """Return which regime coins are in at moments, as an index of ``REGIMES``."""
        when = np.array([turn for turn, _ in self.turns])
        state = np.array([state for _, state in self.turns])
        found: Ints = state[np.searchsorted(when, minute - self.delays[coin], side="right") - 1]
        return found

    def future(self, coin: Ints, minute: Ints) -> Floats:
        """Return coins' residual returns over the 24 hours after moments, in units of volatility.

        The unit is the standard deviation that those hours' own level of volatility gives the
        residual, so the result has variance one in every regime and burst.
        """
        at = self._at(minute)
        later = at + DAY_MINUTES
        moved = self._residual[coin, later] - self._residual[coin, at]
        scale = np.sqrt(self._variance[coin, later] - self._variance[coin, at])
        units: Floats = moved / scale
        return units

    def past(self, coin: Ints, minute: Ints) -> Floats:
        """Return coins' log returns over the 24 hours before moments, or as far as known."""
        at = self._at(minute)
        before: Floats = self._log[coin, at] - self._log[coin, np.maximum(at - DAY_MINUTES, 0)]
        return before

    def log(self, minute: int) -> Floats:
        """Return the logarithm of every coin's price in ticks at the end of a minute."""
        column: Floats = self._log[:, self._at(minute)]
        return column

    def level(self, day: int) -> Floats:
        """Return the level of volatility in every minute of a day at hand."""
        first = int(self._at(day * DAY_MINUTES))
        return self._level[first : first + DAY_MINUTES]

    def path(self, day: int) -> Floats:
        """Return the logarithm of every coin's price in ticks over a day at hand, a row per coin."""
        first = int(self._at(day * DAY_MINUTES))
        return self._log[:, first : first + DAY_MINUTES]

    def closes(self, day: int) -> list[Ints]:
        """Return every coin's closing prices of a day at hand in ticks, a row per coin."""
        return [
            grid_prices(row, coin.price_decimals)
            for row, coin in zip(np.exp(self.path(day)), self.coins, strict=True)
        ]

    def _at(self, minute: int | Ints) -> Ints:
        """Return where minutes are in the window."""
        at: Ints = np.asarray(minute) - (self.days * DAY_MINUTES - self._log.shape[1])
        if np.any(at < 0):
            raise IndexError(f"minute {np.min(minute)} is no longer at hand")
        return at

    def _draw(self) -> None:
        rng = stream(self._seed, "prices", str(self._first_day + self.days))
        self._turn(rng)
        level = self._volatility(rng)
        factor = self._factor(rng, level)
        own, variance = self._own(rng, level)
        move = self._sigma[:, None] * (SHARED * factor + own)
        steps = np.stack([move, self._sigma[:, None] * own, variance * self._sigma[:, None] ** 2])
        paths = self._end[:, :, None] + np.cumsum(steps, axis=2)
        self._end = paths[:, :, -1]
        kept = -(WINDOW_DAYS - 1) * DAY_MINUTES
        self._log, self._residual, self._variance = (
            np.concatenate([old[:, kept:], new], axis=1)
            for old, new in zip((self._log, self._residual, self._variance), paths, strict=True)
        )
        self._level = np.concatenate([self._level[kept:], level])
        self.days += 1

    def _turn(self, rng: np.random.Generator) -> None:
        happens, minute, step = rng.random(), rng.integers(DAY_MINUTES), rng.integers(1, 3)
        if happens < 1 / REGIME_DAYS:
            state = (self.turns[-1][1] + int(step)) % len(REGIMES)
            self.turns.append((self.days * DAY_MINUTES + int(minute), state))

    def _volatility(self, rng: np.random.Generator) -> Floats:
        """Return the level of volatility of every minute: it wanders, and bursts at times."""
        shocks, bursts, sizes = (
            rng.standard_normal(DAY_HOURS),
            rng.random(DAY_HOURS) < BURSTS_A_DAY / DAY_HOURS,
            rng.uniform(*BURST, DAY_HOURS),
        )
        level = np.empty(DAY_HOURS)
        for hour in range(DAY_HOURS):
            self._calm = MEMORY * self._calm + RESTLESSNESS * shocks[hour]
            self._burst = BURST_KEPT * self._burst + bursts[hour] * sizes[hour]
            level[hour] = self._calm + self._burst
        return np.repeat(np.exp(level), DAY_MINUTES // DAY_HOURS)

    def _factor(self, rng: np.random.Generator, level: Floats) -> Floats:
        minutes = self.days * DAY_MINUTES + np.arange(DAY_MINUTES)
        when = np.array([turn for turn, _ in self.turns])
        states = np.array([state for _, state in self.turns])
        regime = states[np.searchsorted(when, minutes, side="right") - 1]
        drift = np.array(DRIFT)[regime] / np.sqrt(DAY_MINUTES)
        shocks = level * np.array(LOUDNESS)[regime] * rng.standard_normal(DAY_MINUTES)
        factor: Floats = shocks + drift + self._leaps(rng, None)
        return factor

    def _own(self, rng: np.random.Generator, level: Floats) -> tuple[Floats, Floats]:
        """Return every coin's own part of its returns, and the variance that part has."""
        minutes = self.days * DAY_MINUTES + np.arange(DAY_MINUTES)
        each = np.arange(len(self.coins))[:, None]
        scale = OWN * level * np.array(LOUDNESS)[self.regime(each, minutes)]
        shocks = scale * rng.standard_normal(scale.shape)
        leaps = np.stack([self._leaps(rng, coin) for coin in range(len(self.coins))])
        return shocks + OWN * leaps, scale**2 + OWN**2 * _JUMP_VARIANCE

    def _leaps(self, rng: np.random.Generator, coin: int | None) -> Floats:
        """Return a day's jumps of a coin's own part or of the factor, mostly none."""
        happens, minute = rng.random(), int(rng.integers(DAY_MINUTES))
        size = float(rng.choice([-1, 1]) * rng.uniform(*JUMP) * np.sqrt(DAY_MINUTES))
        leaps = np.zeros(DAY_MINUTES)
        if happens < JUMPS_A_DAY:
            leaps[minute] = size
            unit = SHARED if coin is None else OWN * self._sigma[coin]
            at = self.days * DAY_MINUTES + minute
            self.jumps.append(Jump(at, coin, float(unit * size)))
        return leaps
