"""The venue's limits per IP address, counted in wall time whatever the speed of the world."""

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

MINUTE_S: Final = 60.0
WEIGHT_PER_MINUTE: Final = 1200
CONNECTIONS: Final = 10
NEW_CONNECTIONS_PER_MINUTE: Final = 30
SUBSCRIPTIONS: Final = 1000
USERS: Final = 10
MESSAGES_PER_MINUTE: Final = 2000
POSTS_IN_FLIGHT: Final = 100

USUAL_WEIGHT: Final = 20
WEIGHTS: Final[Mapping[str, int]] = {
    "l2Book": 2,
    "allMids": 2,
    "clearinghouseState": 2,
    "orderStatus": 2,
    "spotClearinghouseState": 2,
    "exchangeStatus": 2,
    "userRole": 60,
}
ROWS_PER_WEIGHT: Final[Mapping[str, int]] = {
    "recentTrades": 20,
    "historicalOrders": 20,
    "userFills": 20,
    "userFillsByTime": 20,
    "fundingHistory": 20,
    "userFunding": 20,
    "userNonFundingLedgerUpdates": 20,
    "candleSnapshot": 60,
}


def base_weight(kind: str) -> int:
    """Return what a request costs before its rows are counted.

    Examples
    --------
    >>> base_weight("clearinghouseState"), base_weight("userRole"), base_weight("meta")
    (2, 60, 20)
    """
    return WEIGHTS.get(kind, USUAL_WEIGHT)


def row_weight(kind: str, rows: int) -> int:
    """Return what the rows of an answer cost on top, every started group in full.

    Examples
    --------
    >>> row_weight("userFills", 2000), row_weight("candleSnapshot", 61), row_weight("meta", 9)
    (100, 2, 0)
    """
    per = ROWS_PER_WEIGHT.get(kind)
    return -(-rows // per) if per else 0


class Window:
    """A sum over the last minute."""

    def __init__(self) -> None:
        self._entries: deque[tuple[float, int]] = deque()
        self._total = 0

    def total(self, now: float) -> int:
        """Return the sum of the minute that ends now."""
        while self._entries and self._entries[0][0] <= now - MINUTE_S:
            self._total -= self._entries.popleft()[1]
        return self._total

    def add(self, now: float, amount: int) -> None:
        """Count an amount now."""
        self._entries.append((now, amount))
        self._total += amount


@dataclass(slots=True)
class Usage:
    """What one IP address has used."""

    weight: Window = field(default_factory=Window)
    opened: Window = field(default_factory=Window)
    messages: Window = field(default_factory=Window)
    connections: int = 0
    subscriptions: int = 0
    posts: int = 0
    users: Counter[str] = field(default_factory=Counter)


class Limits:
    """Counts per address and says what is still allowed; ``enforced=False`` only counts."""

    def __init__(self, now: Callable[[], float], *, enforced: bool = True) -> None:
        self._now = now
        self._enforced = enforced
        self._usage: dict[str, Usage] = {}

    def usage(self, ip: str) -> Usage:
        """Return the counters of an address."""
        return self._usage.setdefault(ip, Usage())

    def request(self, ip: str, weight: int) -> bool:
        """Charge a request; False, and nothing charged, where it does not fit any more."""
        used, now = self.usage(ip).weight, self._now()
        if self._enforced and used.total(now) + weight > WEIGHT_PER_MINUTE:
            return False
        used.add(now, weight)
        return True

    def rows(self, ip: str, weight: int) -> None:
        """Charge what an answer turned out to hold."""
        if weight:
            self.usage(ip).weight.add(self._now(), weight)

    def connect(self, ip: str) -> bool:
        """Count a new websocket connection; False where the address may not open one."""
        used, now = self.usage(ip), self._now()
        full = used.connections >= CONNECTIONS
        hasty = used.opened.total(now) >= NEW_CONNECTIONS_PER_MINUTE
        if self._enforced and (full or hasty):
            return False
        used.opened.add(now, 1)
        used.connections += 1
        return True

    def message(self, ip: str) -> bool:
        """Count a message from a client; False beyond the limit."""
        used, now = self.usage(ip).messages, self._now()
        used.add(now, 1)
        return not self._enforced or used.total(now) <= MESSAGES_PER_MINUTE

    def subscribe(self, ip: str, user: str | None) -> str | None:
        """Count a subscription; returns the venue's complaint instead where it does not fit."""
        used = self.usage(ip)
        if self._enforced and used.subscriptions >= SUBSCRIPTIONS:
            return f"Cannot subscribe to more than {SUBSCRIPTIONS} channels"
        new = user is not None and not used.users[user]
        if self._enforced and new and len(+used.users) >= USERS:
            return f"Cannot track more than {USERS} total users."
        used.subscriptions += 1
        if user is not None:
            used.users[user] += 1
        return None

    def unsubscribe(self, ip: str, user: str | None) -> None:
        """Give a subscription back."""
        used = self.usage(ip)
        used.subscriptions -= 1
        if user is not None:
            used.users[user] -= 1
            used.users = +used.users

    def post(self, ip: str) -> bool:
        """Count a websocket request in flight; False, and not counted, beyond the limit."""
        used = self.usage(ip)
        if self._enforced and used.posts >= POSTS_IN_FLIGHT:
            return False
        used.posts += 1
        return True

    def posted(self, ip: str) -> None:
        """Count a websocket request as answered."""
        self.usage(ip).posts -= 1

    def disconnect(self, ip: str) -> None:
        """Give a connection back."""
        self.usage(ip).connections -= 1

    def report(self) -> dict[str, dict[str, int]]:
        """Return every address's counters."""
        now = self._now()
        return {
            ip: {
                "weight": used.weight.total(now),
                "connections": used.connections,
                "newConnections": used.opened.total(now),
                "subscriptions": used.subscriptions,
                "users": len(+used.users),
                "messages": used.messages.total(now),
                "posts": used.posts,
            }
            for ip, used in self._usage.items()
        }
