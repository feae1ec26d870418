"""The regime of one coin, bar by bar, by whichever rule it is given.

Bar `t` is judged by bars up to `t`; what comes later changes nothing that was said. A bar that
comes late or corrected is put in its place and everything after it judged anew.
"""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from msgspec import Struct

from signal_system.ml.standing import Sight, Standing

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
INTERVALS = {"1h": timedelta(hours=1), "4h": timedelta(hours=4), "1d": timedelta(days=1)}

LATE_BARS = 60
"""How many bars late a bar may come, or be corrected, and still count."""

Close = tuple[int, float]
"""When a bar opened, in milliseconds, and what it closed at."""

Memory = tuple[float, ...]
"""What a rule remembers from bar to bar; empty at first."""


class View(Protocol):
    """What a rule looks at, kept up bar by bar."""

    def see(self, opened_ms: int, price: float) -> Sequence[float] | None:
        """Take the next bar; return what it looks like, None while too little is known."""
        ...


class RegimeModel(Protocol):
    """A rule that names states."""

    @property
    def version(self) -> str:
        """Which numbers decide."""
        ...

    @property
    def interval(self) -> str:
        """Length of the bars it is told: a key of `INTERVALS`."""
        ...

    @property
    def kept_bars(self) -> int:
        """How many bars the view after a bar follows from."""
        ...

    @property
    def dwell_bars(self) -> int:
        """For how many bars a state must show before it is said."""
        ...

    def view(self, closes: Sequence[Close]) -> View:
        """Return the view of one who has seen `closes`."""
        ...

    def judge(self, memory: Memory, row: Sequence[float]) -> tuple[Memory, Sight]:
        """Return what to remember after `row`, and the state it looks like."""
        ...


class Mark(Struct, frozen=True, array_like=True):
    """What held after the bar that opened then."""

    opened_ms: int
    memory: Memory = ()
    standing: Standing = Standing()


class DetectorSnapshot(Struct):
    """A detector in plain values, canonical as JSON: bars, what held after the newest, revision."""

    closes: list[Close] = []
    marks: list[Mark] = []
    revision: int = 0


class MarketRegimeDetector:
    """Says the standing after every closed bar.

    Parameters
    ----------
    model
        The rule.
    saved
        A snapshot of a detector with this very model, to go on from.

    Attributes
    ----------
    revision
        How often corrections have turned the state since the newest bar came.
    """

    def __init__(self, model: RegimeModel, saved: DetectorSnapshot | None = None) -> None:
        saved = saved or DetectorSnapshot()
        self.model, self.revision = model, saved.revision
        self._closes, self._marks = list(saved.closes), list(saved.marks) or [Mark(-1)]
        self._view = model.view(self._closes)

    @classmethod
    def opened(cls, model: RegimeModel, closes: Sequence[Close]) -> "MarketRegimeDetector":
        """Return the detector of `model` after `closes`, oldest first."""
        detector = cls(model)
        for opened_ms, price in closes:
            detector.close(opened_ms, price)
        return detector

    @property
    def standing(self) -> Standing:
        """What holds after the newest bar."""
        return self._marks[-1].standing

    @property
    def closed_at(self) -> datetime:
        """When the newest bar ended."""
        bar = INTERVALS[self.model.interval]
        return EPOCH + self._marks[-1].opened_ms * MILLISECOND + bar

    @property
    def closes(self) -> Sequence[Close]:
        """The bars that are kept."""
        return self._closes

    def close(self, opened_ms: int, price: float) -> bool:
        """Take the bar that opened then and closed at `price`; False if it says nothing new."""
        if opened_ms > self._marks[-1].opened_ms:
            self._advance(opened_ms, price)
            self._closes.append((opened_ms, price))
            self.revision = 0
            self._forget()
            return True
        return opened_ms > self._marks[0].opened_ms and self._corrected(opened_ms, price)

    def snapshot(self) -> DetectorSnapshot:
        """Return what a new detector needs to go on from here."""
        return DetectorSnapshot(self._closes, self._marks, self.revision)

    def _advance(self, opened_ms: int, price: float) -> None:
        row = self._view.see(opened_ms, price)
        if row is None:
            self._marks.append(Mark(opened_ms))
            return
        last = self._marks[-1]
        memory, seen = self.model.judge(last.memory, row)
        standing = last.standing.after(seen, self.model.dwell_bars)
        self._marks.append(Mark(opened_ms, memory, standing))

    def _corrected(self, opened_ms: int, price: float) -> bool:
        """Put the bar in its place and judge it and everything after it anew."""
        place, before = bisect_left(self._closes, (opened_ms,)), self.standing.state
        replaces = place < len(self._closes) and self._closes[place][0] == opened_ms
        if replaces and self._closes[place][1] == price:
            return False
        self._closes[place : place + replaces] = [(opened_ms, price)]
        del self._marks[bisect_left(self._marks, opened_ms, key=lambda mark: mark.opened_ms) :]
        self._view = self.model.view(self._closes[:place])
        for bar in self._closes[place:]:
            self._advance(*bar)
        self.revision += self.standing.state != before
        self._forget()
        return True

    def _forget(self) -> None:
        del self._closes[: -self.model.kept_bars - LATE_BARS]
        del self._marks[: -LATE_BARS - 1]
