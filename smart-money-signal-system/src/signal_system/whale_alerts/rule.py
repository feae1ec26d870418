"""What a rule of alerts is: told what happens, it finds what is worth an alert."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, NamedTuple

from msgspec import Struct

from shared_events.payloads import Position
from shared_events.types import Freshness, Side
from signal_system.domain.market import Market
from signal_system.whale_alerts.config import AlertRules
from signal_system.whale_alerts.episodes import Episode
from signal_system.whale_alerts.habits import Habit

_PERCENT = Decimal("0.0001")


class Person(NamedTuple):
    """Who moves.

    Attributes
    ----------
    entity
        Whom the address votes as: sub-accounts are not several opinions.
    equity
        USD; None if nobody told.
    habit
        How it moved before this.
    """

    address: str
    entity: str
    equity: Decimal | None
    habit: Habit


class Case(NamedTuple):
    """A move, so far, and who makes it where."""

    episode: Episode
    person: Person
    market: Market | None
    limits: AlertRules

    @property
    def share_of_equity(self) -> Decimal | None:
        """The USD moved as a part of the account's value; None if that is not known."""
        return _share(self.episode.notional, self.person.equity)

    @property
    def share_of_open_interest(self) -> Decimal | None:
        """The USD moved as a part of the coin's open interest; None if that is not known."""
        market = self.market
        if market is None or market.mark is None or market.open_interest is None:
            return None
        return _share(self.episode.notional, market.open_interest * market.mark)


class Holding(NamedTuple):
    """A position as it was last told, and what the coin costs now."""

    address: str
    position: Position
    mark: Decimal
    at: datetime


class Finding(NamedTuple):
    """What a rule found.

    Attributes
    ----------
    thread
        What it is part of: a later finding on the same thread replaces this one.
    magnitude
        How many times the threshold was reached; a thread that falls below a half is over.
    message
        A sentence.
    """

    thread: str
    magnitude: float
    message: str
    at: datetime
    case: Case | None = None
    address: str | None = None
    coin: str | None = None
    side: Side | None = None
    notional: Decimal | None = None


class Rule:
    """A rule hears of moves, of positions at new prices, and of how well everything is seen.

    Each method that a rule does not care for finds nothing.

    Attributes
    ----------
    name, version
        Stated in every alert; a rule that judges anew gets a new version.
    memory
        What it has to remember, part of the snapshot; None if nothing.
    """

    name: ClassVar[str]
    version: ClassVar[str] = "1"
    memory: Struct | None = None

    def moved(self, case: Case) -> Iterable[Finding]:
        """Judge a move that has just grown."""
        del case
        return ()

    def held(self, holding: Holding, limits: AlertRules) -> Iterable[Finding]:
        """Judge a position that was told anew, or whose coin has a new price."""
        del holding, limits
        return ()

    def seen(self, status: Freshness, now: datetime) -> Iterable[Finding]:
        """Judge how well everything is seen."""
        del status, now
        return ()


def money(amount: Decimal) -> str:
    """Return USD as people say them.

    Examples
    --------
    >>> money(Decimal(1_234_567)), money(Decimal(85_400)), money(Decimal(12))
    ('1.23 M USD', '85.4 k USD', '12 USD')
    """
    for limit, unit, digits in ((1_000_000, "M ", 2), (1_000, "k ", 1)):
        if amount >= limit:
            return f"{amount / limit:,.{digits}f} {unit}USD"
    return f"{amount:,.0f} USD"


def short(address: str) -> str:
    """Return an address as people recognise it.

    Examples
    --------
    >>> short("0x00000000000000000000000000000000000000a1")
    '0x0000..00a1'
    """
    return f"{address[:6]}..{address[-4:]}"


def _share(part: Decimal, whole: Decimal | None) -> Decimal | None:
    return (part / whole).quantize(_PERCENT) if whole is not None and whole > 0 else None


def times(part: Decimal, threshold: Decimal) -> float:
    """Return how many times `threshold` is in `part`."""
    return float(part / threshold)
