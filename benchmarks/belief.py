"""What a consumer of `trader_positions` believes, and how much of it is true."""

from collections.abc import Collection, Sequence, Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from benchmarks.stepped import Books

from shared_events.envelope import StandardEvent
from shared_events.payloads import Position, TraderPositions

KNOWN = frozenset({"anchored", "derived"})
ZERO = Decimal(0)

Where = tuple[str, str]
"""A trader and a coin."""


@dataclass
class Belief:
    """A publisher that reads along: every trader's book as the events tell it."""

    books: dict[str, dict[str, Position]] = field(default_factory=dict)
    anchored: dict[str, None] = field(default_factory=dict)
    events: int = 0

    async def publish(self, events: Sequence[StandardEvent[Any]]) -> None:
        """Believe `events`."""
        for event in events:
            self.events += 1
            if isinstance(event.data, TraderPositions):
                self._take(event.data)

    async def ping(self) -> None:
        """Answer: it is always there."""

    def _take(self, told: TraderPositions) -> None:
        book = {} if told.full else self.books.get(told.address, {})
        book |= {held.coin: held for held in told.positions}
        self.books[told.address] = {
            coin: held for coin, held in book.items() if held.size or held.quality not in KNOWN
        }
        self.anchored[told.address] = None


@dataclass(frozen=True)
class Verdict:
    """How many positions are believed without doubt or are really held, and which of them are wrong.

    ``unseen`` counts those entered among trades that were proven to be missed, by traders that had not
    dealt in the coin and were not asked since: until then nobody can know.
    """

    positions: int
    wrong: dict[Where, str]
    unseen: int

    @property
    def share_right(self) -> float:
        """In [0, 1]."""
        return 1 - len(self.wrong) / max(self.positions, 1)


@dataclass
class Excuses:
    """Why a position may be wrong for a while."""

    hidden: dict[Where, datetime] = field(default_factory=dict)
    """Those that changed without a trade, and when: until the venue was asked after that."""
    missed: dict[str, datetime] = field(default_factory=dict)
    """Until when trades of a coin were missed, and that was noticed."""
    asked: dict[str, datetime] = field(default_factory=dict)
    """As of when the venue last stated each trader's book."""


def judge(
    belief: Belief,
    truth: Books,
    tracked: Collection[str],
    coins: AbstractSet[str],
    excuses: Excuses,
) -> Verdict:
    """Compare what is believed of `tracked` with the `truth`, as of the same moment, in `coins`."""
    positions = unseen = 0
    wrong: dict[Where, str] = {}
    for address in tracked:
        book = belief.books.get(address)
        if book is None:
            continue
        held = truth[address]
        for coin in (book.keys() | held.keys()) & coins:
            known = book.get(coin)
            if known is not None and known.quality not in KNOWN:
                continue
            positions += 1
            believed = known.size if known else ZERO
            if believed == held.get(coin, ZERO):
                continue
            stated = known.anchored_at if known else excuses.asked.get(address)
            if _before(stated, excuses.hidden.get((address, coin))):
                continue
            if known is None and _before(stated, excuses.missed.get(coin)):
                unseen += 1
                continue
            wrong[address, coin] = f"believed {believed}, is {held.get(coin, ZERO)}"
    return Verdict(positions, wrong, unseen)


def _before(stated: datetime | None, happened: datetime | None) -> bool:
    return happened is not None and (stated is None or stated <= happened)
