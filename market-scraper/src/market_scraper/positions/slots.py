"""Whose own fills are listened to: the venue has few places, the most important wallets get them.

Places change hands seldom, because each change costs a snapshot of up to 2,000 fills: an incumbent stays
for a while in any case, and afterwards until somebody is clearly more important. A wallet in doubt may
borrow a place until its fills have spoken.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import nlargest

TENURE_SECONDS = 600.0
LOAN_SECONDS = 30.0
MOST_ASKING = 64
MARGIN = 1.5
"""How many times more important somebody has to be to take an incumbent's place."""


@dataclass(slots=True)
class Slots:
    """Who holds a place, and until when those who borrowed one.

    Parameters
    ----------
    most
        How many places there are; at most half of them, and at least one, are lent.
    """

    most: int
    _since: dict[str, float] = field(default_factory=dict)
    _until: dict[str, float] = field(default_factory=dict)
    _asking: dict[str, None] = field(default_factory=dict)

    @property
    def held(self) -> frozenset[str]:
        """Who has a place."""
        return frozenset(self._since) | self._until.keys()

    @property
    def full(self) -> bool:
        """Whether every place is taken."""
        return len(self._since) + len(self._until) >= self.most

    def ask(self, address: str) -> None:
        """Ask for a place for `address`, whose book is in doubt, as soon as one can be lent."""
        if address not in self.held and len(self._asking) < MOST_ASKING:
            self._asking[address] = None

    def give_back(self, address: str) -> None:
        """End the loan of `address`: its doubt is settled."""
        self._until.pop(address, None)
        self._asking.pop(address, None)

    def leave(self, address: str) -> None:
        """Forget `address`."""
        self.give_back(address)
        self._since.pop(address, None)

    def lend(self, now: float) -> None:
        """End the loans that are over, and give what is free to whoever asked first."""
        self._until = {who: until for who, until in self._until.items() if until > now}
        for address in list(self._asking):
            if len(self._until) >= self._lent_at_most:
                break
            del self._asking[address]
            if address not in self._since:
                self._until[address] = now + LOAN_SECONDS
        self._shrink()

    def assign(self, importance: Mapping[str, float], now: float) -> None:
        """Give the places that are not lent to the most important; `importance` is of everybody eligible."""
        standing = {who: since for who, since in self._since.items() if who in importance}

        def claim(address: str) -> tuple[bool, float]:
            since = standing.get(address)
            if since is None:
                return False, importance[address]
            return now - since < TENURE_SECONDS, importance[address] * MARGIN

        wanting = [who for who in importance if who not in self._until and importance[who] > 0]
        chosen = nlargest(max(0, self.most - len(self._until)), wanting, key=claim)
        self._since = {who: standing.get(who, now) for who in chosen}

    @property
    def _lent_at_most(self) -> int:
        return max(1, self.most // 2) if self.most else 0

    def _shrink(self) -> None:
        """Let the last to come make room for loans."""
        while len(self._since) + len(self._until) > self.most:
            self._since.pop(max(self._since, key=lambda who: self._since[who]))
