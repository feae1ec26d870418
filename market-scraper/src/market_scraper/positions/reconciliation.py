"""Hold a trader's book against what the venue says, and decide which of the two to believe."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from market_scraper.positions.anchors import Account, Doubt, State
from market_scraper.positions.moves import Move

MANY_ATTEMPTS = 5
"""After so many states in a row that settled nothing, agreement within the window is enough."""

Outcome = Literal["unusable", "anchored", "agreed", "doubted", "settled", "repaired"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a state led to.

    * ``unusable``: it is older than what we know; nothing was learned.
    * ``anchored``: the book is known for the first time.
    * ``agreed``: nothing differs; ``doubted``: something does, or is too close to call.
    * ``settled``: a doubt went away; ``repaired``: a size was wrong and is corrected.

    ``again`` asks for another state soon; ``moves`` are the corrections that were made.
    """

    outcome: Outcome
    again: bool = False
    moves: tuple[Move, ...] = ()


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
    moves = [move for coin in sorted(account.coins(state)) for move in _judge(account, state, coin)]
    account.stated(state)
    return _verdict(account, moves, doubted)


def _anchor(account: Account, state: State) -> Verdict:
    account.stated(state)
    for coin in sorted(account.coins(state)):
        account.rest(coin, state)
    return Verdict("anchored", again=bool(account.doubts))


def _judge(account: Account, state: State, coin: str) -> Iterable[Move]:
    doubt = account.doubts.get(coin)
    if doubt is Doubt.GAP and not account.covers(coin, state.ms):
        return
    stated = state.holding(coin).size
    exact, near = account.sizes_near(coin, state.ms)
    lenient = doubt is None or account.attempts >= MANY_ATTEMPTS
    if stated == exact or (lenient and stated in near):
        account.confirm(coin, state)
    elif doubt is None:
        account.doubts[coin] = Doubt.MISMATCH
    else:
        before = account.size(coin)
        account.rest(coin, state)
        if account.size(coin) != before:
            yield Move(coin, before, account.size(coin), "poll")


def _verdict(account: Account, moves: list[Move], doubted: set[str]) -> Verdict:
    account.attempts = account.attempts + 1 if account.doubts else 0
    again = bool(account.doubts)
    if moves:
        return Verdict("repaired", again, tuple(moves))
    if set(account.doubts) - doubted:
        return Verdict("doubted", again)
    return Verdict("settled" if doubted - set(account.doubts) else "agreed", again)
