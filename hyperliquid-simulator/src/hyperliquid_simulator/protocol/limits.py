"""The venue's limits per IP address, counted in venue time and kept for tests to look at."""

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Final

from hyperliquid_simulator.config import TOTAL_USERS

MINUTE_S: Final = 60.0
WEIGHT_PER_MINUTE: Final = 1200
CONNECTIONS: Final = 10
NEW_CONNECTIONS_PER_MINUTE: Final = 30
SUBSCRIPTIONS: Final = 1000
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
    "twapHistory": 20,
    "userTwapSliceFills": 20,
    "userTwapSliceFillsByTime": 20,
    "delegatorHistory": 20,
    "delegatorRewards": 20,
    "validatorStats": 20,
    "candleSnapshot": 60,
}

Report = dict[str, dict[str, int]]


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


@dataclass(slots=True)
class Gauge:
    """How much of one limit is in use, how much ever was, and how often more was asked for."""

    limit: int
    enforced: bool = True
    now: int = 0
    peak: int = 0
    refused: int = 0

    def fits(self, amount: int = 1) -> bool:
        """Tell whether that much may be used, and count it as refused if not."""
        fitting = self.now + amount <= (self.limit if self.enforced else inf)
        self.refused += not fitting
        return fitting

    def use(self, amount: int = 1) -> None:
        """Use that much whether it fits or not."""
        self.now += amount
        self.peak = max(self.peak, self.now)

    def give(self, amount: int = 1) -> None:
        """Return what was used."""
        self.now -= amount

    def report(self) -> dict[str, int]:
        """Return the figures by name."""
        return {
            "limit": self.limit,
            "now": self.now,
            "peak": self.peak,
            "refused": self.refused,
        }


@dataclass(slots=True)
class Spent:
    """A gauge of what was used within the last minute: everything is returned a minute later."""

    gauge: Gauge
    entries: deque[tuple[float, int]] = field(default_factory=deque)

    def pass_time(self, now: float) -> None:
        """Return what was used a minute before now or earlier."""
        while self.entries and self.entries[0][0] <= now - MINUTE_S:
            self.gauge.give(self.entries.popleft()[1])

    def fits(self, now: float, amount: int = 1) -> bool:
        """Tell whether that much may be used now, and count it as refused if not."""
        self.pass_time(now)
        return self.gauge.fits(amount)

    def use(self, now: float, amount: int = 1) -> None:
        """Use that much now whether it fits or not."""
        self.pass_time(now)
        self.gauge.use(amount)
        self.entries.append((now, amount))


class Usage:
    """What one IP address uses, and why its sockets were closed."""

    def __init__(self, users: int, *, enforced: bool) -> None:
        self.weight = Spent(Gauge(WEIGHT_PER_MINUTE, enforced))
        self.opened = Spent(Gauge(NEW_CONNECTIONS_PER_MINUTE, enforced))
        self.messages = Spent(Gauge(MESSAGES_PER_MINUTE, enforced))
        self.connections = Gauge(CONNECTIONS, enforced)
        self.subscriptions = Gauge(SUBSCRIPTIONS, enforced)
        self.users = Gauge(users, enforced)
        self.posts = Gauge(POSTS_IN_FLIGHT, enforced)
        self.tracked: Counter[str] = Counter()
        self.closed: Counter[str] = Counter()

    def report(self, now: float) -> Report:
        """Return every gauge as of now, and the closed sockets by reason."""
        for spent in (self.weight, self.opened, self.messages):
            spent.pass_time(now)
        return {
            "weight": self.weight.gauge.report(),
            "connections": self.connections.report(),
            "newConnections": self.opened.gauge.report(),
            "subscriptions": self.subscriptions.report(),
            "users": self.users.report(),
            "messages": self.messages.gauge.report(),
            "posts": self.posts.report(),
            "closed": dict(self.closed),
        }


class Limits:
    """Counts per address and says what is still allowed; ``enforced=False`` only counts.

    Parameters
    ----------
    now
        Seconds of venue time, so that an accelerated venue allows as much per venue minute.
    users
        How many users an address may track, one of `TOTAL_USERS`.
    """

    def __init__(
        self, now: Callable[[], float], *, enforced: bool = True, users: int = min(TOTAL_USERS)
    ) -> None:
        self._now = now
        self._enforced = enforced
        self._users = users
        self._usage: dict[str, Usage] = {}

    def request(self, ip: str, weight: int) -> bool:
        """Charge a request; False, and nothing charged, where it does not fit any more."""
        spent, now = self._of(ip).weight, self._now()
        fits = spent.fits(now, weight)
        if fits:
            spent.use(now, weight)
        return fits

    def rows(self, ip: str, weight: int) -> None:
        """Charge what an answer turned out to hold, even beyond the limit."""
        if weight:
            self._of(ip).weight.use(self._now(), weight)

    def connect(self, ip: str) -> bool:
        """Count a new websocket connection; False where the address may not open one."""
        used, now = self._of(ip), self._now()
        fits = used.connections.fits() and used.opened.fits(now)
        if fits:
            used.connections.use()
            used.opened.use(now)
        return fits

    def disconnect(self, ip: str, reason: str | None = None) -> None:
        """Give a connection back; with a reason if it was the venue that ended it."""
        used = self._of(ip)
        used.connections.give()
        if reason:
            used.closed[reason] += 1

    def message(self, ip: str) -> bool:
        """Count a message from a client; False beyond the limit."""
        spent, now = self._of(ip).messages, self._now()
        fits = spent.fits(now)
        if fits:
            spent.use(now)
        return fits

    def subscribe(self, ip: str, user: str | None) -> str | None:
        """Count a subscription; returns the venue's complaint instead where it does not fit."""
        used = self._of(ip)
        new = user is not None and not used.tracked[user]
        if not used.subscriptions.fits():
            return f"Cannot subscribe to more than {SUBSCRIPTIONS} channels"
        if new and not used.users.fits():
            return f"Cannot track more than {TOTAL_USERS[self._users]} total users."
        used.subscriptions.use()
        if user is not None:
            used.users.use(new)
            used.tracked[user] += 1
        return None

    def unsubscribe(self, ip: str, user: str | None) -> None:
        """Give a subscription back."""
        used = self._of(ip)
        used.subscriptions.give()
        if user is not None:
            used.tracked[user] -= 1
            if not used.tracked[user]:
                del used.tracked[user]
                used.users.give()

    def post(self, ip: str) -> bool:
        """Count a websocket request in flight; False, and not counted, beyond the limit."""
        gauge = self._of(ip).posts
        fits = gauge.fits()
        if fits:
            gauge.use()
        return fits

    def posted(self, ip: str) -> None:
        """Count a websocket request as answered."""
        self._of(ip).posts.give()

    def report(self) -> dict[str, Report]:
        """Return by address what is used now, the peaks and refusals since the start."""
        return {ip: used.report(self._now()) for ip, used in self._usage.items()}

    def _of(self, ip: str) -> Usage:
        if ip not in self._usage:
            self._usage[ip] = Usage(self._users, enforced=self._enforced)
        return self._usage[ip]
