"""A share of the subscriptions, and the connections that carry it, handed over before one expires. Pure.

Connections do not live for ever: the venue closes them with "Expired" at an age it does not tell. So
each is followed in time by a successor, and let go only when that has carried everything for a while.
What both bring in between counts once, because the trade tape knows what it has seen.
"""

from dataclasses import dataclass, field

from market_scraper.connectors.hyperliquid.session import Session, Subscription
from market_scraper.connectors.hyperliquid.suspects import Suspects
from market_scraper.connectors.hyperliquid.tape import TradeTape

OVERLAP_SECONDS = 2.0
_FIRST_RETIRES = 0.6
_LAST_RETIRES = 0.85


@dataclass(slots=True)
class Lifetime:
    """How old connections may grow, in seconds: what was set, or what the venue turned out to allow."""

    seconds: float

    def expired(self, age: float) -> None:
        """Note that the venue closed a connection of that age."""
        self.seconds = min(self.seconds, age)


@dataclass(slots=True)
class Line:
    """What is wanted, and the connections that are asked for it, the oldest first: at most two.

    Parameters
    ----------
    place
        In [0, 1]: when in a lifetime its turn is, so that lines do not hand over all at once.
    """

    tape: TradeTape
    lifetime: Lifetime
    place: float = 0.0
    wanted: dict[Subscription, None] = field(default_factory=dict)
    talks: list[Session] = field(default_factory=list)
    suspects: Suspects[Subscription] = field(default_factory=Suspects[Subscription])
    _complete_since: float | None = None

    @property
    def ready(self) -> bool:
        """Whether one connection carries everything."""
        return any(talk.open and talk.ready for talk in self.talks)

    @property
    def open(self) -> bool:
        """Whether any connection stands."""
        return any(talk.open for talk in self.talks)

    def needs_first(self) -> bool:
        """Tell whether there is no connection although there should be."""
        return bool(self.wanted) and not self.talks

    def needs_successor(self, now: float) -> bool:
        """Tell whether the only connection is old or tired."""
        if len(self.talks) != 1 or not self.talks[0].open:
            return False
        [talk] = self.talks
        age = now - talk.opened_at
        turn = _FIRST_RETIRES + (_LAST_RETIRES - _FIRST_RETIRES) * self.place
        return talk.tired is not None or age > self.lifetime.seconds * turn

    def begin(self) -> Session:
        """Return the conversation for another connection."""
        self._complete_since = None
        self.talks.append(Session(self.tape, self.wanted, self.suspects))
        return self.talks[-1]

    def ended(self, talk: Session, *, by_venue: bool) -> Subscription | None:
        """Note that the connection of `talk` is gone; return what the venue closed it for, if clear.

        That is wanted no more.
        """
        culprit = self.suspects.broke(talk.pending) if by_venue else None
        talk.closed()
        self.talks.remove(talk)
        if culprit is not None:
            self.wanted.pop(culprit, None)
        return culprit

    def relieve(self, now: float) -> None:
        """Release the older connection once the newer has carried everything for a while."""
        if len(self.talks) < 2:  # noqa: PLR2004
            return
        older, newer = self.talks
        if not (newer.open and newer.ready):
            self._complete_since = None
        elif self._complete_since is None:
            self._complete_since = now
        elif now - self._complete_since >= OVERLAP_SECONDS:
            older.released = True
