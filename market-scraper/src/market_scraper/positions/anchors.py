"""One trader's book: stated by the venue at one instant, carried on by the public trades.

The venue's state and its trades come from different servers. The state's own time is the only thing
that joins them: what traded after it is added, what traded before it is in it already, and what
traded within `WINDOW_MS` of it leaves a doubt that another state has to settle.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from operator import attrgetter

from msgspec.structs import replace

from market_scraper.positions.ledger import Delta, Holding, apply
from market_scraper.positions.numbers import ZERO
from shared_events.payloads import Quality

WINDOW_MS = 1_000
"""How far the clocks of two of the venue's servers are trusted to differ."""

KEPT_MS = 300_000
KEPT_DELTAS = 20_000
"""How long, and how many, trades of one trader are kept to carry states on."""

_ms = attrgetter("ms")


class Doubt(StrEnum):
    """Why a size may be wrong."""

    AMBIGUOUS = "ambiguous"
    """It traded too close to the state it rests on."""
    GAP = "gap"
    """Trades of the coin were missed."""
    MISMATCH = "mismatch"
    """A later state says something else."""


@dataclass(frozen=True, slots=True)
class State:
    """What the venue said one trader holds; a coin it does not list is held at zero."""

    ms: int
    account_value: Decimal | None
    holdings: Mapping[str, Holding]

    def holding(self, coin: str) -> Holding:
        """Return the holding in `coin`."""
        return self.holdings.get(coin) or Holding(coin, ZERO)


@dataclass(slots=True)
class Account:
    """What we hold to be true of one trader, and how sure we are.

    Parameters
    ----------
    address
        The trader.
    since_ms
        From when on every trade of it has been seen; a state older than that cannot be carried on.
    """

    address: str
    since_ms: int
    anchored_ms: int | None = None
    account_value: Decimal | None = None
    account_value_ms: int | None = None
    as_of_ms: int = 0
    holdings: dict[str, Holding] = field(default_factory=dict)
    doubts: dict[str, Doubt] = field(default_factory=dict)
    confirmed_ms: dict[str, int] = field(default_factory=dict)
    attempts: int = 0
    forgotten_ms: int = 0
    _first_ms: int = 0
    _base_ms: dict[str, int] = field(default_factory=dict)
    _floor_ms: dict[str, int] = field(default_factory=dict)
    _moved: set[str] = field(default_factory=set)
    _recent: list[Delta] = field(default_factory=list)

    @property
    def anchored(self) -> bool:
        """Whether the venue has stated the book at least once."""
        return self.anchored_ms is not None

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
        base = self._base(coin)
        if abs(ms - base) <= WINDOW_MS:
            self.doubts.setdefault(coin, Doubt.AMBIGUOUS)
        if ms <= base:
            return None
        before = self.holdings.get(coin) or Holding(coin, ZERO)
        after = apply(before, delta)
        self._put(after)
        self._moved.add(coin)
        self.as_of_ms = max(self.as_of_ms, ms)
        return before.size, after.size

    def rest(self, coin: str, state: State) -> None:
        """Let `coin` rest on `state`, carried on by the trades after it."""
        self._base_ms[coin] = state.ms
        held = self._carried(coin, state)
        before = self.holdings.get(coin)
        if before and held.size and held.opened_ms is None and before.size * held.size > 0:
            held = replace(held, opened_ms=before.opened_ms)
        self._put(held)
        close = any(True for _ in self._near(coin, state.ms))
        if close:
            self.doubts[coin] = Doubt.AMBIGUOUS
        else:
            self.doubts.pop(coin, None)

    def confirm(self, coin: str, state: State) -> None:
        """Take over what `state` says beyond the size of `coin`, which is known to agree."""
        stated = self._carried(coin, state)
        if stated.size == self.size(coin):
            before = self.holdings.get(coin)
            self._put(replace(stated, opened_ms=before.opened_ms if before else None))
        self.doubts.pop(coin, None)

    def missed(self, coin: str, until_ms: int) -> None:
        """Note that trades of `coin` before `until_ms` were missed."""
        self._floor_ms[coin] = max(until_ms, self._floor_ms.get(coin, 0))
        self.doubts[coin] = Doubt.GAP

    def covers(self, coin: str, ms: int) -> bool:
        """Tell whether every trade of `coin` after `ms` is known."""
        return ms >= self._floor_ms.get(coin, 0)

    def rests_before(self, coin: str, ms: int) -> bool:
        """Tell whether the size of `coin` rests on a state older than `ms`."""
        return self._base(coin) < ms

    def deals_in(self, coin: str) -> bool:
        """Tell whether `coin` is held, or was traded lately."""
        return coin in self.holdings or any(delta.coin == coin for delta in self._recent)

    def stated(self, state: State) -> None:
        """Note that the venue stated the account as a whole."""
        if self.anchored_ms is None:
            self._first_ms = state.ms
        self.anchored_ms = state.ms
        self.account_value, self.account_value_ms = state.account_value, state.ms
        self.as_of_ms = max(self.as_of_ms, state.ms)

    def coins(self, state: State) -> set[str]:
        """Return every coin on which `state` and the book could differ."""
        return {*self.holdings, *state.holdings, *(delta.coin for delta in self._recent)}

    def sizes_near(self, coin: str, ms: int) -> tuple[Decimal, set[Decimal]]:
        """Return the size as of `ms`, and every size held within `WINDOW_MS` of it."""
        base = self._base(coin)
        size = exact = self.size(coin)
        near = {size}
        for delta in self._since(coin, max(ms - WINDOW_MS, base + 1)):
            size -= delta.signed
            if delta.ms > ms + WINDOW_MS:
                near = {size}
            else:
                near.add(size)
            if delta.ms > ms:
                exact = size
        return exact, near

    def _base(self, coin: str) -> int:
        """Return up to when the trades of `coin` are in the state its size rests on."""
        return self._base_ms.get(coin, self._first_ms)

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

    def _carried(self, coin: str, state: State) -> Holding:
        held = state.holding(coin)
        later = sorted(self._since(coin, state.ms + 1), key=lambda d: (d.ms, d.tid))
        for delta in later:
            held = apply(held, delta)
        if later:
            self._moved.add(coin)
        else:
            self._moved.discard(coin)
            self.confirmed_ms[coin] = state.ms
        return held

    def _near(self, coin: str, ms: int) -> Iterator[Delta]:
        return (d for d in self._since(coin, ms - WINDOW_MS) if d.ms <= ms + WINDOW_MS)

    def _since(self, coin: str, ms: int) -> Iterator[Delta]:
        """Yield the kept trades of `coin` at or after `ms`, newest first."""
        for delta in reversed(self._recent):
            if delta.ms < ms:
                return
            if delta.coin == coin:
                yield delta
