"""Everything subscribed to, spread over a few connections."""

import asyncio
from collections.abc import Callable, Iterable
from random import Random

import structlog

from market_scraper.connectors.hyperliquid.session import (
    Complaint,
    Data,
    Effect,
    Session,
    Subscription,
    TradesSeen,
)
from market_scraper.connectors.hyperliquid.tape import TradeTape
from market_scraper.connectors.hyperliquid.websocket import (
    SocketLimits,
    Tap as SocketTap,
    VenueSocket,
)
from market_scraper.tapping import Tap, untapped
from shared_events.runtime.clock import Clock

log = structlog.get_logger()

MOST_SOCKETS = 4
MOST_SUBSCRIPTIONS = 900
MOST_USERS = 8
"""Of the ten that the venue allows an address; two are left to whoever else looks."""
_IDLE_SECONDS = 0.2
_TRADES = "trades"


class Feed:
    """The venue's public channels as one stream of effects.

    Parameters
    ----------
    url
        The websocket's address.
    clock
        Drives pings and reconnections.
    sockets
        Over how many connections to spread: one that breaks takes only its share along.
    seed
        Of the jitter between reconnections.
    tap
        Called with everything that travels, and over which connection.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        sockets: int = MOST_SOCKETS,
        seed: int = 0,
        tap: Tap = untapped,
    ) -> None:
        limits = SocketLimits()
        self._clock = clock
        jitter = Random(seed)  # noqa: S311 -- spreads reconnections, keeps no secret
        self.tape = TradeTape()
        self._sockets = [
            VenueSocket(
                url,
                Session(self.tape),
                limits,
                clock,
                self._dispatch,
                jitter=jitter,
                tap=_at(tap, number),
            )
            for number in range(sockets)
        ]
        self._subscribed: set[Subscription] = set()
        self.on_trades: list[Callable[[TradesSeen], None]] = []
        self.on_data: dict[str, Callable[[Data], None]] = {}

    @property
    def ready(self) -> bool:
        """Whether every subscription is confirmed."""
        return bool(self._subscribed) and all(
            socket.session.ready for socket in self._sockets if socket.session.wanted
        )

    @property
    def open(self) -> int:
        """How many of the needed connections stand."""
        return sum(socket.open for socket in self._sockets if socket.session.wanted)

    @property
    def needed(self) -> int:
        """How many connections there should be."""
        return sum(bool(socket.session.wanted) for socket in self._sockets)

    @property
    def set_aside(self) -> int:
        """How many frames could not be read."""
        return sum(socket.set_aside for socket in self._sockets)

    @property
    def users(self) -> set[str]:
        """Whose own channels are subscribed to."""
        return {wanted.user for wanted in self._subscribed if wanted.user}

    def subscribe(self, subscription: Subscription) -> bool:
        """Ask for `subscription` on the connection that carries least; tell whether there is room.

        Its frames go to `on_data` of their channel. Every connection begins with the channel's
        snapshot, so what they hold may come more than once.
        """
        if subscription in self._subscribed:
            return True
        if reason := self._no_room(subscription):
            log.error(reason, dropped=str(subscription))
            return False
        self._subscribed.add(subscription)
        lightest = min(self._sockets, key=lambda socket: len(socket.session.wanted))
        lightest.session.wanted[subscription] = None
        return True

    def unsubscribe(self, subscription: Subscription) -> None:
        """Want `subscription` no more."""
        self._subscribed.discard(subscription)
        for socket in self._sockets:
            socket.session.wanted.pop(subscription, None)

    def follow(self, coins: Iterable[str]) -> None:
        """Follow the trades of exactly `coins`; those already followed cost nothing."""
        wanted = [Subscription(_TRADES, coin) for coin in coins]
        followed = {
            subscription for subscription in self._subscribed if subscription.type == _TRADES
        }
        for gone in followed.difference(wanted):
            self.unsubscribe(gone)
        for subscription in wanted:
            self.subscribe(subscription)

    async def run(self) -> None:
        """Stay connected until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for socket in self._sockets:
                tasks.create_task(self._run(socket))

    async def _run(self, socket: VenueSocket) -> None:
        while not socket.session.wanted:
            await self._clock.sleep(_IDLE_SECONDS)
        await socket.run()

    def _no_room(self, subscription: Subscription) -> str | None:
        if len(self._subscribed) >= MOST_SUBSCRIPTIONS:
            return "too_many_subscriptions"
        if subscription.user and len(self.users | {subscription.user}) > MOST_USERS:
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


def _at(tap: Tap, number: int) -> SocketTap:
    return lambda kind, body: tap(kind, str(number), body)
