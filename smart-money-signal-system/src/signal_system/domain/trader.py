"""What is known of one trader, such that late and repeated news change nothing they should not."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct

from shared_events.payloads import TrackedTrader, TraderPositions, TraderProfile
from signal_system.domain.exposure import size_units


class Move(NamedTuple):
    """A size that changed, in hundred-millionths of the coin."""

    coin: str
    before: int
    after: int


class Held(NamedTuple):
    """A size, None if it is not known, and the sequence of the event that said so."""

    size: int | None
    sequence: int

    @property
    def voice(self) -> int:
        """What counts in the pool: a size that is not known has no say."""
        return self.size or 0


class Trader(Struct, kw_only=True):
    """One address: its place on the roster, its family and its book.

    The book keeps the newest word per coin: a whole book speaks about every coin, a partial one
    about those it names. So the same set of events leads to the same book in every order, and an
    event that comes back late can neither undo what followed it nor get lost.

    Attributes
    ----------
    equity, equity_at
        What the account was last said to be worth, in USD, and when.
    heard_at
        The newest moment that a known size was said to be of.
    unknown
        The coins whose size is not known.
    """

    address: str
    tracked: bool = False
    score: Decimal | None = None
    rostered_at: datetime | None = None
    profiled_at: datetime | None = None
    master: str | None = None
    children: tuple[str, ...] = ()
    equity: Decimal | None = None
    equity_at: datetime | None = None
    heard_at: datetime | None = None
    whole: int = -1
    book: dict[str, Held] = {}
    unknown: set[str] = set()

    @property
    def verified_at(self) -> datetime | None:
        """As of when the whole book is known; None if it is not."""
        return self.heard_at if self.whole >= 0 and not self.unknown else None

    def hear(self, told: TraderPositions, at: datetime) -> list[Move] | None:
        """Take the newer words of `told`, which hold as of `at`; None if it has none."""
        if told.sequence <= self.whole:
            return None
        moves = list(self._news(told))
        if told.full:
            moves += self._closed_by(told)
            self.whole = told.sequence
        elif not moves and told.positions:
            return None
        self._note_equity(told, at)
        if _says_a_size(told) and (self.heard_at is None or at > self.heard_at):
            self.heard_at = at
        return [move for move in moves if move.before != move.after]

    def enrol(self, told: TrackedTrader) -> bool:
        """Take over the roster's word on this trader; False if a newer one is known."""
        if self.rostered_at is not None and told.at < self.rostered_at:
            return False
        self.rostered_at, self.tracked, self.score = told.at, told.tracked, told.score
        return True

    def introduce(self, told: TraderProfile) -> bool:
        """Take over who decides for this trader, and for whom it does; False if it is no news."""
        if self.profiled_at is not None and told.at < self.profiled_at:
            return False
        self.profiled_at, self.children = told.at, told.children
        self.master = told.master or told.vault_leader
        return True

    def _note_equity(self, told: TraderPositions, at: datetime) -> None:
        of = told.account_value_at or at
        if told.account_value is not None and (self.equity_at is None or of > self.equity_at):
            self.equity, self.equity_at = told.account_value, of

    def _news(self, told: TraderPositions) -> Iterator[Move]:
        for position in told.positions:
            held = self.book.get(position.coin)
            if held is not None and held.sequence >= told.sequence:
                continue
            size = None if position.quality == "unknown" else size_units(position.size)
            self.book[position.coin] = now = Held(size, told.sequence)
            if size is None:
                self.unknown.add(position.coin)
            else:
                self.unknown.discard(position.coin)
            yield Move(position.coin, held.voice if held else 0, now.voice)

    def _closed_by(self, told: TraderPositions) -> Iterator[Move]:
        for coin, held in list(self.book.items()):
            if held.sequence < told.sequence:
                del self.book[coin]
                self.unknown.discard(coin)
                yield Move(coin, held.voice, 0)


def _says_a_size(told: TraderPositions) -> bool:
    sizes = told.positions
    return not sizes or any(position.quality != "unknown" for position in sizes)
