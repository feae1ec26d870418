"""When owners pay in and take out: after their losses and gains, never before.

What an account was worth, and what was paid in, must not tell what will happen to it. So everybody
begins with its capital, pays in when little of that is left or its positions have become too large
for it, and takes out when there is much more. Gamblers do neither: what is left of one that was
liquidated leaves, and so does it; had a jump left less than nothing, the venue would make it up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np

from hyperliquid_simulator.accounts.population import Trader
from hyperliquid_simulator.accounts.styles import VAULTS, Style
from hyperliquid_simulator.coins.market import DAY_MS, MINUTE_MS, Ints
from hyperliquid_simulator.wire import MICRO

LOOK_MS: Final = DAY_MS // 2
"""How often owners look at what they have: at noon and at midnight."""

HOUR_MS: Final = 3_600_000
LITTLE: Final = 0.5
MUCH: Final = 2.5
LEFT_IN: Final = 1.5
"""Parts of the capital at which an owner pays in up to all of it, takes out, and leaves in."""

LEAST_MARGIN: Final = 0.25
SAFE_MARGIN: Final = 0.4
"""Parts of the positions below which an owner pays in, and up to which."""

CENT: Final = MICRO // 100


@dataclass(frozen=True, slots=True)
class Payments:
    """What was paid in (negative: taken out), a column each, in micro-dollars."""

    time: Ints
    account: Ints
    usd: Ints

    def __len__(self) -> int:
        return len(self.time)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the rows of all parts."""
        return cls(
            *(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(cls))
        )

    def until(self, time_ms: int) -> "Payments":
        """Return the rows up to a moment."""
        rows = self.time <= time_ms
        return Payments(self.time[rows], self.account[rows], self.usd[rows])

    def after(self, time_ms: int) -> "Payments":
        """Return the rows after a moment."""
        rows = self.time > time_ms
        return Payments(self.time[rows], self.account[rows], self.usd[rows])

    def total(self, accounts: int) -> Ints:
        """Return what came to every account."""
        sums = np.zeros(accounts, dtype=np.int64)
        np.add.at(sums, self.account, self.usd)
        return sums


@dataclass(frozen=True, slots=True)
class Course:
    """What accounts (columns) won and held at moments (rows), on one perp dex."""

    times: Ints
    profit: Ints
    gross: Ints


@dataclass(frozen=True, slots=True)
class Owner:
    """Who pays: with how much an account begins, when, and when it ended."""

    account: int
    capital: int
    began_ms: int
    ended_ms: int | None
    patient: bool


def owners(
    traders: Sequence[Trader],
    capital: Mapping[int, int],
    origin_ms: int,
    deaths: Mapping[int, int],
) -> list[Owner]:
    """Return the owners of accounts that have ``capital`` micro-dollars on a dex, but of no vaults."""
    return [
        Owner(
            account=t.index,
            capital=capital[t.index],
            began_ms=origin_ms + t.days[0] * DAY_MS,
            ended_ms=origin_ms + deaths[t.index] * MINUTE_MS if t.index in deaths else None,
            patient=t.style is not Style.GAMBLER,
        )
        for t in traders
        if t.index in capital and t.style not in VAULTS
    ]


def payments(paying: Sequence[Owner], course: Course) -> Payments:
    """Return what owners paid in and took out, in order of time per account."""
    who = np.array([owner.account for owner in paying], dtype=np.int64)
    capital = np.array([owner.capital for owner in paying], dtype=np.int64)
    began = np.array([owner.began_ms for owner in paying], dtype=np.int64)
    never = np.iinfo(np.int64).max
    ended = np.array([never if o.ended_ms is None else o.ended_ms for o in paying], dtype=np.int64)
    patient = np.array([owner.patient for owner in paying], dtype=np.bool_)
    late = MINUTE_MS + who * 7_919 % (HOUR_MS - 2 * MINUTE_MS)
    paid = capital.copy()
    found = [Payments(began - late, who, capital)]
    for row in np.flatnonzero(course.times % LOOK_MS == 0).tolist():
        now = int(course.times[row])
        worth = paid + course.profit[row, who]
        gross = course.gross[row, who]
        gone = ended <= now
        here = patient & (began <= now)
        little = here & ((worth < LITTLE * capital) | (worth < LEAST_MARGIN * gross))
        much = here & (worth > MUCH * capital) & (worth > 2 * SAFE_MARGIN * gross)
        wanted = np.maximum(capital, (SAFE_MARGIN * gross).astype(np.int64))
        kept = np.maximum((LEFT_IN * capital).astype(np.int64), wanted)
        change = np.select([gone, little, much], [-worth, wanted - worth, kept - worth], 0)
        change -= np.where(gone, 0, change % CENT)
        rows = np.flatnonzero(change)
        paid[rows] += change[rows]
        when = now + np.where(change[rows] > 0, -late[rows], late[rows])
        found.append(Payments(when, who[rows], change[rows]))
    return Payments.joined(found)
