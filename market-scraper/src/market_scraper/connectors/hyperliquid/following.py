"""Everybody who is followed: their books, carried on by trades and held against states. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from market_scraper.connectors.hyperliquid.parse_history import OwnFills
from market_scraper.connectors.hyperliquid.session import TradesSeen
from market_scraper.moments import milliseconds
from market_scraper.positions.anchors import Account, BookId, State
from market_scraper.positions.books import Books
from market_scraper.positions.coins import MAIN_DEX, dex_of
from market_scraper.positions.completeness import MINUTE_MS, Completeness, Count
from market_scraper.positions.fills import FillNews, proofs
from market_scraper.positions.numbers import ZERO
from market_scraper.positions.reconciliation import NOTHING, Audit, Verdict
from market_scraper.positions.roster import Member
from shared_events.payloads import Candle, TraderFill

SNAPSHOT_LAG_MS = 5_000
"""How far the server that takes a snapshot is trusted to be behind."""


class Doubted(NamedTuple):
    """Which books have to be asked for after some trades, and whether others before them were missed.

    By a trade too close to what its book rests on, or the first in a book; by trades that were missed.
    """

    by_trade: list[Account]
    by_gap: list[Account]
    gap: bool


@dataclass(slots=True)
class Following:
    """The books of the roster, and how sure they are.

    Live and in a replay the same: what differs is where trades, states and fills come from.

    Attributes
    ----------
    weight, known_weight
        The scores of everybody together, and of those whose book is known.
    """

    books: Books = field(default_factory=Books)
    members: dict[str, Member] = field(default_factory=dict)
    gaps_found: int = 0
    repairs: int = 0
    audit: Audit = NOTHING
    completeness: Completeness = field(default_factory=Completeness)
    _fill_news: FillNews = field(default_factory=FillNews)
    _known_since: dict[str, int] = field(default_factory=dict)
    weight: Decimal = ZERO
    known_weight: Decimal = ZERO
    _open_gaps: dict[BookId, set[str]] = field(default_factory=dict)
    _gaping: Counter[str] = field(default_factory=Counter)

    @property
    def gaps_closed(self) -> int:
        """How many gaps were found and have no doubt left behind."""
        return self.gaps_found - len(self._gaping)

    def add(self, member: Member, since_ms: int) -> bool:
        """Follow `member` by the trades since `since_ms`; tell whether that is new."""
        before = self.members.get(member.address)
        self._weigh(before, -1)
        self.members[member.address] = member
        if before is None:
            self.books.enter(member.address, since_ms)
        self._weigh(member, 1)
        return before is None

    def remove(self, address: str) -> None:
        """Follow `address` no more."""
        for book in self.books.of(address):
            for coin in self._open_gaps.pop(book.id, ()):
                self._close(coin)
        self._weigh(self.members.pop(address, None), -1)
        self.books.leave(address)

    def trades(self, seen: TradesSeen) -> Doubted:
        """Apply the trades of one coin; where some were missed, doubt whom that can have touched."""
        accounts, books = self.books.accounts, self.books
        self.completeness.saw(seen.coin, seen.taken.trades, seen.taken.covered_from_ms)
        by_trade = [
            account
            for trade in seen.taken.trades
            if trade.buyer in accounts or trade.seller in accounts
            for account in books.take(trade)
        ]
        from_ms = seen.taken.covered_from_ms
        if from_ms is None:
            return Doubted(by_trade, [], gap=False)
        by_gap = list(books.covered(seen.coin, from_ms))
        gap = seen.taken.gap or self._began_unseen(seen.coin, from_ms)
        if gap:
            self._found(seen.coin, by_gap)
        return Doubted(by_trade, by_gap, gap)

    def missed(self, coin: str, until_ms: int) -> list[Account]:
        """Note that trades of `coin` before `until_ms` were missed; return the books in doubt."""
        doubted = list(self.books.covered(coin, until_ms))
        self._found(coin, doubted)
        return doubted

    def candle(self, candle: Candle, now_ms: int) -> list[tuple[int, list[Account]]]:
        """Hold the trades seen against a one-minute candle, as it stands at `now_ms`.

        Returns until when trades turn out to be missing, and the books in doubt.
        """
        count = Count(candle.trades, candle.volume)
        open_ms = milliseconds(candle.open_time)
        minutes = self.completeness.told(candle.coin, open_ms, count, now_ms)
        ends = [minute + MINUTE_MS for minute in minutes]
        return [(until_ms, self.missed(candle.coin, until_ms)) for until_ms in ends]

    def ended(self, coin: str, ms: int) -> list[Account]:
        """Note that `coin` was delisted by `ms`, and settled; return the books that held it."""
        return list(self.books.covered(coin, ms))

    def state(self, address: str, state: State, dex: str = MAIN_DEX) -> Verdict | None:
        """Hold a book of `address` against `state`; None if it is not followed any more."""
        verdict = self.books.state(BookId(address, dex), state)
        if verdict is not None:
            self._learned(BookId(address, dex), verdict)
        return verdict

    def fills(
        self, address: str, fills: Sequence[TraderFill], until_ms: int = 0
    ) -> list[tuple[Account, Verdict]]:
        """Let the books of `address` rest on its own `fills`, all there were until `until_ms`.

        Returns what was learned, by book.
        """
        learned = []
        for proof in proofs(fills, until_ms):
            found = self.books.proof(address, proof)
            if found is not None:
                account, verdict = found
                self._learned(account.id, verdict)
                learned.append(found)
        return learned

    def told(
        self, own: OwnFills, now_ms: int
    ) -> tuple[list[tuple[Account, Verdict]], list[TraderFill]]:
        """Take what a trader's own channel told at `now_ms`; return what was learned, and what is news."""
        if own.address not in self.members:
            return [], []
        until_ms = now_ms - SNAPSHOT_LAG_MS if own.snapshot else 0
        news = self._fill_news.take(own.address, own.fills)
        return self.fills(own.address, own.fills, until_ms), news

    def _began_unseen(self, coin: str, from_ms: int) -> bool:
        """Tell whether `coin` traded before it was followed, when books were known already."""
        known_since = self._known_since.get(dex_of(coin) or MAIN_DEX)
        return known_since is not None and known_since < from_ms

    def _learned(self, book: BookId, verdict: Verdict) -> None:
        account = self.books.account(book)
        if verdict.outcome == "anchored" and account and account.anchored_ms is not None:
            self._known_since.setdefault(book.dex, account.anchored_ms)
            if book.dex == MAIN_DEX:
                self.known_weight += self.members[book.address].score
        self.audit += verdict.audit
        if verdict.outcome == "repaired":
            self.repairs += len(verdict.moves)
        self._close_gaps(book)

    def _found(self, coin: str, doubted: Iterable[Account]) -> None:
        self.gaps_found += 1
        for account in doubted:
            coins = self._open_gaps.setdefault(account.id, set())
            if coin not in coins:
                coins.add(coin)
                self._gaping[coin] += 1

    def _close_gaps(self, book: BookId) -> None:
        coins, account = self._open_gaps.get(book), self.books.account(book)
        if coins is None or account is None:
            return
        for coin in [coin for coin in coins if coin not in account.doubts]:
            coins.discard(coin)
            self._close(coin)
        if not coins:
            del self._open_gaps[book]

    def _close(self, coin: str) -> None:
        self._gaping[coin] -= 1
        if not self._gaping[coin]:
            del self._gaping[coin]

    def _weigh(self, member: Member | None, sign: int) -> None:
        """Add the score of `member` to what it counts in, or take it out again."""
        if member is not None:
            self.weight += sign * member.score
            account = self.books.accounts.get(member.address)
            if account is not None and account.anchored:
                self.known_weight += sign * member.score
