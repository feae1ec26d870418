"""Whose state is asked for next."""

import heapq
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True, order=True)
class _Turn:
    rank: int
    due: float
    preference: Decimal
    address: str


@dataclass(slots=True)
class Rotation:
    """Everybody in turn, the urgent first.

    Asked-for states (a first anchor, a doubt) go before the audit; among first anchors the trader
    with the highest score goes first, in the audit the one whose turn is longest ago.

    Parameters
    ----------
    every_seconds
        How long a trader that nobody doubts is left alone, at least.
    """

    every_seconds: float
    _turns: list[_Turn] = field(default_factory=list)
    _current: dict[str, _Turn] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._current)

    def enter(self, address: str, score: Decimal) -> None:
        """Let `address` take part; its first turn is at once."""
        self._set(_Turn(0, 0.0, -score, address))

    def leave(self, address: str) -> None:
        """Forget `address`."""
        self._current.pop(address, None)

    def ask(self, address: str, due: float) -> None:
        """Ask for the state of `address` at `due`, before any audit."""
        turn = self._current.get(address)
        if turn and (turn.rank > 0 or turn.due > due):
            self._set(_Turn(0, due, turn.preference, address))

    def hasten(self, now: float) -> None:
        """Let everybody's audit be due: something happened that may concern anyone."""
        for turn in list(self._current.values()):
            if turn.rank > 0 and turn.due > now:
                self._set(_Turn(turn.rank, now, turn.preference, turn.address))

    def done(self, address: str, now: float) -> None:
        """Note that `address` had its turn."""
        turn = self._current.get(address)
        if turn:
            self._set(_Turn(1, now + self.every_seconds, turn.preference, address))

    def next(self, now: float) -> str | None:
        """Return whose turn it is, or None if nobody's has come.

        The one named is out of the rotation until `done` or `ask` is called for it.
        """
        waiting: list[_Turn] = []
        found: str | None = None
        while self._turns and found is None:
            turn = heapq.heappop(self._turns)
            if self._current.get(turn.address) is not turn:
                continue
            if turn.due > now:
                waiting.append(turn)
                if turn.rank > 0:
                    break
                continue
            found = turn.address
        for turn in waiting:
            heapq.heappush(self._turns, turn)
        return found

    def _set(self, turn: _Turn) -> None:
        self._current[turn.address] = turn
        heapq.heappush(self._turns, turn)
