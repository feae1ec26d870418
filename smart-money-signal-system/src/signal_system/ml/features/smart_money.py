"""What the tracked traders hold and do, and what holding costs.

Sums are over traders whose book is known and fresh, sampled when the bar was learned. Where less
than half of the roster is known the sums say nothing and are NaN. That such features foretell
anything is a hypothesis: the prior of their information coefficient is zero.
"""

from abc import abstractmethod
from collections import deque
from dataclasses import dataclass
from math import log
from typing import Any, ClassVar

from signal_system.ml.features.bar import Bar
from signal_system.ml.features.feature import (
    NAN,
    Column,
    Feature,
    Handle,
    History,
    Values,
    ratio,
)
from signal_system.ml.features.positioning import (
    MIN_COVERAGE,
    PROVEN_SCORE,
    WHALE_USD,
    Positioning,
)

SPANS = (1, 24)
_EVENTS = "trader_positions, tracked_traders"


@dataclass(frozen=True)
class _OfPositions(Feature):
    """Anything that is summed over cohorts: what makes a cohort is part of its definition."""

    source: ClassVar[str] = _EVENTS

    def definition(self) -> dict[str, Any]:
        """Add how traders are summed up."""
        cohorts = {"whale_usd": WHALE_USD, "proven_score": PROVEN_SCORE, "coverage": MIN_COVERAGE}
        return super().definition() | {"cohorts": cohorts}


@dataclass(frozen=True)
class NetExposure(_OfPositions):
    """Which side a cohort is on, and where it moved."""

    cohort: str
    spans: tuple[int, ...] = SPANS

    @property
    def columns(self) -> tuple[Column, ...]:
        """The level, and its change over each span."""
        name = f"net_exposure_{self.cohort}"
        level = Column(name, f"(long - short) / (long + short), {self.cohort}", "ratio", -1, 1)
        return (
            level,
            *(
                Column(f"{name}_change_{span}", f"{name} less that {span} bars ago", "ratio", -2, 2)
                for span in self.spans
            ),
        )

    @property
    def lookback(self) -> int:
        """None: what is not known yet is NaN."""
        return 0

    def open(self, history: History) -> Handle:
        """Remember the last levels of `history`."""
        return _Exposure(self.cohort, self.spans, history)


@dataclass(frozen=True)
class Crowding(_OfPositions):
    """Whether heads lean one way, and whether few hold it all."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """Two columns."""
        heads = "(traders long - traders short) / (both)"
        few = "sum of squared sizes / (long + short)²; 1: one trader holds all"
        return (
            Column("crowding", heads, "ratio", -1, 1),
            Column("concentration", few, "ratio", 0, 1),
        )

    @property
    def lookback(self) -> int:
        """The bar alone."""
        return 0

    def open(self, _: History) -> Handle:
        """Need nothing of the past."""
        return _Crowd()


@dataclass(frozen=True)
class Turnover(_OfPositions):
    """How much of what is held changed hands."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """One column."""
        formula = "traded by tracked traders during the bar / (long + short) at its end"
        return (Column("turnover", formula, "ratio", 0),)

    @property
    def lookback(self) -> int:
        """The bar alone."""
        return 0

    def open(self, _: History) -> Handle:
        """Need nothing of the past."""
        return _Traded()


@dataclass(frozen=True)
class TrackedShare(_OfPositions):
    """How much of the market the tracked traders are."""

    source: ClassVar[str] = f"{_EVENTS}, market_contexts"

    @property
    def columns(self) -> tuple[Column, ...]:
        """One column."""
        formula = "(long + short) / (2 · open interest)"
        return (Column("tracked_share", formula, "ratio", 0),)

    @property
    def lookback(self) -> int:
        """The bar alone."""
        return 0

    def open(self, _: History) -> Handle:
        """Need nothing of the past."""
        return _Share()


@dataclass(frozen=True)
class Funding(Feature):
    """What holding a long costs an hour."""

    source: ClassVar[str] = "market_contexts"

    @property
    def columns(self) -> tuple[Column, ...]:
        """One column."""
        return (Column("funding", "hourly rate, positive: longs pay", "fraction per hour"),)

    @property
    def lookback(self) -> int:
        """The bar alone."""
        return 0

    def open(self, _: History) -> Handle:
        """Need nothing of the past."""
        return _Rate()


@dataclass(frozen=True)
class OpenInterest(Feature):
    """Whether money comes or goes."""

    source: ClassVar[str] = "market_contexts"

    spans: tuple[int, ...] = SPANS

    @property
    def columns(self) -> tuple[Column, ...]:
        """One column for each span."""
        return tuple(
            Column(
                f"open_interest_change_{span}",
                f"ln(open interest / open interest {span} bars ago)",
                "ln",
            )
            for span in self.spans
        )

    @property
    def lookback(self) -> int:
        """None: what is not known yet is NaN."""
        return 0

    def open(self, history: History) -> Handle:
        """Remember the last values of `history`."""
        return _Interest(self.spans, history)


class _Sampled:
    """A handle that reads the newest bar alone."""

    @abstractmethod
    def peek(self, bar: Bar) -> Values:
        """Return what the bar says."""

    def update(self, bar: Bar) -> Values:
        """Remember nothing."""
        return self.peek(bar)


class _Remembered:
    """A handle that compares a reading of the bar with those before."""

    def __init__(self, spans: tuple[int, ...], history: History) -> None:
        longest = max(spans)
        self._spans = spans
        self._past = deque((self.reading(bar) for bar in history.bars[-longest:]), longest)

    @abstractmethod
    def reading(self, bar: Bar) -> float:
        """Return what is compared, NaN if it is not known."""

    def update(self, bar: Bar) -> Values:
        """Remember the reading."""
        values = self.peek(bar)
        self._past.append(self.reading(bar))
        return values

    @abstractmethod
    def peek(self, bar: Bar) -> Values:
        """Return what the bar says beside those before."""

    def changes(self, now: float) -> Values:
        """Return `now` less the readings before, NaN where one of the two is not known."""
        known = len(self._past)
        return tuple([now - self._past[-span] if span <= known else NAN for span in self._spans])


class _Exposure(_Remembered):
    def __init__(self, cohort: str, spans: tuple[int, ...], history: History) -> None:
        self._cohort = cohort
        super().__init__(spans, history)

    def reading(self, bar: Bar) -> float:
        stance = bar.positioning.stance(self._cohort) if bar.positioning else None
        return ratio(stance.net, stance.gross) if stance else NAN

    def peek(self, bar: Bar) -> Values:
        now = self.reading(bar)
        return now, *self.changes(now)


class _Interest(_Remembered):
    def reading(self, bar: Bar) -> float:
        interest = _open_interest(bar)
        return NAN if interest is None else log(interest)

    def peek(self, bar: Bar) -> Values:
        return self.changes(self.reading(bar))


class _Crowd(_Sampled):
    def peek(self, bar: Bar) -> Values:
        held = bar.positioning
        stance = held.stance("all") if held else None
        if held is None or stance is None:
            return NAN, NAN
        heads = ratio(stance.longs - stance.shorts, stance.longs + stance.shorts)
        return heads, ratio(held.squares, stance.gross * stance.gross)


class _Traded(_Sampled):
    def peek(self, bar: Bar) -> Values:
        held = bar.positioning
        if held is None or held.traded is None:
            return (NAN,)
        return (ratio(held.traded, _gross(held)),)


class _Share(_Sampled):
    def peek(self, bar: Bar) -> Values:
        interest = _open_interest(bar)
        if bar.positioning is None or interest is None:
            return (NAN,)
        return (_gross(bar.positioning) / (2 * interest),)


class _Rate(_Sampled):
    def peek(self, bar: Bar) -> Values:
        told = bar.context
        rate = told.funding if told else None
        return (rate if rate is not None and -1 < rate < 1 else NAN,)


def _gross(held: Positioning) -> float:
    stance = held.stance("all")
    return stance.gross if stance else NAN


def _open_interest(bar: Bar) -> float | None:
    """Return the open interest, None if it is not known or there is none."""
    told = bar.context.open_interest if bar.context else None
    return told if told is not None and told > 0 else None
