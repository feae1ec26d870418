"""One websocket connection's conversation: text in, effects out. No socket, no clock of its own."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec import UNSET

from market_scraper.connectors.hyperliquid.parse import (
    parse_ack,
    parse_frame,
    parse_topic,
    parse_trades,
)
from market_scraper.connectors.hyperliquid.rhythm import PATIENCE, Rhythm
from market_scraper.connectors.hyperliquid.suspects import Suspects
from market_scraper.connectors.hyperliquid.tape import Taken, TradeTape

GREETING = "Websocket connection established."
PING_SECONDS = 20.0
PONG_SECONDS = 10.0
SILENCE_SECONDS = 60.0
ACK_SECONDS = 20.0
REPLAY_SECONDS = 5.0
"""How soon after a subscription the last trades of its coin are repeated, at the latest."""

USER_AGAIN_SECONDS = 60.0
"""The venue refuses a user beyond its cap without saying which: later there may be room."""
_TRADES = "trades"


@dataclass(frozen=True, slots=True)
class Subscription:
    """What is asked for, in the form the venue's echo is reduced to; a user in lower case."""

    type: str
    coin: str | None = None
    interval: str | None = None
    user: str | None = None

    def message(self, method: str) -> str:
        """Return the text that subscribes to it, or unsubscribes."""
        wanted = {
            "type": self.type,
            "coin": self.coin,
            "interval": self.interval,
            "user": self.user,
        }
        body = {key: value for key, value in wanted.items() if value is not None}
        return json.dumps({"method": method, "subscription": body}, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Send:
    """Send `text`."""

    text: str


@dataclass(frozen=True, slots=True)
class Reconnect:
    """The connection is of no more use."""

    reason: str


@dataclass(frozen=True, slots=True)
class TradesSeen:
    """Trades of one coin."""

    coin: str
    taken: Taken


@dataclass(frozen=True, slots=True)
class Data:
    """A frame of another channel."""

    channel: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Complaint:
    """The venue refused something."""

    text: str


_Topic = tuple[str, str | None, str | None]
_ALL_TRADES: _Topic = (_TRADES, None, None)

Effect = Send | Reconnect | TradesSeen | Data | Complaint


@dataclass(slots=True)
class Session:
    """What was asked, what was confirmed, and when the other side was last heard.

    Parameters
    ----------
    tape
        Shared with the other connections and with those before: it tells what was missed.
    wanted, suspects
        Shared with the connection that hands over to this one.

    Attributes
    ----------
    tired
        Why a successor should take over although the connection lives; None: there is no reason.
    released
        Whether a successor has taken over.
    """

    tape: TradeTape
    wanted: dict[Subscription, None] = field(default_factory=dict)
    suspects: Suspects[Subscription] = field(default_factory=Suspects[Subscription])
    _asked: dict[Subscription, float] = field(default_factory=dict)
    _confirmed: set[Subscription] = field(default_factory=set)
    _replaying: set[str] = field(default_factory=set)
    _rhythms: dict[_Topic, Rhythm] = field(default_factory=dict)
    open: bool = False
    opened_at: float = 0.0
    tired: str | None = None
    released: bool = False
    _heard: float = 0.0
    _pinged: float = 0.0
    _ponged: bool = True

    @property
    def ready(self) -> bool:
        """Whether everything public that is wanted was confirmed, and trades come."""
        chorus = self._rhythms.get(_ALL_TRADES)
        silent = chorus is not None and chorus.renewed_at is not None
        return not silent and all(
            wanted.user or wanted in self._confirmed for wanted in self.wanted
        )

    @property
    def pending(self) -> list[Subscription]:
        """What was asked for and not confirmed, but for users, of whom there may be too many."""
        return [asked for asked in self._asked if not asked.user and asked not in self._confirmed]

    def opened(self, now: float) -> None:
        """Begin a new connection."""
        self.closed()
        self._rhythms.clear()
        self.open, self.tired, self.released = True, None, False
        self.opened_at = self._heard = self._pinged = now
        self._ponged = True

    def closed(self) -> None:
        """Note that nothing is subscribed any more."""
        self.open = False
        self._asked.clear()
        self._confirmed.clear()
        self._replaying.clear()

    def due(self, now: float, room: int = 100) -> Iterator[Effect]:
        """Yield what has to be done at `now`; called a few times a second.

        Parameters
        ----------
        room
            How many subscriptions may be sent now.
        """
        if reason := self._hopeless(now):
            yield Reconnect(reason)
            return
        yield from self._let_go()
        asking = [wanted for wanted in self.wanted if self._may_ask(wanted, now)]
        for subscription in self.suspects.next(asking, pending=bool(self.pending))[:room]:
            self.asked(subscription, now)
            yield Send(subscription.message("subscribe"))
        if now - self._pinged >= PING_SECONDS:
            self._pinged, self._ponged = now, False
            yield Send('{"method":"ping"}')
        yield from self._wake_silent(now)

    def _let_go(self) -> Iterator[Effect]:
        for subscription in [asked for asked in self._asked if asked not in self.wanted]:
            del self._asked[subscription]
            self._confirmed.discard(subscription)
            self._rhythms.pop(_topic(subscription), None)
            yield Send(subscription.message("unsubscribe"))

    def _may_ask(self, subscription: Subscription, now: float) -> bool:
        """Tell whether to ask: once, but for users that may have had no place, which are retried."""
        asked = self._asked.get(subscription)
        if asked is None:
            return True
        waiting = subscription.user is not None and subscription not in self._confirmed
        return waiting and now - asked > USER_AGAIN_SECONDS

    def asked(self, subscription: Subscription, now: float) -> None:
        """Note that `subscription` was asked for: of a coin's trades the venue then repeats the last."""
        self._asked[subscription] = now
        if subscription.type == _TRADES and subscription.coin:
            self._replaying.add(subscription.coin)

    def received(self, text: str | bytes, now: float) -> Iterator[Effect]:
        """Yield what `text` means.

        Raises
        ------
        WireFormatError
            If it is nothing we know how to read.
        """
        self._heard = now
        if text == GREETING:
            return
        frame = parse_frame(text)
        raw = b"null" if frame.data is UNSET else bytes(frame.data)
        match frame.channel:
            case "trades":
                yield from self._trades(raw, now)
            case "pong":
                self._ponged = True
            case "subscriptionResponse":
                self._confirm(raw)
            case "error":
                yield Complaint(raw.decode(errors="replace")[:300])
            case channel:
                self._beat(channel, raw, now)
                yield Data(channel, raw)

    def _trades(self, raw: bytes, now: float) -> Iterator[Effect]:
        trades = parse_trades(raw)
        if not trades:
            return
        coin = trades[0].coin
        replay = coin in self._replaying
        self._replaying.discard(coin)
        self._rhythm((_TRADES, coin, None), now).beat(now)
        self._rhythm(_ALL_TRADES, now).beat(now)
        taken = self.tape.take(coin, trades, replay=replay)
        if taken.trades or taken.covered_from_ms is not None:
            yield TradesSeen(coin, taken)

    def _confirm(self, raw: bytes) -> None:
        ack = parse_ack(raw)
        echoed = ack.subscription
        if ack.method == "subscribe":
            user = echoed.user and echoed.user.lower()
            confirmed = Subscription(echoed.type, echoed.coin, echoed.interval, user)
            if confirmed in self._asked:
                self._confirmed.add(confirmed)
                self.suspects.cleared(confirmed)

    def _beat(self, channel: str, raw: bytes, now: float) -> None:
        if channel in PATIENCE:
            self._rhythm((channel, *parse_topic(raw)), now).beat(now)

    def _rhythm(self, topic: _Topic, now: float) -> Rhythm:
        rhythm = self._rhythms.get(topic)
        if rhythm is None:
            rhythm = self._rhythms[topic] = Rhythm(PATIENCE[topic[0]], now)
        return rhythm

    def _wake_silent(self, now: float) -> Iterator[Effect]:
        """Subscribe anew to what fell silent although the connection lives.

        Many coins trade too seldom to have a rhythm of their own; if all of them together stop, each is
        renewed.
        """
        silent = dict.fromkeys(self._unanswered())
        for topic, rhythm in self._rhythms.items():
            if rhythm.lost(now, ACK_SECONDS):
                self.tired = self.tired or f"{topic[1] or topic[0]} stays silent"
            elif rhythm.stopped(now) and (stopped := self._silent(topic)):
                rhythm.renewed(now)
                silent |= dict.fromkeys(stopped)
        for subscription in silent:
            yield Send(subscription.message("unsubscribe"))
            yield Send(subscription.message("subscribe"))
            self.asked(subscription, now)

    def _unanswered(self) -> list[Subscription]:
        """Return whose last trades should have been repeated long before others' were heard.

        Those of a coin that never traded are not.
        """
        chorus = self._rhythms.get(_ALL_TRADES)
        if chorus is None or not self._replaying:
            return []
        coins = [coin for coin in self._replaying if self.tape.knows(coin)]
        subscriptions = (Subscription(_TRADES, coin) for coin in sorted(coins))
        heard = chorus.last - REPLAY_SECONDS
        asked = (each for each in subscriptions if each in self._confirmed)
        return [each for each in asked if self._asked[each] < heard]

    def _silent(self, topic: _Topic) -> list[Subscription]:
        """Return the confirmed subscriptions that bring `topic`."""
        if topic == _ALL_TRADES:
            trades = (each for each in self.wanted if each.type == _TRADES)
            return [each for each in trades if each in self._confirmed]
        subscription = Subscription(*topic)
        return [subscription] if subscription in self._confirmed else []

    def _hopeless(self, now: float) -> str | None:
        if not self._ponged and now - self._pinged > PONG_SECONDS:
            return "no pong"
        if now - self._heard > SILENCE_SECONDS:
            return "nothing heard"
        if now - min((self._asked[each] for each in self.pending), default=now) > ACK_SECONDS:
            return "a subscription was not confirmed"
        return None


def _topic(subscription: Subscription) -> _Topic:
    return subscription.type, subscription.coin, subscription.interval
