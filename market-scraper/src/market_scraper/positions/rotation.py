"""Whose state is asked for next."""

import heapq
from dataclasses import dataclass, field
from decimal import Decimal
from enum import IntEnum


class Lane(IntEnum):
    """Why a state is wanted, the most urgent first."""

    DOUBT = 0
    """A size may be wrong."""
    ANCHOR = 1
    """Nothing is known of the trader yet."""
    AUDIT = 2
    """Nobody doubts anything; it is the trader's turn."""


@dataclass(frozen=True, slots=True, order=True)
class _Turn:
    due: float
    preference: Decimal
    address: str
    lane: Lane


@dataclass(slots=True)
class Rotation:
    """Everybody in turn, in three lanes.

    Among first anchors the trader with the highest score goes first, in the audit the one whose turn
    is longest ago.

    Parameters
    ----------
    every_seconds
        How long a trader that nobody doubts is left alone, at least.
    """

    every_seconds: float
    _lanes: dict[Lane, list[_Turn]] = field(default_factory=lambda: {lane: [] for lane in Lane})
    _current: dict[str, _Turn] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._current)

    def enter(self, address: str, score: Decimal) -> None:
        """Let `address` take part; its first turn is at once."""
        self._set(_Turn(0.0, -score, address, Lane.ANCHOR))

    def leave(self, address: str) -> None:
        """Forget `address`."""
        self._current.pop(address, None)

    def doubt(self, address: str, due: float) -> None:
        """Ask for the state of `address` at `due`, or earlier if that was asked for already."""
        turn = self._current.get(address)
        if turn and not (turn.lane is Lane.DOUBT and turn.due <= due):
            self._set(_Turn(due, turn.preference, address, Lane.DOUBT))

    def hasten(self, now: float) -> None:
        """Let everybody's audit be due: something happened that may concern anyone."""
        for turn in list(self._current.values()):
            if turn.lane is Lane.AUDIT and turn.due > now:
                self._set(_Turn(now, turn.preference, turn.address, Lane.AUDIT))

    def done(self, address: str, now: float) -> None:
        """Note that `address` had its turn."""
        turn = self._current.get(address)
        if turn:
            self._set(_Turn(now + self.every_seconds, turn.preference, address, Lane.AUDIT))

    def failed(self, address: str, due: float) -> None:
        """Give `address` its turn again at `due`, in the same lane."""
        turn = self._current.get(address)
        if turn:
            self._set(_Turn(due, turn.preference, address, turn.lane))

    def next(self, now: float, slowest: Lane = Lane.AUDIT) -> str | None:
        """Return whose turn it is in the lanes up to `slowest`, or None if nobody's has come.

        The one named is out of the rotation until `done`, `failed` or `doubt` is called for it.
        """
        for lane, turns in self._lanes.items():
            while lane <= slowest and turns and turns[0].due <= now:
                turn = heapq.heappop(turns)
                if self._current.get(turn.address) is turn:
                    return turn.address
        return None

    def _set(self, turn: _Turn) -> None:
        self._current[turn.address] = turn
        heapq.heappush(self._lanes[turn.lane], turn)
