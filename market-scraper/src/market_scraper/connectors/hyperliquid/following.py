"""Everybody who is followed: their books, carried on by trades and held against states. Pure."""

from dataclasses import dataclass, field
from typing import NamedTuple

from market_scraper.connectors.hyperliquid.session import TradesSeen
from market_scraper.positions.anchors import State
from market_scraper.positions.books import Books
from market_scraper.positions.reconciliation import Verdict
from market_scraper.positions.roster import Member


class Doubted(NamedTuple):
    """Who is in doubt after some trades: because of them, or because others before them were missed."""

    by_trade: list[str]
    by_gap: list[str]


@dataclass(slots=True)
class Following:
    """The books of the roster, and how sure they are.

    Live and in a replay the same: what differs is where trades and states come from.
    """

    books: Books = field(default_factory=Books)
    members: dict[str, Member] = field(default_factory=dict)
    gaps_found: int = 0
    repairs: int = 0
    _open_gaps: set[tuple[str, str]] = field(default_factory=set)

    @property
    def gaps_closed(self) -> int:
        """How many gaps were found and have no doubt left behind."""
        return self.gaps_found - len({coin for coin, _ in self._open_gaps})

    def add(self, member: Member, since_ms: int) -> bool:
        """Follow `member` by the trades since `since_ms`; tell whether that is new."""
        known = member.address in self.members
        self.members[member.address] = member
        if not known:
            self.books.enter(member.address, since_ms)
        return not known

    def remove(self, address: str) -> None:
        """Follow `address` no more."""
        self.members.pop(address, None)
        self.books.leave(address)
        self._open_gaps = {(coin, who) for coin, who in self._open_gaps if who != address}

    def trades(self, seen: TradesSeen) -> Doubted:
        """Apply the trades of one coin; where some were missed, doubt whom that can have touched."""
        accounts, books = self.books.accounts, self.books
        by_trade = [
            address
            for trade in seen.taken.trades
            if trade.buyer in accounts or trade.seller in accounts
            for address in books.take(trade)
        ]
        from_ms = seen.taken.covered_from_ms
        by_gap = [] if from_ms is None else list(books.covered(seen.coin, from_ms))
        if seen.taken.gap:
            self.gaps_found += 1
            self._open_gaps |= {(seen.coin, address) for address in by_gap}
        return Doubted(by_trade, by_gap)

    def state(self, address: str, state: State) -> Verdict | None:
        """Hold the book of `address` against `state`; None if it is not followed any more."""
        verdict = self.books.state(address, state)
        if verdict is not None:
            self.repairs += len(verdict.moves)
            self._close_gaps(address)
        return verdict

    def _close_gaps(self, address: str) -> None:
        if self._open_gaps:
            doubts = self.books.accounts[address].doubts
            self._open_gaps = {
                (coin, who) for coin, who in self._open_gaps if who != address or coin in doubts
            }
