"""Hold a trader's book against what the venue says, and decide which of the two to believe."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from market_scraper.positions.anchors import WINDOW_MS, Account, Base, Doubt, Proof, State
from market_scraper.positions.ledger import Delta, Holding, apply
from market_scraper.positions.moves import Move
from market_scraper.positions.numbers import ZERO

MANY_ATTEMPTS = 5
"""After so many states in a row that settled nothing, agreement within the window is enough."""

Outcome = Literal["unusable", "anchored", "agreed", "doubted", "settled", "repaired"]


@dataclass(frozen=True, slots=True)
class Audit:
    """Sizes that nobody doubted, held against the venue's: how many, and how many were wrong.

    ``notional`` is what those compared were worth in USD, ``wrong_notional`` by how much they were off; a
    size without a known price counts in neither.
    """

    sizes: int = 0
    wrong: int = 0
    notional: Decimal = ZERO
    wrong_notional: Decimal = ZERO

    @property
    def error(self) -> float | None:
        """The share of the compared sizes that were wrong; None if none was compared."""
        return self.wrong / self.sizes if self.sizes else None

    @property
    def notional_error(self) -> float | None:
        """The share of the compared notional by which we were off; None if none was compared."""
        return float(self.wrong_notional / self.notional) if self.notional else None

    def __add__(self, other: "Audit") -> "Audit":
        """Return both together."""
        return Audit(
            self.sizes + other.sizes,
            self.wrong + other.wrong,
            self.notional + other.notional,
            self.wrong_notional + other.wrong_notional,
        )


NOTHING = Audit()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a state, or a proof, led to.

    * ``unusable``: it is older than what we know; nothing was learned.
    * ``anchored``: the book is known for the first time.
    * ``agreed``: nothing differs; ``doubted``: something does, or is too close to call.
    * ``settled``: a doubt went away; ``repaired``: a size was wrong and is corrected.

    ``again`` asks for another state soon; ``moves`` are what was learned by it.
    """

    outcome: Outcome
    again: bool = False
    moves: tuple[Move, ...] = ()
    audit: Audit = NOTHING


@dataclass(frozen=True, slots=True)
class _Judged:
    move: Move | None = None
    audit: Audit = NOTHING


def reconcile(account: Account, state: State) -> Verdict:
    """Bring `account` and `state` together.

    A state is compared as of its own time. A first disagreement only raises a doubt, because the
    state may be the one that is behind; a coin already in doubt takes over what the state says.
    """
    oldest = max(account.since_ms, account.forgotten_ms, account.anchored_ms or 0)
    if state.ms < oldest:
        return Verdict("unusable", again=True)
    if not account.anchored:
        return _anchor(account, state)
    doubted = set(account.doubts)
    judged = [_judge(account, state, coin) for coin in sorted(account.coins(state))]
    account.stated(state)
    return _verdict(account, judged, doubted)


def prove(account: Account, proof: Proof) -> Verdict:
    """Let a coin of `account` rest on `proof`, if the trades since then are known.

    A fill may be told before the public trade that it is: then the book moves by it, and the trade will
    be in it already. Only what neither explains was wrong.
    """
    coin = proof.coin
    if not account.anchored:
        known = account.proofs.get(coin)
        account.proofs[coin] = max(known or proof, proof, key=lambda told: told.base.ms)
        return Verdict("unusable")
    if not account.covers(coin, proof.until_ms) or _is_old(account, proof):
        return Verdict("unusable")
    doubt, before = account.doubts.get(coin), account.size(coin)
    after, unseen = account.carried(proof.base, coin, proof.size), _unseen(account, proof)
    held = account.holdings.get(coin) or Holding(coin, ZERO)
    for delta in unseen:
        held = apply(held, delta)
    told = held.size == after
    account.settle(proof.base, held if told else _corrected(held, after))
    move = Move(coin, before, after, "user", unseen, liquidation=proof.liquidation)
    if told:
        return Verdict("settled" if doubt else "agreed", moves=(move,) if unseen else ())
    surprise = doubt is None
    audit = _audit(held, before, after, wrong=True) if surprise else NOTHING
    account.surprised(audit.wrong)
    return Verdict("repaired", again=surprise, moves=(move,), audit=audit)


def _is_old(account: Account, proof: Proof) -> bool:
    """Tell whether what the size rests on says more than `proof`.

    A state says less than a fill shortly before it: whether that is in it nobody knows.
    """
    base, told = account.base(proof.coin), proof.base
    if base.tids is not None and told.tids is not None:
        return told.tids <= base.tids if told.ms == base.ms else told.ms < base.ms
    return told.ms < base.ms - WINDOW_MS and proof.coin not in account.doubts


def _unseen(account: Account, proof: Proof) -> tuple[Delta, ...]:
    """Return the fills that the book does not hold yet: no public trade told of them so far."""
    base = account.base(proof.coin)
    fresh = [delta for delta in proof.deltas if not base.holds(delta)]
    seen = account.seen(proof.coin, fresh[0].ms) if fresh else set()
    return tuple(delta for delta in fresh if (delta.ms, delta.tid) not in seen)


def _anchor(account: Account, state: State) -> Verdict:
    account.stated(state)
    for coin in sorted(account.coins(state)):
        account.rest(Base(state.ms), state.holding(coin))
    for proof in account.proofs.values():
        prove(account, proof)
    account.proofs.clear()
    return Verdict("anchored", again=bool(account.doubts))


def _judge(account: Account, state: State, coin: str) -> _Judged:
    doubt = account.doubts.get(coin)
    if not _tells(account, state, coin):
        return _Judged()
    stated = state.holding(coin)
    exact, near = account.sizes_near(coin, state.ms)
    lenient = doubt is None or account.attempts >= MANY_ATTEMPTS
    if stated.size == exact or (lenient and stated.size in near):
        account.confirm(coin, state)
        return _Judged(audit=NOTHING if doubt else _audit(stated, exact, exact, wrong=False))
    if doubt is None:
        account.doubts[coin] = Doubt.MISMATCH
        return _Judged()
    return _overruled(account, state, stated, surprise=doubt is Doubt.MISMATCH)


def _tells(account: Account, state: State, coin: str) -> bool:
    """Tell whether `state` is newer than what we know of `coin`; clocks cannot tell it of a close fill."""
    base = account.base(coin)
    if state.ms < base.ms + (WINDOW_MS if base.exact else 0):
        return False
    return account.doubts.get(coin) is not Doubt.GAP or account.covers(coin, state.ms)


def _overruled(account: Account, state: State, stated: Holding, *, surprise: bool) -> _Judged:
    """Take over what `state` says of a coin in doubt."""
    coin = stated.coin
    before, held = account.size(coin), account.holdings.get(coin, stated)
    account.rest(Base(state.ms), stated)
    after = account.size(coin)
    if after == before:
        return _Judged()
    priced = stated if stated.mark else held
    audit = _audit(priced, before, after, wrong=True) if surprise else NOTHING
    return _Judged(Move(coin, before, after, "poll"), audit)


def _audit(held: Holding, believed: Decimal, true: Decimal, *, wrong: bool) -> Audit:
    """Return one comparison; nothing if there was nothing to compare."""
    if not believed and not true:
        return NOTHING
    price = held.mark or held.entry
    if price is None:
        return Audit(1, int(wrong))
    size = max(abs(believed), abs(true))
    return Audit(1, int(wrong), size * price, abs(believed - true) * price)


def _corrected(held: Holding, size: Decimal) -> Holding:
    """Return `held` at a size that came about unseen: at what price is not known."""
    return Holding(held.coin, size, leverage=held.leverage, margin_type=held.margin_type)


def _verdict(account: Account, judged: list[_Judged], doubted: set[str]) -> Verdict:
    account.attempts = account.attempts + 1 if account.doubts else 0
    again = bool(account.doubts)
    moves = tuple(one.move for one in judged if one.move)
    audit = sum((one.audit for one in judged), NOTHING)
    account.surprised(audit.wrong)
    if moves:
        return Verdict("repaired", again, moves, audit)
    if set(account.doubts) - doubted:
        return Verdict("doubted", again, audit=audit)
    return Verdict("settled" if doubted - set(account.doubts) else "agreed", again, audit=audit)
