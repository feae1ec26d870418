"""Who the accounts are and how they rank: flows, profiles, the daily leaderboard and the roster."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final, Literal

from hyperliquid_simulator.accounts.movements import Kind, Movement
from hyperliquid_simulator.accounts.population import Trader
from hyperliquid_simulator.coins.market import DAY_MS
from hyperliquid_simulator.episodes.rankings import LEAST_ACCOUNT_VALUE, Rankings, scored
from hyperliquid_simulator.episodes.scores import VERSION, WINDOWS
from hyperliquid_simulator.episodes.told import Told, moment, usd
from hyperliquid_simulator.past.past import Past
from hyperliquid_simulator.world.performance import Leaderboard
from shared_events.payloads import (
    AccountFlow,
    LeaderboardChunk,
    LeaderboardRow,
    Performance,
    Role,
    SnapshotPart,
    TrackedTrader,
    TraderProfile,
    Window,
)

CHUNK_ROWS: Final = 500
FLOW_DELAY_MS: Final = 2_000
RANKING_DELAY_MS: Final = 240_000
ROSTER_DELAY_MS: Final = 241_000
PROFILE_DAYS: Final = 7
UNKNOWN: Final = 50.0
_CENT: Final = Decimal("0.01")
_ROI: Final = Decimal("1E-6")

FlowKind = Literal["deposit", "withdrawal", "transfer"]
FLOWS: Final[Mapping[Kind, FlowKind]] = {
    Kind.DEPOSIT: "deposit",
    Kind.WITHDRAW: "withdrawal",
}
"""Movements from and to the world outside; every other one is a transfer."""


class People:
    """Tells who the ranked accounts are, a day at a time, the first day first."""

    def __init__(self, past: Past) -> None:
        self._past, self._people = past, past.population
        self._ranked = [t for t in self._people.traders if t.ranked]
        self._flows = _flows_by_day(past)
        self._rankings = Rankings(past)
        self._roster: dict[int, float] = {}
        self._children: defaultdict[int, tuple[str, ...]] = defaultdict(tuple)
        for trader in self._ranked:
            if trader.master is not None:
                self._children[trader.master] += (trader.address,)

    def opened(self) -> Iterator[Told]:
        """Yield the first deposits, the whole first roster and who everybody is."""
        at = self._past.origin_ms
        for movement in self._flows.pop(-1, ()):
            yield from self._flow(movement, at)
        board = self._rankings.at(at)
        listed = [t for t in self._ranked if board.value[t.index] >= LEAST_ACCOUNT_VALUE]
        for index, trader in enumerate(listed):
            part = SnapshotPart(id=moment(at).isoformat(), index=index, total=len(listed))
            yield Told(at, at, _tracked(trader, at, UNKNOWN, part))
            self._roster[trader.index] = UNKNOWN
        for trader in self._ranked:
            yield Told(at, at, self._profile(trader, at, board, windows=False))

    def day(self, day: int) -> Iterator[Told]:
        """Yield a day's flows, the ranking of its beginning, and the roster that follows from it."""
        for movement in self._flows.pop(day, ()):
            yield from self._flow(movement, movement.time + FLOW_DELAY_MS)
        if not day:
            return
        begin = self._past.origin_ms + day * DAY_MS
        board, at = self._rankings.at(begin), begin + ROSTER_DELAY_MS
        for row, window in enumerate(WINDOWS):
            yield from self._chunks(board, row, window, begin)
        yield from self._turnover(board, at)
        if day % PROFILE_DAYS == 0:
            for trader in self._ranked:
                if trader.index in self._roster:
                    yield Told(at, at, self._profile(trader, at, board, windows=True))

    def _flow(self, row: Movement, known: int) -> Iterator[Told]:
        for account in sorted(row.parties):
            trader = self._people.traders[account]
            other = row.sender if account == row.receiver else row.receiver
            if trader.ranked:
                flow = AccountFlow(
                    address=trader.address,
                    at=moment(row.time),
                    kind=FLOWS.get(row.kind, "transfer"),
                    amount=usd(row.change(account)),
                    counterparty=None if other is None else self._people.traders[other].address,
                    hash=row.hash,
                )
                yield Told(known, row.time, flow)

    def _chunks(self, board: Leaderboard, row: int, window: Window, begin: int) -> Iterator[Told]:
        profit = board.windows[row].profit
        listed = [t for t in self._ranked if board.value[t.index] > 0]
        listed.sort(key=lambda t: (-profit[t.index], t.address))
        at, total = begin + RANKING_DELAY_MS, -(-len(listed) // CHUNK_ROWS)
        for index in range(total):
            first = index * CHUNK_ROWS
            chunk = LeaderboardChunk(
                window=window,
                generation=str(begin),
                at=moment(at),
                part=SnapshotPart(id=str(begin), index=index, total=total),
                rows=_rows(board, row, listed[first : first + CHUNK_ROWS], first),
            )
            yield Told(at, at, chunk)

    def _turnover(self, board: Leaderboard, at: int) -> Iterator[Told]:
        """Yield whoever joined, left, or has another score than before."""
        score = scored(board)
        for trader in self._ranked:
            index, value = trader.index, int(board.value[trader.index])
            now = float(score[index]) if value >= LEAST_ACCOUNT_VALUE else None
            if now == self._roster.get(index):
                continue
            if now is None:
                del self._roster[index]
                yield Told(at, at, _left(trader, at, value))
            else:
                self._roster[index] = now
                yield Told(at, at, _tracked(trader, at, now))

    def _profile(
        self, trader: Trader, at: int, board: Leaderboard, *, windows: bool
    ) -> TraderProfile:
        people = self._people
        leader = people.leader(trader).address if trader in people.vaults else None
        made: Mapping[Window, Performance] = {
            window: _performance(board, row, trader.index)
            for row, window in enumerate(WINDOWS)
            if windows
        }
        return TraderProfile(
            address=trader.address,
            at=moment(at),
            role=_role(trader, is_vault=leader is not None),
            master=None if trader.master is None else people.traders[trader.master].address,
            vault_leader=leader,
            children=self._children[trader.index],
            account_value=usd(int(board.value[trader.index])),
            windows=made,
        )


def _flows_by_day(past: Past) -> dict[int, list[Movement]]:
    """Return the movements of every day in order of time; day -1 is before the first."""
    seen: set[str] = set()
    found: defaultdict[int, list[Movement]] = defaultdict(list)
    for account in range(len(past.population)):
        for row in past.movements.of(account):
            if row.hash not in seen:
                seen.add(row.hash)
                found[max((row.time - past.origin_ms) // DAY_MS, -1)].append(row)
    for rows in found.values():
        rows.sort(key=lambda row: (row.time, row.hash))
    return dict(found)


def _tracked(
    trader: Trader, at: int, score: float, part: SnapshotPart | None = None
) -> TrackedTrader:
    return TrackedTrader(
        address=trader.address,
        tracked=True,
        reason="leaderboard",
        at=moment(at),
        score=Decimal(repr(score)).quantize(_CENT),
        score_version=VERSION,
        snapshot=part,
    )


def _left(trader: Trader, at: int, value: int) -> TrackedTrader:
    reason = "small_account" if value > 0 else "no longer on the leaderboard"
    return TrackedTrader(address=trader.address, tracked=False, reason=reason, at=moment(at))


def _role(trader: Trader, *, is_vault: bool) -> Role:
    if is_vault:
        return "vault"
    return "user" if trader.master is None else "subAccount"


def _rows(
    board: Leaderboard, row: int, listed: Sequence[Trader], first: int
) -> tuple[LeaderboardRow, ...]:
    return tuple(
        LeaderboardRow(
            address=trader.address,
            rank=rank,
            account_value=usd(int(board.value[trader.index])),
            performance=_performance(board, row, trader.index),
            display_name=trader.name,
        )
        for rank, trader in enumerate(listed, start=first)
    )


def _performance(board: Leaderboard, row: int, account: int) -> Performance:
    window = board.windows[row]
    profit, capital = int(window.profit[account]), int(window.capital[account])
    roi = Decimal(profit) / capital if capital > 0 else Decimal(0)
    return Performance(
        pnl=usd(profit), roi=roi.quantize(_ROI), volume=usd(int(window.volume[account]))
    )
