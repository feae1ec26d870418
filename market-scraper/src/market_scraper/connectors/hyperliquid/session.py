"""One websocket connection's conversation: text in, effects out. No socket, no clock of its own."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec import UNSET

from market_scraper.connectors.hyperliquid.parse import parse_ack, parse_frame, parse_trades
from market_scraper.connectors.hyperliquid.tape import Taken, TradeTape

GREETING = "Websocket connection established."
PING_SECONDS = 20.0
PONG_SECONDS = 10.0
SILENCE_SECONDS = 60.0
ACK_SECONDS = 20.0
USER_AGAIN_SECONDS = 60.0
"""The venue refuses a user beyond its cap without saying which: later there may be room."""
_RHYTHM_FRAMES = 20
_RHYTHM_FACTOR = 30.0
_RHYTHM_MEMORY = 50
_LEAST_PATIENCE_SECONDS = 3.0


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


Effect = Send | Reconnect | TradesSeen | Data | Complaint


@dataclass(slots=True)
class _Rhythm:
    """How often a coin's trades come, to notice when they stop."""

    last: float
    frames: int = 0
    mean_seconds: float = 0.0

    def beat(self, now: float) -> None:
        self.frames += 1
        self.mean_seconds += (now - self.last - self.mean_seconds) / min(
            self.frames, _RHYTHM_MEMORY
        )
        self.last = now

    def stopped(self, now: float) -> bool:
        patience = max(_LEAST_PATIENCE_SECONDS, _RHYTHM_FACTOR * self.mean_seconds)
        return self.frames >= _RHYTHM_FRAMES and now - self.last > patience


@dataclass(slots=True)
class Session:
    """What was asked, what was confirmed, and when the other side was last heard.

    Parameters
    ----------
    tape
        Shared with the other connections and with those before: it tells what was missed.
    """

    tape: TradeTape
    wanted: dict[Subscription, None] = field(default_factory=dict)
    _asked: dict[Subscription, float] = field(default_factory=dict)
    _confirmed: set[Subscription] = field(default_factory=set)
    _replaying: set[str] = field(default_factory=set)
    _rhythms: dict[str, _Rhythm] = field(default_factory=dict)
    _heard: float = 0.0
    _pinged: float = 0.0
    _ponged: bool = True

    @property
    def ready(self) -> bool:
        """Whether everything public that is wanted was confirmed."""
        return all(wanted.user or wanted in self._confirmed for wanted in self.wanted)

    def opened(self, now: float) -> None:
        """Begin a new connection."""
        self._asked.clear()
        self.closed()
        self._rhythms.clear()
        self._heard = self._pinged = now
        self._ponged = True

    def closed(self) -> None:
        """Note that nothing is subscribed any more."""
        self._confirmed.clear()
        self._replaying.clear()

    def due(self, now: float) -> Iterator[Effect]:
        """Yield what has to be done at `now`; called a few times a second."""
        if reason := self._hopeless(now):
            yield Reconnect(reason)
            return
        yield from self._let_go()
        for subscription in self.wanted:
            if self._may_ask(subscription, now):
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
            if subscription.type == "trades" and subscription.coin:
                self._rhythms.pop(subscription.coin, None)
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
        if subscription.type == "trades" and subscription.coin:
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
                yield Data(channel, raw)

    def _trades(self, raw: bytes, now: float) -> Iterator[Effect]:
        trades = parse_trades(raw)
        if not trades:
            return
        coin = trades[0].coin
        replay = coin in self._replaying
        self._replaying.discard(coin)
        self._rhythms.setdefault(coin, _Rhythm(now)).beat(now)
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

    def _wake_silent(self, now: float) -> Iterator[Effect]:
        """Subscribe anew to coins whose trades stopped although the connection lives."""
        for coin, rhythm in self._rhythms.items():
            if rhythm.stopped(now):
                subscription = Subscription("trades", coin)
                rhythm.last, rhythm.frames = now, 0
                self._replaying.add(coin)
                yield Send(subscription.message("unsubscribe"))
                yield Send(subscription.message("subscribe"))

    def _hopeless(self, now: float) -> str | None:
        if not self._ponged and now - self._pinged > PONG_SECONDS:
            return "no pong"
        if now - self._heard > SILENCE_SECONDS:
            return "nothing heard"
        waiting = (
            at for sub, at in self._asked.items() if sub not in self._confirmed and sub.user is None
        )
        if now - min(waiting, default=now) > ACK_SECONDS:
            return "a subscription was not confirmed"
        return None
