"""What accounts earned: the leaderboard and the portfolio windows, from one set of records."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from hyperliquid_simulator.accounts.population import Population
from hyperliquid_simulator.coins.market import Ints
from hyperliquid_simulator.past.past import Records
from hyperliquid_simulator.wire import MICRO, dollars, noisy
from hyperliquid_simulator.world.cashbook import Cashbook

HOUR_MS: Final = 3_600_000
WINDOWS: Final[tuple[tuple[str, int | None], ...]] = (
    ("day", 24),
    ("week", 7 * 24),
    ("month", 30 * 24),
    ("allTime", None),
)
POINTS: Final = {"day": 13, "week": 64, "month": 45, "allTime": 76}


@dataclass(frozen=True, slots=True)
class Standing:
    """Profit and volume of every account, or of some, at one moment, in micro-dollars."""

    time: int
    profit: Ints
    volume: Ints


class History:
    """The records of the past, continued hour by hour, beside the book of what was paid in."""

    def __init__(self, records: Records, cashbook: Cashbook) -> None:
        self._cashbook = cashbook
        self.times = [int(time) for time in records.time]
        self._profit = list(records.profit)
        self._volume = list(records.volume)

    def add_volume(self, time: Ints, account: Ints, usd: Ints) -> None:
        """Count what accounts traded at past moments, in micro-dollars, from the next record on."""
        who, column = np.unique(account, return_inverse=True)
        extra = np.zeros((len(self.times) + 1, len(who)), dtype=np.int64)
        np.add.at(extra, (np.searchsorted(self.times, time), column), usd)
        for volume, more in zip(self._volume, np.cumsum(extra, axis=0), strict=False):
            volume[who] += more

    def record(self, now: Standing) -> None:
        """Keep how everybody stands now."""
        self.times.append(now.time)
        self._profit.append(now.profit)
        self._volume.append(now.volume)

    def latest(self) -> Standing:
        """Return how everybody stood at the last full hour."""
        return Standing(self.times[-1], self._profit[-1], self._volume[-1])

    def leaderboard(self, now: Standing, population: Population) -> "Leaderboard":
        """Return the ranking of one moment, which later trades do not change."""
        value = now.profit + self._cashbook.balances(now.time)
        windows = [self._ranked_window(now, *window) for window in WINDOWS]
        return Leaderboard(population, value, windows)

    def portfolio(self, now: Standing, accounts: Sequence[int]) -> list[list[Any]]:
        """Return the eight windows of one account, or of some as one, in the venue's order.

        ``now`` is how these accounts stand.
        """
        who = list(accounts)
        return [
            *([name, self._window(now, who, name, perp=False)] for name in POINTS),
            *([_perp(name), self._window(now, who, name, perp=True)] for name in POINTS),
        ]

    def _window(self, now: Standing, who: list[int], name: str, *, perp: bool) -> dict[str, Any]:
        first = self._first(now.time, dict(WINDOWS)[name])
        rows = range(first, len(self.times))
        chosen = sorted({round(i) for i in np.linspace(first, rows[-1], POINTS[name] - 1)})
        times = [*(self.times[i] for i in chosen), now.time]
        profit = [*(int(self._profit[i][who].sum()) for i in chosen), int(now.profit.sum())]
        received = [self._cashbook.history(account, times, perp=perp) for account in who]
        worth = [sum(parts) for parts in zip(profit, *received, strict=True)]
        volume = int(now.volume.sum() - self._volume[first][who].sum())
        return {
            "accountValueHistory": [[t, dollars(w)] for t, w in zip(times, worth, strict=True)],
            "pnlHistory": [[t, dollars(p - profit[0])] for t, p in zip(times, profit, strict=True)],
            "vlm": dollars(volume),
        }

    def _ranked_window(self, now: Standing, name: str, hours: int | None) -> "Window":
        first = self._first(now.time, hours)
        since = self.times[first]
        worth = self._profit[first] + self._cashbook.balances(since)
        return Window(
            name,
            profit=now.profit - self._profit[first],
            volume=now.volume - self._volume[first],
            capital=worth + self._cashbook.received(since, now.time),
        )

    def _first(self, now_ms: int, hours: int | None) -> int:
        """Return the row a window begins with: the newest that is at least that old."""
        if hours is None:
            return 0
        at = int(np.searchsorted(self.times, now_ms - hours * HOUR_MS, side="right")) - 1
        return max(at, 0)


def _perp(name: str) -> str:
    return "perp" + name[0].upper() + name[1:]


@dataclass(frozen=True, slots=True)
class Window:
    """What every account earned and traded in a time, and the money it could do that with.

    That is what it was worth at first and what it received later, so that a deposit is no profit
    and makes no return larger.
    """

    name: str
    profit: Ints
    volume: Ints
    capital: Ints

    def of(self, account: int) -> list[Any]:
        """Return one account's performance as the file has it."""
        profit, capital = int(self.profit[account]), int(self.capital[account])
        performance = {
            "pnl": noisy(profit / MICRO),
            "roi": noisy(profit / capital if capital > 0 else 0.0),
            "vlm": noisy(int(self.volume[account]) / MICRO),
        }
        return [self.name, performance]


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """What every account is worth and what it earned and traded per window."""

    population: Population
    value: Ints
    windows: Sequence[Window]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of the file: every ranked account, richest first."""
        for index in np.argsort(-self.value, kind="stable").tolist():
            if self.population.traders[index].ranked:
                yield self._row(index)

    def _row(self, index: int) -> dict[str, Any]:
        trader, value = self.population.traders[index], int(self.value[index])
        return {
            "ethAddress": trader.address,
            "accountValue": dollars(value),
            "windowPerformances": [window.of(index) for window in self.windows],
            "prize": 0,
            "displayName": trader.name,
        }
