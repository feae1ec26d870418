"""Several whales that have nothing to do with each other go the same way at the same time."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec import Struct

from shared_events.types import Side
from signal_system.whale_alerts.episodes import Episode
from signal_system.whale_alerts.rule import Case, Finding, Rule, money
from signal_system.whale_alerts.rules.large_moves import large


class Joined(Struct):
    """One of those who agree: when it moved last, its present move, and the USD of those before."""

    at: datetime
    episode: str
    notional: Decimal = Decimal(0)
    earlier: Decimal = Decimal(0)

    def note(self, episode: Episode) -> None:
        """Take its move as far as it has come."""
        if episode.id != self.episode:
            self.earlier += self.notional
        self.episode, self.notional = episode.id, episode.notional
        self.at = max(self.at, episode.last_at)

    @property
    def worth(self) -> Decimal:
        """All its USD."""
        return self.earlier + self.notional


class Agreeing(Struct):
    """Those who made a large move into one side of one coin, by entity, and since when."""

    began_at: datetime
    members: dict[str, Joined] = {}


class Agreements(Struct):
    """Of every coin and side."""

    going: dict[str, Agreeing] = {}


class Agreement(Rule):
    """Independent whales on the same side within a window."""

    name = "agreement"

    def __init__(self) -> None:
        self.memory: Agreements = Agreements()

    def moved(self, case: Case) -> Iterable[Finding]:
        """Find that enough entities made a large move in this direction lately."""
        episode, limits = case.episode, case.limits
        if large(case) < 1:
            return
        window = timedelta(seconds=limits.agreement_seconds)
        key, now = f"{episode.coin}:{episode.side}", episode.last_at
        going = self.memory.going.get(key)
        if going is not None:
            going.members = {
                who: each for who, each in going.members.items() if now - each.at <= window
            }
        if going is None or not going.members:
            going = self.memory.going[key] = Agreeing(now)
        going.members.setdefault(case.person.entity, Joined(now, episode.id)).note(episode)
        yield _finding(key, going, case, episode.side)


def _finding(key: str, going: Agreeing, case: Case, side: Side) -> Finding:
    count = len(going.members)
    worth = sum((each.worth for each in going.members.values()), Decimal(0))
    minutes = round(case.limits.agreement_seconds / 60)
    verb = "bought" if side == "buy" else "sold"
    coin = case.episode.coin
    return Finding(
        thread=f"agreement:{key}:{round(going.began_at.timestamp() * 1000)}",
        magnitude=count / case.limits.agreeing,
        message=f"{count} independent whales {verb} {money(worth)} of {coin} within {minutes} min",
        at=case.episode.last_at,
        coin=coin,
        side=side,
        notional=worth,
    )
