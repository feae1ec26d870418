"""Whose state is asked for next."""

import heapq
from dataclasses import dataclass, field
from decimal import Decimal
from enum import IntEnum

from market_scraper.positions.anchors import BookId
from market_scraper.positions.strides import MOST_WORTH, Strides


class Lane(IntEnum):
    """Why a state is wanted, the most urgent first."""

    DOUBT = 0
    """A size may be wrong."""
    ANCHOR = 1
    """Nothing is known of the book yet."""
    AUDIT = 2
    """Nobody doubts anything; it is the book's turn."""


@dataclass(frozen=True, slots=True, order=True)
class _Turn:
    due: float
    preference: Decimal
    book: BookId
    lane: Lane


@dataclass(slots=True)
class Rotation:
    """Every book in turn, in three lanes.

    Among first anchors the trader of the highest value goes first; the audit deals out its turns by what
    they are worth (`information.worth`, `Strides`).

    Parameters
    ----------
    every_seconds
        How long a book that nobody doubts is left alone, at least.
    """

    every_seconds: float
    _audit: Strides = field(init=False)
    _lanes: dict[Lane, list[_Turn]] = field(init=False)
    _current: dict[BookId, _Turn | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._audit = Strides(self.every_seconds)
        self._lanes = {Lane.DOUBT: [], Lane.ANCHOR: []}

    def __len__(self) -> int:
        return len(self._current)

    def enter(self, book: BookId, value: Decimal) -> None:
        """Let `book` take part, if it does not; its first turn is at once."""
        if book not in self._current:
            self._set(_Turn(0.0, -value, book, Lane.ANCHOR))

    def leave(self, book: BookId) -> None:
        """Forget `book`."""
        self._current.pop(book, None)
        self._audit.leave(book)

    def doubt(self, book: BookId, due: float) -> None:
        """Ask for the state of `book` at `due`, or earlier if that was asked for already."""
        turn = self._current.get(book)
        known = turn is not None and turn.lane is Lane.DOUBT and turn.due <= due
        if book in self._current and not known:
            self._audit.leave(book)
            self._set(_Turn(due, Decimal(0), book, Lane.DOUBT))

    def hasten(self, now: float) -> None:
        """Let everybody's audit be due: something happened that may concern anyone."""
        self._audit.hasten(now)

    def done(self, book: BookId, now: float, worth: float = 1.0) -> None:
        """Note that `book` had its turn, and how much the next one is worth."""
        if book in self._current:
            self._current[book] = None
            self._audit.done(book, now, worth)

    def failed(self, book: BookId, lane: Lane, due: float) -> None:
        """Give `book` its turn again at `due`, in the lane it had it in."""
        if lane is Lane.AUDIT:
            self.done(book, due - self.every_seconds, MOST_WORTH)
        elif book in self._current:
            self._set(_Turn(due, Decimal(0), book, lane))

    def next(self, now: float, slowest: Lane = Lane.AUDIT) -> BookId | None:
        """Return whose turn it is in the lanes up to `slowest`, or None if nobody's has come.

        The one named is out of the rotation until `done`, `failed` or `doubt` is called for it.
        """
        for lane, turns in self._lanes.items():
            while lane <= slowest and turns and turns[0].due <= now:
                turn = heapq.heappop(turns)
                if self._current.get(turn.book) is turn:
                    self._current[turn.book] = None
                    return turn.book
        return self._audit.next(now) if slowest is Lane.AUDIT else None

    def _set(self, turn: _Turn) -> None:
        self._current[turn.book] = turn
        heapq.heappush(self._lanes[turn.lane], turn)
