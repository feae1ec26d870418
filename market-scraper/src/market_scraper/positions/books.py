"""All tracked traders' accounts, and what of them has to be told."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from market_scraper.moments import moment
from market_scraper.positions.anchors import Account, State
from market_scraper.positions.ledger import Holding, Trade, deltas
from market_scraper.positions.moves import Move
from market_scraper.positions.numbers import ZERO
from market_scraper.positions.reconciliation import Verdict, reconcile
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
    """

    sequences: dict[str, int] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    untold: dict[str, _Untold] = field(default_factory=dict)
    _dealers: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _whole_ms: int = 0

    @property
    def anchored(self) -> int:
        """How many traders' books are known."""
        return sum(account.anchored for account in self.accounts.values())

    @property
    def doubtful(self) -> int:
        """How many traders have a size that may be wrong."""
        return sum(bool(account.doubts) for account in self.accounts.values())

    def enter(self, address: str, since_ms: int) -> None:
        """Follow `address` from `since_ms` on."""
        self.accounts.setdefault(address, Account(address, since_ms))

    def leave(self, address: str) -> None:
        """Forget `address`."""
        self.accounts.pop(address, None)
        self.untold.pop(address, None)
        for addresses in self._dealers.values():
            addresses.discard(address)

    def take(self, trade: Trade) -> Iterator[str]:
        """Apply `trade` to both sides; yield the address of whoever is in doubt now."""
        for address, delta in deltas(trade):
            account = self.accounts.get(address)
            if account is None:
                continue
            self._dealers[delta.coin].add(account.address)
            sizes = account.take(delta)
            if sizes is not None:
                before, after = sizes
                moves = self._of(address).moves
                move = moves.get(delta.coin)
                if move is None:
                    move = moves[delta.coin] = Move(delta.coin, before, before, "trade")
                move.then(after, delta)
            if delta.coin in account.doubts:
                yield address

    def covered(self, coin: str, from_ms: int) -> Iterator[str]:
        """Note that trades of `coin` are complete only from `from_ms`; yield who is in doubt.

        Those are the traders that hold the coin or traded it lately; whether one of the others
        entered it meanwhile is for the audit to find out.
        """
        self._whole_ms = max(self._whole_ms, from_ms)
        for address in sorted(self._dealers[coin]):
            account = self.accounts[address]
            late = not account.anchored or not account.rests_before(coin, from_ms)
            if not late and account.deals_in(coin):
                account.missed(coin, from_ms)
                self._of(address).doubted.add(coin)
                yield address

    def state(self, address: str, state: State) -> Verdict | None:
        """Hold the account of `address` against `state`; None if it is not followed any more."""
        account = self.accounts.get(address)
        if account is None:
            return None
        if not account.anchored:
            account.since_ms = max(account.since_ms, self._whole_ms)
        doubts = set(account.doubts)
        verdict = reconcile(account, state)
        for coin in account.holdings:
            self._dealers[coin].add(account.address)
        untold = self._of(address)
        untold.doubted |= set(account.doubts) - doubts
        untold.whole |= verdict.outcome in {"anchored", "settled", "repaired"}
        for move in verdict.moves:
            earlier = untold.moves.get(move.coin)
            if earlier:
                move.before = earlier.before
            untold.moves[move.coin] = move
        return verdict

    def retell(self, address: str, as_of_ms: int | None) -> None:
        """Publish the whole book of `address` again, as of `as_of_ms` if that is known."""
        account = self.accounts.get(address)
        if account and account.anchored:
            account.as_of_ms = max(account.as_of_ms, as_of_ms or 0)
            self._of(address).whole = True

    def drain(self) -> list[TraderPositions]:
        """Return one event for every trader with something to tell, and forget that it was so."""
        untold, self.untold = self.untold, {}
        events = (self._event(address, what) for address, what in untold.items())
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
        if untold.whole:
            coins = account.holdings.keys() | account.doubts.keys()
        elif not coins:
            return None
        as_of_ms = account.as_of_ms
        sequence = max(self.sequences.get(address, -1) + 1, as_of_ms)
        self.sequences[address] = sequence
        return TraderPositions(
            address=address,
            sequence=sequence,
            as_of=moment(as_of_ms),
            full=untold.whole,
            positions=tuple(position(account, coin) for coin in sorted(coins)),
            account_value=account.account_value,
            account_value_at=_moment(account.account_value_ms),
            changes=changes,
        )


def position(account: Account, coin: str) -> Position:
    """Return what `account` holds in `coin`, as it is published."""
    held = account.holdings.get(coin) or Holding(coin, ZERO)
    return Position(
        coin=coin,
        size=held.size,
        quality=account.quality(coin),
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


def sizes(account: Account) -> Mapping[str, Decimal]:
    """Return what `account` holds by coin."""
    return {coin: held.size for coin, held in account.holdings.items()}


def _moment(ms: int | None) -> datetime | None:
    return None if ms is None else moment(ms)
