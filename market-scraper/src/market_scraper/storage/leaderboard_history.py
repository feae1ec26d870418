"""Every edition of the leaderboard, as it was: one row for each line that changed.

The first edition of a run is written whole. Of later ones only the lines that differ are, and a row
without an account value for whoever is no longer listed. Nobody's history is ever dropped.
"""

import asyncio
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import msgspec

from market_scraper.positions.scoring import Result, Standing
from market_scraper.storage.repository import Repository
from market_scraper.storage.tables import LEADERBOARD, SNAPSHOTS, SnapshotRow, StandingRow
from shared_events.payloads import Window

_AT_ONCE = 2_000
_CENTS = 100
_MOST = 1 << 62  # what a store's whole numbers hold; no such amount exists
_MILLIONTHS = 1_000_000
_PREFIXES: Mapping[Window, str] = {
    "day": "day",
    "week": "week",
    "month": "month",
    "allTime": "all_time",
}


class LeaderboardHistory:
    """Writes editions, and tells what any of them said.

    Parameters
    ----------
    repository
        Where the rows are.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._last: dict[str, StandingRow] | None = None

    async def keep(self, at_ms: int, generation: str, standings: Iterable[Standing]) -> int:
        """Write the edition read at `at_ms`; return how many rows that took.

        Raises
        ------
        TransientError
            If it could not be written; the next edition then says what this one would have.
        """
        lines = await asyncio.to_thread(_rows, at_ms, standings)
        before = self._last
        fresh = await asyncio.to_thread(changed, before or {}, lines, at_ms)
        for start in range(0, len(fresh), _AT_ONCE):
            await self._repository.save(LEADERBOARD, fresh[start : start + _AT_ONCE])
        snapshot = SnapshotRow(at_ms, generation, len(lines), whole=before is None)
        await self._repository.save(SNAPSHOTS, [snapshot])
        self._last = lines
        return len(fresh)

    async def as_of(self, at_ms: int) -> list[Standing] | None:
        """Return the lines of the newest edition at `at_ms`; None if there was none yet."""
        editions = await self._repository.find(SNAPSHOTS, until_ms=at_ms + 1, newest_first=True)
        begun = next((edition.at_ms for edition in editions if edition.whole), None)
        if begun is None:
            return None
        rows = await self._repository.latest(LEADERBOARD, at_ms + 1)
        return [
            standing
            for row in rows
            if row.at_ms >= begun and (standing := _standing(row)) is not None
        ]


def changed(
    before: Mapping[str, StandingRow], after: Mapping[str, StandingRow], at_ms: int
) -> list[StandingRow]:
    """Return the rows that lead from one edition to the next, by address."""
    gone = (StandingRow(address, at_ms) for address in before.keys() - after.keys())
    fresh = (
        row
        for address, row in after.items()
        if address not in before or _said(row) != _said(before[address])
    )
    return sorted((*fresh, *gone), key=lambda row: row.address)


def _rows(at_ms: int, standings: Iterable[Standing]) -> dict[str, StandingRow]:
    return {standing.address: _row(at_ms, standing) for standing in standings}


def _row(at_ms: int, standing: Standing) -> StandingRow:
    windows: dict[str, int] = {}
    for window, prefix in _PREFIXES.items():
        result = standing.results.get(window)
        if result is not None:
            windows[f"{prefix}_pnl"] = _whole(result.pnl * _CENTS)
            windows[f"{prefix}_roi"] = _whole(result.roi * _MILLIONTHS)
            windows[f"{prefix}_volume"] = _whole(result.volume)
    value = _whole(standing.account_value * _CENTS)
    return StandingRow(standing.address, at_ms, account_value=value, **windows)


def _standing(row: StandingRow) -> Standing | None:
    if row.account_value is None:
        return None
    results: dict[Window, Result] = {}
    for window, prefix in _PREFIXES.items():
        pnl, roi, volume = (getattr(row, f"{prefix}_{part}") for part in ("pnl", "roi", "volume"))
        if pnl is not None:
            results[window] = Result(
                Decimal(pnl) / _CENTS, Decimal(roi) / _MILLIONTHS, Decimal(volume)
            )
    return Standing(row.address, Decimal(row.account_value) / _CENTS, results)


def _said(row: StandingRow) -> tuple[Any, ...]:
    """Return what the leaderboard said, without when."""
    return msgspec.structs.astuple(row)[2:]


def _whole(value: Decimal) -> int:
    return max(-_MOST, min(_MOST, int(value.to_integral_value(ROUND_HALF_EVEN))))
