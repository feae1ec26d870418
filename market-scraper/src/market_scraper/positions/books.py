"""All tracked traders' accounts, and what of them has to be told."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence, Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from operator import itemgetter

from market_scraper.moments import moment
from market_scraper.positions.anchors import Account, BookId, Proof, State
from market_scraper.positions.coins import MAIN_DEX, dex_of
from market_scraper.positions.ledger import Delta, Holding, Trade, deltas
from market_scraper.positions.moves import Move
from market_scraper.positions.numbers import ZERO
from market_scraper.positions.reconciliation import Verdict, prove, reconcile
from shared_events.payloads import Position, TraderPositions


@dataclass(slots=True)
class _Untold:
    """What of one trader was not published yet."""

    whole: bool = False
    moves: dict[str, Move] = field(default_factory=dict)
    doubted: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Books:
    """Applies trades and states, and gathers what changed until it is drained.

    Parameters
    ----------
    sequences
        The last sequence published for each trader, also in earlier runs.

    Attributes
    ----------
    accounts
        By address, the books of the venue's own exchange.
    elsewhere
        By address and exchange, the books of those that builders run: of whoever traded there.
    unsaved
        Of `sequences`, those that changed since somebody last took them.
    anchored
        How many traders' books are known.
    """

    sequences: dict[str, int] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    elsewhere: dict[str, dict[str, Account]] = field(default_factory=dict)
    untold: dict[str, _Untold] = field(default_factory=dict)
    unsaved: dict[str, int] = field(default_factory=dict)
    anchored: int = 0
    _doubtful: set[BookId] = field(default_factory=set)
    _dealers: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _missed_ms: dict[str, int] = field(default_factory=dict)
    _whole_ms: int = 0
    _dexes: set[str] = field(default_factory=set)

    @property
    def doubtful(self) -> int:
        """How many books have a size that may be wrong."""
        return len(self._doubtful)

    def __iter__(self) -> Iterator[Account]:
        """Yield every book of everybody."""
        yield from self.accounts.values()
        for books in self.elsewhere.values():
            yield from books.values()

    def account(self, book: BookId) -> Account | None:
        """Return one book; None if it is not followed, or nothing happened in it yet."""
        return self._book(book.address, book.dex)

    def of(self, address: str) -> Iterator[Account]:
        """Yield the books of one trader, the one of the main exchange first."""
        if address in self.accounts:
            yield self.accounts[address]
            yield from self.elsewhere.get(address, {}).values()

    def enter(self, address: str, since_ms: int) -> None:
        """Follow `address` from `since_ms` on."""
        self.accounts.setdefault(address, Account(address, since_ms))

    def leave(self, address: str) -> None:
        """Forget `address`."""
        for book in self.of(address):
            self._doubtful.discard(book.id)
            self.anchored -= book.anchored and book.dex == MAIN_DEX
        self.accounts.pop(address, None)
        self.elsewhere.pop(address, None)
        self.untold.pop(address, None)
        for addresses in self._dealers.values():
            addresses.discard(address)

    def take(self, trade: Trade) -> Iterator[Account]:
        """Apply `trade` to both sides; yield the books that have to be asked for because of it.

        A book of another exchange than the main one is opened by the first trade in it.
        """
        dex = dex_of(trade.coin)
        if dex is None:
            return
        for address, delta in deltas(trade):
            account = self.accounts.get(address)
            if account is None:
                continue
            if dex:
                account = self._elsewhere(account, dex, delta.ms)
            if self._apply(account, delta) or (dex and not account.anchored):
                yield account

    def covered(self, coin: str, from_ms: int) -> Iterator[Account]:
        """Note that trades of `coin` are complete only from `from_ms`; yield the books in doubt.

        Those are the traders that hold the coin or traded it lately. One of the others may have entered
        it meanwhile: until it is asked again, its next trade in the coin puts it in doubt.
        """
        self._whole_ms = max(self._whole_ms, from_ms)
        self._missed_ms[coin] = max(from_ms, self._missed_ms.get(coin, 0))
        dex = dex_of(coin) or MAIN_DEX
        self._dexes.add(dex)
        for address in sorted(self._dealers[coin]):
            account = self._book(address, dex)
            if account is None or not account.anchored or not account.rests_before(coin, from_ms):
                continue
            if account.deals_in(coin):
                account.missed(coin, from_ms)
                self._doubtful.add(account.id)
                self._of(address).doubted.add(coin)
                yield account

    def state(self, book: BookId, state: State) -> Verdict | None:
        """Hold `book` against `state`; None if it is not followed any more."""
        account = self.account(book)
        if account is None:
            return None
        if not account.anchored:
            account.since_ms = max(account.since_ms, self._whole_ms)
        return self._learned(account, lambda: reconcile(account, state))

    def proof(self, address: str, proof: Proof) -> tuple[Account, Verdict] | None:
        """Let a coin of `address` rest on `proof`; None if the trader, or the exchange, is not followed."""
        account, dex = self.accounts.get(address), dex_of(proof.coin) or MAIN_DEX
        if account is None or dex not in {MAIN_DEX, *self._dexes}:
            return None
        if dex != MAIN_DEX:
            account = self._elsewhere(account, dex, proof.base.ms)
        return account, self._learned(account, lambda: prove(account, proof))

    def _learned(self, account: Account, learn: Callable[[], Verdict]) -> Verdict:
        doubts = set(account.doubts)
        verdict = learn()
        self.anchored += verdict.outcome == "anchored" and account.dex == MAIN_DEX
        (self._doubtful.add if account.doubts else self._doubtful.discard)(account.id)
        for coin in account.holdings:
            self._dealers[coin].add(account.address)
        untold = self._of(account.address)
        untold.doubted |= set(account.doubts) - doubts
        untold.whole |= verdict.outcome in {"anchored", "settled", "repaired"}
        for move in verdict.moves:
            earlier = untold.moves.get(move.coin)
            untold.moves[move.coin] = move.after_that(earlier) if earlier else move
        return verdict

    def _apply(self, account: Account, delta: Delta) -> bool:
        """Apply one side of a trade; tell whether the size is in doubt now."""
        coin = delta.coin
        self._dealers[coin].add(account.address)
        if coin in self._missed_ms:
            self._doubt_entry(account, coin)
        sizes = account.take(delta)
        if sizes is not None:
            before, after = sizes
            moves = self._of(account.address).moves
            move = moves.get(coin)
            if move is None:
                move = moves[coin] = Move(coin, before, before, "trade")
            move.then(after, delta)
        if coin not in account.doubts:
            return False
        self._doubtful.add(account.id)
        return True

    def _doubt_entry(self, account: Account, coin: str) -> None:
        """Doubt the size of `coin` if trades of it were missed since `account` was last known."""
        missed_ms = self._missed_ms[coin]
        if account.known_before(coin, missed_ms):
            account.missed(coin, missed_ms)
            self._of(account.address).doubted.add(coin)

    def _book(self, address: str, dex: str) -> Account | None:
        if dex == MAIN_DEX:
            return self.accounts.get(address)
        return self.elsewhere.get(address, {}).get(dex)

    def _elsewhere(self, main: Account, dex: str, ms: int) -> Account:
        books = self.elsewhere.setdefault(main.address, {})
        if dex not in books:
            books[dex] = Account(main.address, ms, dex)
        return books[dex]

    def retell(self, address: str, as_of_ms: int | None) -> None:
        """Publish the whole book of `address` again, as of `as_of_ms` if that is known."""
        account = self.accounts.get(address)
        if account and account.anchored:
            account.as_of_ms = max(account.as_of_ms, as_of_ms or 0)
            self._of(address).whole = True

    def drain(self, most: int | None = None) -> list[TraderPositions]:
        """Return one event for every trader with something to tell, and forget that it was so.

        Parameters
        ----------
        most
            How many traders at most, those first whose news are oldest; None: all of them.
        """
        untold = [
            (address, self.untold.pop(address)) for address in list(islice(self.untold, most))
        ]
        events = (self._event(address, what) for address, what in untold)
        return [event for event in events if event]

    def _of(self, address: str) -> _Untold:
        untold = self.untold.get(address)
        if untold is None:
            untold = self.untold[address] = _Untold()
        return untold

    def _event(self, address: str, untold: _Untold) -> TraderPositions | None:
        account = self.accounts.get(address)
        if account is None or not account.anchored:
            return None
        changes = tuple(filter(None, (move.change() for move in untold.moves.values())))
        coins = {change.coin for change in changes} | untold.doubted
        if not untold.whole and not coins:
            return None
        known, as_of_ms = [account], account.as_of_ms
        if address in self.elsewhere:
            known += [book for book in self.elsewhere[address].values() if book.anchored]
            as_of_ms = max(book.as_of_ms for book in known)
        sequence = max(self.sequences.get(address, -1) + 1, as_of_ms)
        self.sequences[address] = self.unsaved[address] = sequence
        return TraderPositions(
            address=address,
            sequence=sequence,
            as_of=moment(as_of_ms),
            full=untold.whole,
            positions=book_of(known, None if untold.whole else coins),
            account_value=account.account_value,
            account_value_at=_moment(account.account_value_ms),
            changes=changes,
        )


def book_of(
    accounts: Sequence[Account], coins: AbstractSet[str] | None = None
) -> tuple[Position, ...]:
    """Return what one trader's `accounts` hold, in `coins` or in all, as it is published."""
    if coins is not None and len(accounts) == 1:
        return tuple(position(accounts[0], coin) for coin in sorted(coins))
    held = (
        (coin, book)
        for book in accounts
        for coin in book.holdings.keys() | book.doubts.keys() | (coins or frozenset())
        if coins is None or (coin in coins and dex_of(coin) == book.dex)
    )
    return tuple(position(book, coin) for coin, book in sorted(held, key=itemgetter(0)))


def position(account: Account, coin: str) -> Position:
    """Return what `account` holds in `coin`, as it is published."""
    held = account.holdings.get(coin) or Holding(coin, ZERO)
    return Position(
        coin=coin,
        size=held.size,
        quality=account.quality(coin),
        dex=account.dex,
        entry=held.entry,
        mark=held.mark,
        notional=held.notional,
        leverage=held.leverage,
        margin_type=held.margin_type,
        margin_used=held.margin_used,
        liquidation_price=held.liquidation_price,
        unrealised_pnl=held.unrealised_pnl,
        cum_funding=held.cum_funding,
        opened_at=_moment(held.opened_ms),
        anchored_at=_moment(account.confirmed_ms.get(coin) or account.anchored_ms),
    )


def _moment(ms: int | None) -> datetime | None:
    return None if ms is None else moment(ms)
