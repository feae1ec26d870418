"""What accounts earned: the leaderboard and the portfolio windows, from one set of records."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from hyperliquid_simulator.ledger import Account
from hyperliquid_simulator.market import Ints
from hyperliquid_simulator.past import Records
from hyperliquid_simulator.population import Population
from hyperliquid_simulator.wire import MICRO, dollars, noisy

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
    """Profit and volume of every account at one moment, in micro-dollars."""

    time: int
    profit: Ints
    volume: Ints


class History:
    """The records of the past, continued hour by hour."""

    def __init__(self, records: Records) -> None:
        self.times = [int(time) for time in records.time]
        self._profit = list(records.profit)
        self._volume = list(records.volume)

    def record(self, now: Standing) -> None:
        """Keep how everybody stands now."""
        self.times.append(now.time)
        self._profit.append(now.profit)
        self._volume.append(now.volume)

    def latest(self) -> Standing:
        """Return how everybody stood at the last full hour."""
        return Standing(self.times[-1], self._profit[-1], self._volume[-1])

    def leaderboard(
        self, now: Standing, population: Population, accounts: Sequence[Account]
    ) -> "Leaderboard":
        """Return the ranking of one moment, which later trades do not change."""
        windows = [(name, *self._change(now, hours)) for name, hours in WINDOWS]
        value = now.profit + np.array([account.deposited for account in accounts])
        return Leaderboard(population, value, windows)

    def portfolio(self, now: Standing, account: Account) -> list[list[Any]]:
        """Return the eight windows of one account in the venue's order."""
        windows = {name: self._window(now, account, name, hours) for name, hours in WINDOWS}
        perp = {"perp" + name[0].upper() + name[1:]: window for name, window in windows.items()}
        return [[name, window] for name, window in (windows | perp).items()]

    def _window(
        self, now: Standing, account: Account, name: str, hours: int | None
    ) -> dict[str, Any]:
        first = self._first(now.time, hours)
        rows = range(first, len(self.times))
        chosen = sorted({round(i) for i in np.linspace(first, rows[-1], POINTS[name] - 1)})
        series = [(self.times[i], int(self._profit[i][account.index])) for i in chosen]
        series = [*series, (now.time, int(now.profit[account.index]))]
        base = series[0][1]
        volume = int(now.volume[account.index] - self._volume[first][account.index])
        return {
            "accountValueHistory": [[t, dollars(account.deposited + p)] for t, p in series],
            "pnlHistory": [[t, dollars(p - base)] for t, p in series],
            "vlm": dollars(volume),
        }

    def _change(self, now: Standing, hours: int | None) -> tuple[Ints, Ints]:
        first = self._first(now.time, hours)
        return now.profit - self._profit[first], now.volume - self._volume[first]

    def _first(self, now_ms: int, hours: int | None) -> int:
        """Return the row a window begins with: the newest that is at least that old."""
        if hours is None:
            return 0
        at = int(np.searchsorted(self.times, now_ms - hours * HOUR_MS, side="right")) - 1
        return max(at, 0)


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """What every account is worth and what it earned and traded per window."""

    population: Population
    value: Ints
    windows: Sequence[tuple[str, Ints, Ints]]

    def file(self) -> dict[str, Any]:
        """Return the ranking as it is served: every ranked account, richest first."""
        order = np.argsort(-self.value, kind="stable").tolist()
        ranked = [i for i in order if self.population.traders[i].ranked]
        return {"leaderboardRows": [self._row(i) for i in ranked]}

    def _row(self, index: int) -> dict[str, Any]:
        trader, value = self.population.traders[index], int(self.value[index])
        return {
            "ethAddress": trader.address,
            "accountValue": dollars(value),
            "windowPerformances": [
                [name, _performance(value, int(profit[index]), int(volume[index]))]
                for name, profit, volume in self.windows
            ],
            "prize": 0,
            "displayName": trader.name,
        }


def _performance(value: int, profit: int, volume: int) -> dict[str, str]:
    before = value - profit
    roi = profit / before if before > 0 else 0.0
    return {
        "pnl": noisy(profit / MICRO),
        "roi": noisy(roi),
        "vlm": noisy(volume / MICRO),
    }
