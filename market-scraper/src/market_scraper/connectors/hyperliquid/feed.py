"""Everything subscribed to, spread over a few connections."""

import asyncio
from collections.abc import Callable, Iterable
from random import Random

import structlog

from market_scraper.connectors.hyperliquid.line import Lifetime, Line
from market_scraper.connectors.hyperliquid.room import room_for
from market_scraper.connectors.hyperliquid.session import (
    Complaint,
    Data,
    Effect,
    Subscription,
    TradesSeen,
)
from market_scraper.connectors.hyperliquid.tape import TradeTape
from market_scraper.connectors.hyperliquid.websocket import (
    SocketLimits,
    Tap as LineTap,
    VenueLine,
)
from market_scraper.tapping import Tap, untapped
from shared_events.runtime.clock import Clock

log = structlog.get_logger()

LIFETIME_SECONDS = 6 * 3_600.0
_TRADES = "trades"


class Feed:
    """The venue's public channels as one stream of effects.

    Parameters
    ----------
    url
        The websocket's address.
    clock
        Drives pings and reconnections.
    lines
        Over how many connections to spread: one that breaks takes only its share along.
    lifetime_seconds
        How old a connection may grow; less once the venue closed a younger one as expired.
    share
        Of what the venue allows an address, the part that is ours.
    seed
        Of the jitter between reconnections.
    tap
        Called with everything that travels, and over which connection: ``2`` is a line, and ``2.1``
        its second place, where a successor begins while the first is taken.
    """

    def __init__(  # noqa: PLR0913 -- each says something else about the connections
        self,
        url: str,
        clock: Clock,
        lines: int = 4,
        *,
        lifetime_seconds: float = LIFETIME_SECONDS,
        share: float = 1.0,
        seed: int = 0,
        tap: Tap = untapped,
    ) -> None:
        limits, self.lifetime = SocketLimits(share), Lifetime(lifetime_seconds)
        self.room = room_for(share, lines)
        self._clock = clock
        jitter = Random(seed)  # noqa: S311 -- spreads reconnections, keeps no secret
        self.tape = TradeTape()
        self._lines = [
            VenueLine(
                url,
                Line(self.tape, self.lifetime, number / self.room.lines),
                limits,
                clock,
                self._dispatch,
                jitter=jitter,
                tap=_at(tap, number),
            )
            for number in range(self.room.lines)
        ]
        self._subscribed: set[Subscription] = set()
        self._listed: frozenset[str] | None = None
        self.on_trades: list[Callable[[TradesSeen], None]] = []
        self.on_data: dict[str, Callable[[Data], None]] = {}

    @property
    def ready(self) -> bool:
        """Whether every subscription is confirmed."""
        return bool(self._subscribed) and all(line.ready for line in self._needed())

    @property
    def open(self) -> int:
        """How many of the needed connections stand."""
        return sum(line.open for line in self._needed())

    @property
    def needed(self) -> int:
        """How many connections there should be."""
        return len(self._needed())

    @property
    def set_aside(self) -> int:
        """How many frames could not be read."""
        return sum(line.set_aside for line in self._lines)

    @property
    def handovers(self) -> int:
        """How often a connection was let go because its successor had taken over."""
        return sum(line.handovers for line in self._lines)

    @property
    def subscribed(self) -> frozenset[Subscription]:
        """Everything that is wanted."""
        return frozenset(self._subscribed)

    @property
    def users(self) -> set[str]:
        """Whose own channels are subscribed to."""
        return {wanted.user for wanted in self._subscribed if wanted.user}

    def subscribe(self, subscription: Subscription) -> bool:
        """Ask for `subscription` on the connection that carries least; tell whether there is room.

        Its frames go to `on_data` of their channel. Every connection begins with the channel's
        snapshot, so what they hold may come more than once. A coin that the venue does not list is
        never asked for: it would close the whole connection.
        """
        if subscription in self._subscribed:
            return True
        if reason := self._no_room(subscription):
            log.error(reason, dropped=str(subscription))
            return False
        self._subscribed.add(subscription)
        lightest = min((each.line for each in self._lines), key=lambda line: len(line.wanted))
        lightest.wanted[subscription] = None
        return True

    def unsubscribe(self, subscription: Subscription) -> None:
        """Want `subscription` no more."""
        self._subscribed.discard(subscription)
        for each in self._lines:
            each.line.wanted.pop(subscription, None)

    def follow(self, coins: Iterable[str]) -> None:
        """Follow the trades of exactly `coins`, which are those the venue lists.

        Those already followed cost nothing; whatever else was subscribed to of others is let go.
        """
        coins = list(coins)
        self._listed = frozenset(coins)
        wanted = [Subscription(_TRADES, coin) for coin in coins]
        for gone in [each for each in self._subscribed if not self._may_be(each)]:
            self.unsubscribe(gone)
        for subscription in wanted:
            self.subscribe(subscription)

    async def run(self) -> None:
        """Stay connected until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for line in self._lines:
                tasks.create_task(line.run())

    def _needed(self) -> list[Line]:
        return [each.line for each in self._lines if each.line.wanted]

    def _may_be(self, subscription: Subscription) -> bool:
        coin = subscription.coin
        return coin is None or self._listed is None or coin in self._listed

    def _no_room(self, subscription: Subscription) -> str | None:
        if not self._may_be(subscription):
            return "coin_not_listed"
        if len(self._subscribed) >= self.room.subscriptions:
            return "too_many_subscriptions"
        if subscription.user and len(self.users | {subscription.user}) > self.room.users:
            return "too_many_users"
        return None

    def _dispatch(self, effect: Effect) -> None:
        match effect:
            case TradesSeen():
                for listen in self.on_trades:
                    listen(effect)
            case Data(channel=channel):
                if listener := self.on_data.get(channel):
                    listener(effect)
            case Complaint(text=text):
                log.warning("venue_complained", text=text)
            case _:
                pass


def _at(tap: Tap, number: int) -> LineTap:
    return lambda kind, successor, body: tap(
        kind, f"{number}.1" if successor else str(number), body
    )
