"""Who the voters are, and what others say of them."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from signal_system.weighting_engine.columns import Columns, Saved

MAX_VOTERS: Final = 1 << 16
"""Voters evidence is kept of; whoever comes later is weighed by the roster's word alone."""

FACTS: Final = ("score", "roi", "equity", "maker_share", "volume", "profit")
"""What may be told of a voter: score 0 to 100, month's return, USD, fraction, month's USD twice."""

_NAN: Final = float("nan")


class RollSnapshot(Struct):
    """Everything `Roll` is made of."""

    names: list[str]
    columns: Saved


class Roll:
    """Numbers the voters and notes what is told of them; nobody is ever struck off.

    Whoever left the roster, or lost everything, stays part of the population that skill is judged
    in: without the dead the living look better than they are.

    Examples
    --------
    >>> roll = Roll()
    >>> roll.enrol("0xa", at=0.0), roll.note(0, score=70.0), roll.columns["score"].tolist()
    (0, None, [70.0])
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}
        self.columns = Columns({"tracked": "?", "since": "f8", **dict.fromkeys(FACTS, "f8")})

    def __len__(self) -> int:
        return len(self.names)

    def number(self, name: str) -> int | None:
        """Return the number of a voter; None if it never was one."""
        return self._numbers.get(name)

    def enrol(self, name: str, at: float) -> int | None:
        """Return the number of a voter, who is one from `at` on if not before; None if full."""
        number = self._numbers.get(name)
        if number is None and len(self.names) < MAX_VOTERS:
            number = self._numbers[name] = self.columns.add(since=at, **dict.fromkeys(FACTS, _NAN))
            self.names.append(name)
        return number

    def track(self, number: int, *, tracked: bool) -> None:
        """Note whether a voter is on the roster."""
        self.columns.whole("tracked")[number] = tracked

    def note(self, number: int, **facts: float | None) -> None:
        """Note what was told of a voter: some of `FACTS`; None says nothing."""
        for name, told in facts.items():
            if told is not None:
                self.columns.whole(name)[number] = told

    def facts(self, number: int) -> Mapping[str, float | None]:
        """Return what is known of a voter."""
        known = {name: float(self.columns.whole(name)[number]) for name in FACTS}
        return {name: None if fact != fact else fact for name, fact in known.items()}  # noqa: PLR0124 -- NaN

    def snapshot(self) -> RollSnapshot:
        """Return what `restore` needs to go on from here."""
        return RollSnapshot(self.names, self.columns.saved())

    def restore(self, saved: RollSnapshot) -> None:
        """Become what `saved` was taken of; this one must be new."""
        self.names = saved.names
        self._numbers = {name: number for number, name in enumerate(saved.names)}
        self.columns.restore(saved.columns)
