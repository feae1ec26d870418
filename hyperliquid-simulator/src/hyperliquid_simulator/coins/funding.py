"""Funding: the hourly rates of past and present, and what they add up to for a position."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from zlib import crc32

import numpy as np

from hyperliquid_simulator.coins.catalogue import Coin, Perp
from hyperliquid_simulator.coins.market import MINUTE_MS, Floats, Ints, stream

HOUR_MS: Final = 3_600_000
DELAY_MS: Final = (12, 76)
"""How long after the hour the venue charges, at least and at most."""

INTEREST: Final = 0.0001
CAP: Final = 0.0005
"""The rate of eight hours is the premium, drawn towards the interest by at most the cap."""

TYPICAL: Final = 0.0004
MEMORY: Final = 0.9


def hourly_rates(premiums: Floats) -> Floats:
    """Return what longs pay per hour at these mean premiums; most premiums give the interest.

    Examples
    --------
    >>> hourly_rates(np.array([0.00021467, -0.0009, 0.001])).tolist()
    [1.25e-05, -5e-05, 6.25e-05]
    """
    drawn = np.clip(INTEREST - premiums, -CAP, CAP)
    rates: Floats = np.round((premiums + drawn) / 8, 10)
    return rates


def multipliers(coins: Sequence[Coin]) -> Floats:
    """Return what each coin's rate is multiplied by; what is no trading perpetual has no funding."""
    scales = [c.funding_multiplier if isinstance(c, Perp) and not c.delisted else 0 for c in coins]
    return np.array(scales, dtype=np.float64)


def next_premiums(premiums: Floats, seed: int, hour: int) -> Floats:
    """Return the premiums after an hour since 1970: they wander and forget slowly."""
    rng = stream(seed, "funding", str(hour))
    shocks = TYPICAL * np.sqrt(1 - MEMORY**2) * rng.standard_normal(len(premiums))
    later: Floats = np.round(INTEREST + MEMORY * (premiums - INTEREST) + shocks, 8)
    return later


def stamp(seed: int, hour_ms: int) -> int:
    """Return when the venue charges for a full hour: 12 to 76 ms later."""
    least, most = DELAY_MS
    return hour_ms + least + crc32(b"%d:%d" % (seed, hour_ms)) % (most - least + 1)


def next_stamp(seed: int, time_ms: int) -> int:
    """Return the first charge after a moment."""
    hour = time_ms // HOUR_MS * HOUR_MS
    due = stamp(seed, hour)
    return due if due > time_ms else stamp(seed, hour + HOUR_MS)


@dataclass(frozen=True, slots=True)
class FundingHour:
    """What the venue charged at ``time``, by coin."""

    time: int
    premiums: list[float]
    rates: list[float]


@dataclass(frozen=True, slots=True)
class PastFunding:
    """Every charge before the start: a row per hour, a column per coin.

    ``index`` has one row more: the micro-dollars a long lot has paid before each charge. Two rows
    apart say what a position paid between them, so no position need be followed hour by hour.
    ``forming`` are the premiums of the hour the venue starts in.
    """

    times: Ints
    premiums: Floats
    rates: Floats
    index: Floats
    forming: Floats

    def paid(self, coin: Ints, time: Ints) -> Floats:
        """Return the index of each coin at each moment; a charge precedes what shares its time."""
        found: Floats = self.index[np.searchsorted(self.times, time, side="right"), coin]
        return found

    def hours(self, start_ms: int, end_ms: int) -> list[FundingHour]:
        """Return the charges with start <= time <= end."""
        rows = slice(*np.searchsorted(self.times, [start_ms, end_ms + 1]).tolist())
        columns = self.times[rows].tolist(), self.premiums[rows].tolist(), self.rates[rows].tolist()
        return [FundingHour(*hour) for hour in zip(*columns, strict=True)]


def past_funding(
    seed: int, closes: Sequence[Ints], scales: Floats, origin_ms: int, start_ms: int
) -> PastFunding:
    """Draw the premiums of the past and charge them at the price of each hour."""
    hours = np.arange(-(-origin_ms // HOUR_MS), start_ms // HOUR_MS + 1) * HOUR_MS
    stamps = np.array([stamp(seed, hour) for hour in hours.tolist()], dtype=np.int64)
    hours, stamps = hours[stamps <= start_ms], stamps[stamps <= start_ms]
    drawn = [np.full(len(closes), INTEREST)]
    for hour in (hours // HOUR_MS).tolist():
        drawn.append(next_premiums(drawn[-1], seed, hour))
    premiums = np.array(drawn)
    minute = np.clip((hours - origin_ms) // MINUTE_MS - 1, 0, len(closes[0]) - 1)
    marks = np.stack([close[minute] for close in closes], axis=1)
    rates = np.round(hourly_rates(premiums[:-1]) * scales, 10)
    index = np.zeros((len(hours) + 1, len(closes)))
    index[1:] = np.cumsum(rates * marks, axis=0)
    return PastFunding(stamps, premiums[:-1], rates, index, premiums[-1])


class LiveFunding:
    """The hour that is forming, and every hour charged since the start."""

    def __init__(self, seed: int, forming: Floats, coins: Sequence[Coin], start_ms: int) -> None:
        self.hours: list[FundingHour] = []
        self.due_ms = next_stamp(seed, start_ms)
        self._seed = seed
        self._coins = coins
        self._premiums = forming
        self.refresh()

    def refresh(self) -> None:
        """See which coins are listed now; those that are new begin at the interest."""
        fresh = np.full(len(self._coins) - len(self._premiums), INTEREST)
        self._premiums = np.append(self._premiums, fresh)
        rates = hourly_rates(self._premiums) * multipliers(self._coins)
        self.rates: list[float] = np.round(rates, 10).tolist()

    def charge(self) -> FundingHour:
        """End the hour and begin the next; returns what the ended one costs."""
        ended = FundingHour(self.due_ms, self._premiums.tolist(), self.rates)
        self.hours.append(ended)
        hour = self.due_ms // HOUR_MS
        self._premiums = next_premiums(self._premiums, self._seed, hour)
        self.due_ms = next_stamp(self._seed, self.due_ms)
        self.refresh()
        return ended
