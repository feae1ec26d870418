"""What a websocket channel is: what it opens with, what a block makes it send, how often."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import numpy as np

from hyperliquid_simulator.accounts.movements import Movement
from hyperliquid_simulator.accounts.trades import Charge, Fill, Trade
from hyperliquid_simulator.protocol.subscriptions import Subscription
from hyperliquid_simulator.world.world import Block, World


@dataclass(frozen=True, slots=True)
class Digest:
    """One block, sorted for subscribers."""

    block: Block
    trades: Mapping[int, Sequence[Trade]]
    fills: Mapping[int, Sequence[Fill]]
    movements: Mapping[int, Sequence[Movement]]


def digest(block: Block) -> Digest:
    """Sort a block's trades by coin, its fills and movements of money by account."""
    trades = defaultdict[int, list[Trade]](list)
    for row in block.trades:
        trades[row.coin].append(row)
    fills = defaultdict[int, list[Fill]](list)
    for account, fill in block.fills:
        fills[account].append(fill)
    movements = defaultdict[int, list[Movement]](list)
    for moved in block.movements:
        for account in moved.parties:
            movements[account].append(moved)
    return Digest(block, trades, fills, movements)


@dataclass(slots=True)
class Feed:
    """What a channel remembers about one subscription, shared by all who have it."""

    subscription: Subscription
    sent_at: float = 0.0
    last: Any = field(default=None)


@dataclass(frozen=True, slots=True)
class Asked:
    """A subscription in the world as it is."""

    world: World
    feed: Feed

    @property
    def subscription(self) -> Subscription:
        """What was subscribed to."""
        return self.feed.subscription

    @property
    def coin(self) -> int:
        """The coin it is about."""
        return self.world.coin_index[self.subscription["coin"]]

    @property
    def trader(self) -> int | None:
        """The account it is about, None for an address that never traded."""
        found = self.world.population.by_address.get(self.subscription["user"])
        return found.index if found else None


@dataclass(frozen=True, slots=True)
class News:
    """A block, seen by one subscription."""

    asked: Asked
    seen: Digest

    @property
    def feed(self) -> Feed:
        """What the channel remembers."""
        return self.asked.feed

    @property
    def charges(self) -> list[Charge]:
        """The funding the account it is about paid since the feed last looked, oldest first."""
        trader, since = self.asked.trader, self.feed.sent_at
        self.feed.sent_at = self.seen.block.time
        if trader is None:
            return []
        return self.asked.world.ledger.charges.of(trader, since)

    @property
    def fills(self) -> Sequence[Fill]:
        """What the account it is about traded in the block, in execution order."""
        trader = self.asked.trader
        return () if trader is None else self.seen.fills.get(trader, ())

    @property
    def movements(self) -> Sequence[Movement]:
        """The money the account it is about moved in the block without a trade."""
        trader = self.asked.trader
        return () if trader is None else self.seen.movements.get(trader, ())


def every(milliseconds: float) -> Callable[[Feed], float]:
    """Return the pace of a channel that waits the same time before every frame."""
    return lambda _feed: milliseconds


def wandering(quantiles: Sequence[tuple[float, float]]) -> Callable[[Feed], float]:
    """Return a pace whose waits spread: (share of the waits, milliseconds), both rising."""
    shares, waits = zip(*quantiles, strict=True)

    def pace(feed: Feed) -> float:
        drawn = _share(b"%s %d" % (feed.subscription.type.encode(), feed.sent_at))
        return float(np.interp(drawn, shares, waits))

    return pace


@dataclass(frozen=True, slots=True)
class Channel:
    """A kind of subscription; ``parameters`` in the order of the echo.

    ``opening`` is the data right after the acknowledgement. Later data is what ``update`` makes of
    a block, one frame each, or without an ``update`` the opening again at its pace. With a
    ``pace_ms`` data comes that often in venue time, on average exactly. A delisted coin sends
    none. ``carrier`` is the channel that data frames name if it is another, or says which by the
    data. What is ``anonymous`` does not say whose it is: one account per socket.
    """

    name: str
    parameters: tuple[str, ...] = ()
    opening: Callable[[Asked], Any] | None = None
    update: Callable[[News], Iterable[Any]] | None = None
    pace_ms: Callable[[Feed], float] | None = None
    carrier: str | Callable[[Any], str] | None = None
    anonymous: bool = False
    perpetuals_only: bool = False

    def frames(self, data: Any) -> str:
        """Return the channel that a frame with this data names."""
        if callable(self.carrier):
            return self.carrier(data)
        return self.carrier or self.name

    def feed(self, subscription: Subscription, now: float) -> Feed:
        """Return a new feed; where in its pace it begins does not depend on who subscribes when."""
        feed = Feed(subscription, now)
        if self.pace_ms is not None:
            feed.sent_at -= self.pace_ms(feed) * _share(b"%r" % (subscription.parameters,))
        return feed

    def first(self, world: World, feed: Feed) -> Any:
        """Return the data a new subscriber gets, None for nothing."""
        return self.opening(Asked(world, feed)) if self.opening else None

    def later(self, world: World, feed: Feed, seen: Digest) -> Iterable[Any]:
        """Return the data a block gives rise to."""
        asked = Asked(world, feed)
        if "coin" in self.parameters and world.board.gone(asked.coin):
            return ()
        if self.pace_ms and not _due(feed, world.time, self.pace_ms(feed)):
            return ()
        if self.update is not None:
            return self.update(News(asked, seen))
        return (self.opening(asked),) if self.opening and self.pace_ms else ()


def _share(name: bytes) -> float:
    """Return a number from 0 to 1 that is always the same for a name."""
    return crc32(name) / 2**32


def _due(feed: Feed, now: float, pace_ms: float) -> bool:
    """Tell whether a feed's turn has come; a turn that came late does not move the next one."""
    late = now - feed.sent_at - pace_ms
    if late < 0:
        return False
    feed.sent_at = now - late if late < pace_ms else now
    return True
