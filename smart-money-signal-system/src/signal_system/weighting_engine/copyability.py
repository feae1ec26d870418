"""How fast a voter must be followed: where the price stands 1, 5, 15, 60 and 300 seconds after a move.

For every move the price some seconds later is compared with the price when it was heard of, in the
direction of the move: what whoever follows that much later pays more. A delay at which no price was
heard in time tells nothing; data of one price an hour therefore leaves every delay unknown.
"""

from math import log
from typing import Final

from msgspec import Struct

from signal_system.weighting_engine.columns import Columns, Saved

DELAYS: Final = (1.0, 5.0, 15.0, 60.0, 300.0)

_MOST_WAITING = 50_000
_BASIS_POINTS = 10_000
_MEMORY_MOVES = 1_000.0  # a mean forgets what is older than about so many moves


class Trail(Struct, array_like=True):
    """A move on its way through the delays, `price` being the one it was heard of at."""

    due: float
    voter: int
    side: int
    price: float
    heard_at: float


class CopyabilitySnapshot(Struct):
    """Everything `Copyability` is made of."""

    prices: dict[str, float]
    fresh: list[tuple[str, int, int, float]]
    touched: dict[str, float]
    trails: dict[str, list[list[Trail]]]
    columns: Saved


class Copyability:
    """Means over everybody's moves, one for each delay.

    Examples
    --------
    >>> means = Copyability()
    >>> voter = means.open()
    >>> means.hear("BTC", 100.0, 0.0), means.move(voter, "BTC", 1, 0.0), means.settle()
    (None, None, None)
    >>> means.hear("BTC", 100.1, 1.0), means.settle()
    (None, None)
    >>> [each and round(each[0], 1) for each in means.curve(voter)]
    [10.0, None, None, None, None]
    """

    def __init__(self) -> None:
        self._prices: dict[str, float] = {}
        self._fresh: list[tuple[str, int, int, float]] = []
        self._touched: dict[str, float] = {}
        self._trails: dict[str, list[list[Trail]]] = {}
        self._columns = Columns(dict.fromkeys(("moves", "slip"), f"({len(DELAYS)},)f8"))

    def open(self) -> int:
        """Begin to keep means of one more voter; return its number."""
        return self._columns.add()

    def move(self, voter: int, coin: str, side: int, at: float) -> None:
        """Take note that `voter` moved to `side` (+1 or -1), as was heard at that moment."""
        self._fresh.append((coin, voter, side, at))

    def hear(self, coin: str, price: float, at: float) -> None:
        """Take a coin's price at the moment `at`, in seconds."""
        self._prices[coin], self._touched[coin] = price, at

    def settle(self) -> None:
        """Read prices off: no further one belongs to the present moment."""
        for coin, at in self._touched.items():
            trails = self._trails.get(coin)
            if trails:
                self._read(trails, self._prices[coin], at)
        self._touched.clear()
        for coin, voter, side, at in self._fresh:
            price = self._prices.get(coin)
            first = self._trails.setdefault(coin, [[] for _ in DELAYS])[0]
            if price is not None and len(first) < _MOST_WAITING:
                first.append(Trail(at + DELAYS[0], voter, side, price, at))
        self._fresh.clear()

    def curve(self, voter: int) -> list[tuple[float, float] | None]:
        """Return by delay what waiting costs in basis points, and over how many moves; None unknown."""
        moves, slip = (self._columns.whole(name)[voter].tolist() for name in ("moves", "slip"))
        return [(paid, many) if many else None for paid, many in zip(slip, moves, strict=True)]

    def snapshot(self) -> CopyabilitySnapshot:
        """Return what `restore` needs to go on from here."""
        return CopyabilitySnapshot(
            self._prices, self._fresh, self._touched, self._trails, self._columns.saved()
        )

    def restore(self, saved: CopyabilitySnapshot) -> None:
        """Become what `saved` was taken of; this one must be new."""
        self._prices, self._fresh = saved.prices, saved.fresh
        self._touched, self._trails = saved.touched, saved.trails
        self._columns.restore(saved.columns)

    def rewind(self) -> None:
        """Forget what is on its way: time goes back."""
        self._prices.clear()
        self._fresh.clear()
        self._touched.clear()
        self._trails.clear()

    def _read(self, trails: list[list[Trail]], price: float, at: float) -> None:
        """Count every move whose delay is over, and send it on to the next."""
        for place, delay in enumerate(DELAYS):
            waiting, due = trails[place], 0
            while due < len(waiting) and waiting[due].due <= at:
                due += 1
            for trail in waiting[:due]:
                if at - trail.due <= delay:
                    self._count(trail, place, price)
                if place + 1 < len(DELAYS):
                    trail.due = trail.heard_at + DELAYS[place + 1]
                    trails[place + 1].append(trail)
            del waiting[:due]

    def _count(self, trail: Trail, place: int, price: float) -> None:
        moves, slip = self._columns.whole("moves"), self._columns.whole("slip")
        paid = trail.side * log(price / trail.price) * _BASIS_POINTS
        many = moves[trail.voter, place] = min(moves[trail.voter, place] + 1, _MEMORY_MOVES)
        slip[trail.voter, place] += (paid - slip[trail.voter, place]) / many
