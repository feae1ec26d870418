"""One trader's book on one exchange: stated by the venue, carried on by the public trades.

The venue's state and its trades come from different servers. The state's own time is the only thing
that joins them: what traded after it is added, what traded before it is in it already, and what
traded within `WINDOW_MS` of it leaves a doubt that another state has to settle. A fill of the trader's
own channel leaves none: it names the trade, and the size before it.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from operator import attrgetter
from typing import NamedTuple

from msgspec.structs import replace

from market_scraper.positions.coins import MAIN_DEX
from market_scraper.positions.ledger import Delta, Holding, apply, normal
from market_scraper.positions.numbers import ZERO
from shared_events.payloads import Quality

WINDOW_MS = 1_000
"""How far the clocks of two of the venue's servers are trusted to differ."""

KEPT_MS = 300_000
KEPT_DELTAS = 20_000
"""How long, and how many, trades of one trader are kept to carry states on."""

_MEMORY = 0.9
_ms = attrgetter("ms")


class Doubt(StrEnum):
    """Why a size may be wrong."""

    AMBIGUOUS = "ambiguous"
    """It traded too close to the state it rests on."""
    GAP = "gap"
    """Trades of the coin were missed."""
    MISMATCH = "mismatch"
    """A later state says something else."""


class BookId(NamedTuple):
    """Whose book, and on which perpetuals exchange."""

    address: str
    dex: str = MAIN_DEX


@dataclass(frozen=True, slots=True)
class Base:
    """What the size of a coin rests on: trades up to `ms` are in it.

    Of the block of `ms` itself those with `tids` are in it; None, as of a state, means that nobody
    knows which, nor how that clock compares with the trades' own.
    """

    ms: int
    tids: frozenset[int] | None = None

    @property
    def exact(self) -> bool:
        """Whether it is known of every trade on which side of it that is."""
        return self.tids is not None

    def holds(self, delta: Delta) -> bool:
        """Tell whether `delta` is in it."""
        if self.tids is not None and delta.ms == self.ms:
            return delta.tid in self.tids
        return delta.ms <= self.ms

    def blurs(self, delta: Delta) -> bool:
        """Tell whether `delta` is too close to it to be sure."""
        return self.tids is None and abs(delta.ms - self.ms) <= WINDOW_MS


@dataclass(frozen=True, slots=True)
class State:
    """What the venue said one trader holds; a coin it does not list is held at zero."""

    ms: int
    account_value: Decimal | None
    holdings: Mapping[str, Holding]

    def holding(self, coin: str) -> Holding:
        """Return the holding in `coin`."""
        return self.holdings.get(coin) or Holding(coin, ZERO)


@dataclass(frozen=True, slots=True)
class Proof:
    """What was held of one perpetual after the last block in which it was filled.

    Up to ``until_ms`` there was no later fill. ``deltas`` are the fills themselves, oldest first,
    without trades with oneself.
    """

    coin: str
    base: Base
    until_ms: int
    size: Decimal
    deltas: tuple[Delta, ...]
    liquidation: bool


@dataclass(slots=True)
class Account:
    """What we hold to be true of one trader on one exchange, and how sure we are.

    Parameters
    ----------
    address
        The trader.
    since_ms
        From when on every trade of it has been seen; a state older than that cannot be carried on.
    dex
        The perpetuals exchange; each is stated by itself.

    Attributes
    ----------
    id
        Whose book it is, and where.
    proofs
        By coin, what its own fills said last before the book was known.
    gross
        What the positions were worth together when they were last stated, in USD.
    surprises
        How often a size that nobody doubted was wrong, of late.
    """

    address: str
    since_ms: int
    dex: str = MAIN_DEX
    anchored_ms: int | None = None
    account_value: Decimal | None = None
    account_value_ms: int | None = None
    as_of_ms: int = 0
    holdings: dict[str, Holding] = field(default_factory=dict)
    doubts: dict[str, Doubt] = field(default_factory=dict)
    confirmed_ms: dict[str, int] = field(default_factory=dict)
    attempts: int = 0
    forgotten_ms: int = 0
    proofs: dict[str, Proof] = field(default_factory=dict)
    gross: Decimal | None = None
    surprises: float = 0.0
    id: BookId = field(init=False)
    _first: Base = Base(0)
    _bases: dict[str, Base] = field(default_factory=dict)
    _floor_ms: dict[str, int] = field(default_factory=dict)
    _moved: set[str] = field(default_factory=set)
    _recent: list[Delta] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.id = BookId(self.address, self.dex)

    @property
    def anchored(self) -> bool:
        """Whether the venue has stated the book at least once."""
        return self.anchored_ms is not None

    @property
    def lively(self) -> bool:
        """Whether it traded in the minutes before it was last stated, or since."""
        newest = self._recent[-1].ms if self._recent else 0
        return newest > 0 and newest >= (self.anchored_ms or 0) - KEPT_MS

    def surprised(self, times: int) -> None:
        """Note how many sizes nobody doubted were wrong; what is long ago counts less and less."""
        self.surprises = _MEMORY * self.surprises + times

    def size(self, coin: str) -> Decimal:
        """Return what is held in `coin` now."""
        held = self.holdings.get(coin)
        return held.size if held else ZERO

    def quality(self, coin: str) -> Quality:
        """Say how the size of `coin` is known."""
        if not self.anchored:
            return "unknown"
        if coin in self.doubts:
            return "suspect"
        return "derived" if coin in self._moved else "anchored"

    def take(self, delta: Delta) -> tuple[Decimal, Decimal] | None:
        """Note a trade; return the size before and after it, or None if it changed nothing.

        Before the first anchor trades are only kept, to be added to it.
        """
        self._remember(delta)
        if self.anchored_ms is None:
            return None
        coin, ms = delta.coin, delta.ms
        base = self._bases.get(coin, self._first)
        if ms <= base.ms + WINDOW_MS:
            if base.blurs(delta):
                self.doubts.setdefault(coin, Doubt.AMBIGUOUS)
            if base.holds(delta):
                return None
        before = self.holdings.get(coin) or Holding(coin, ZERO)
        after = apply(before, delta)
        self._put(after)
        self._moved.add(coin)
        self.as_of_ms = max(self.as_of_ms, ms)
        return before.size, after.size

    def rest(self, base: Base, stated: Holding) -> None:
        """Let the coin of `stated` rest on what was held at `base`, carried on by the trades after it."""
        self.settle(base, self._carried(base, stated))

    def settle(self, base: Base, held: Holding) -> None:
        """Take `held` for what is held now, and let it rest on `base`."""
        coin, before = held.coin, self.holdings.get(held.coin)
        self._bases[coin] = base
        if before and held.size and held.opened_ms is None and before.size * held.size > 0:
            held = replace(held, opened_ms=before.opened_ms)
        self._put(held)
        self._note(base, coin)
        if any(base.blurs(delta) for delta in self._since(coin, base.ms - WINDOW_MS)):
            self.doubts[coin] = Doubt.AMBIGUOUS
        else:
            self.doubts.pop(coin, None)

    def confirm(self, coin: str, state: State) -> None:
        """Take over what `state` says beyond the size of `coin`, which is known to agree."""
        base = Base(state.ms)
        stated = self._carried(base, state.holding(coin))
        self._note(base, coin)
        if stated.size == self.size(coin):
            before = self.holdings.get(coin)
            self._put(replace(stated, opened_ms=before.opened_ms if before else None))
        self.doubts.pop(coin, None)

    def carried(self, base: Base, coin: str, size: Decimal) -> Decimal:
        """Return what is held of `coin` now if that was `size` at `base`."""
        return normal(size + sum((delta.signed for delta in self._after(base, coin)), ZERO))

    def seen(self, coin: str, from_ms: int) -> set[tuple[int, int]]:
        """Return time and tid of the kept trades of `coin` from `from_ms` on."""
        return {(delta.ms, delta.tid) for delta in self._since(coin, from_ms)}

    def missed(self, coin: str, until_ms: int) -> None:
        """Note that trades of `coin` before `until_ms` were missed."""
        self._floor_ms[coin] = max(until_ms, self._floor_ms.get(coin, 0))
        self.doubts[coin] = Doubt.GAP

    def covers(self, coin: str, ms: int) -> bool:
        """Tell whether every trade of `coin` after `ms` is known."""
        return ms >= max(self.since_ms, self.forgotten_ms, self._floor_ms.get(coin, 0))

    def rests_before(self, coin: str, ms: int) -> bool:
        """Tell whether the size of `coin` rests on a state older than `ms`."""
        return self.base(coin).ms < ms

    def known_before(self, coin: str, ms: int) -> bool:
        """Tell whether the venue last said before `ms` what is held of `coin`, if it ever did."""
        return self.anchored_ms is not None and max(self.anchored_ms, self.base(coin).ms) < ms

    def deals_in(self, coin: str) -> bool:
        """Tell whether `coin` is held, or was traded lately."""
        return coin in self.holdings or any(delta.coin == coin for delta in self._recent)

    def stated(self, state: State) -> None:
        """Note that the venue stated the account as a whole."""
        if self.anchored_ms is None:
            self._first = Base(state.ms)
        self.anchored_ms = state.ms
        self.account_value, self.account_value_ms = state.account_value, state.ms
        self.gross = sum((held.notional or ZERO for held in state.holdings.values()), ZERO)
        self.as_of_ms = max(self.as_of_ms, state.ms)

    def coins(self, state: State) -> set[str]:
        """Return every coin on which `state` and the book could differ."""
        return {*self.holdings, *state.holdings, *(delta.coin for delta in self._recent)}

    def sizes_near(self, coin: str, ms: int) -> tuple[Decimal, set[Decimal]]:
        """Return the size as of `ms`, and every size held within `WINDOW_MS` of it."""
        base = self.base(coin)
        size = exact = self.size(coin)
        near = {size}
        for delta in self._since(coin, max(ms - WINDOW_MS, base.ms)):
            if base.holds(delta):
                continue
            size -= delta.signed
            if delta.ms > ms + WINDOW_MS:
                near = {size}
            else:
                near.add(size)
            if delta.ms > ms:
                exact = size
        return exact, near

    def base(self, coin: str) -> Base:
        """Return what the size of `coin` rests on."""
        return self._bases.get(coin, self._first)

    def _remember(self, delta: Delta) -> None:
        """Keep `delta` in its place by time: several connections, and replays, bring disorder."""
        recent = self._recent
        place = len(recent)
        while place and recent[place - 1].ms > delta.ms:
            place -= 1
        recent.insert(place, delta)
        oldest = recent[-1].ms - KEPT_MS
        if recent[0].ms < oldest or len(recent) > KEPT_DELTAS:
            gone = max(bisect_left(recent, oldest, key=_ms), len(recent) - KEPT_DELTAS)
            self.forgotten_ms = max(self.forgotten_ms, recent[gone - 1].ms)
            del recent[:gone]

    def _put(self, holding: Holding) -> None:
        if holding.size:
            self.holdings[holding.coin] = holding
        else:
            self.holdings.pop(holding.coin, None)

    def _carried(self, base: Base, stated: Holding) -> Holding:
        held = stated
        for delta in self._after(base, stated.coin):
            held = apply(held, delta)
        return held

    def _note(self, base: Base, coin: str) -> None:
        """Note whether `coin` was traded since `base`, at which it was certain."""
        if self._after(base, coin):
            self._moved.add(coin)
        else:
            self._moved.discard(coin)
            self.confirmed_ms[coin] = base.ms

    def _after(self, base: Base, coin: str) -> list[Delta]:
        """Return the kept trades of `coin` that are not in `base`, oldest first."""
        later = [delta for delta in self._since(coin, base.ms) if not base.holds(delta)]
        return sorted(later, key=lambda delta: (delta.ms, delta.tid))

    def _since(self, coin: str, ms: int) -> Iterator[Delta]:
        """Yield the kept trades of `coin` at or after `ms`, newest first."""
        for delta in reversed(self._recent):
            if delta.ms < ms:
                return
            if delta.coin == coin:
                yield delta
