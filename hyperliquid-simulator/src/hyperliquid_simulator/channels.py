"""Websocket channels: how each is subscribed to, what it opens with and when it sends."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from hyperliquid_simulator import info, views
from hyperliquid_simulator.archive import aggregated
from hyperliquid_simulator.book import Zoom
from hyperliquid_simulator.ledger import Fill, Trade
from hyperliquid_simulator.subscriptions import Subscription, canonical
from hyperliquid_simulator.views import Json
from hyperliquid_simulator.world import Block, World


@dataclass(frozen=True, slots=True)
class Digest:
    """One block, sorted for subscribers."""

    block: Block
    trades: Mapping[int, Sequence[Trade]]
    fills: Mapping[int, Sequence[Fill]]


def digest(block: Block) -> Digest:
    """Sort a block's trades by coin and its fills by account."""
    trades: dict[int, list[Trade]] = {}
    for row in block.trades:
        trades.setdefault(row.coin, []).append(row)
    fills: dict[int, list[Fill]] = {}
    for account, fill in block.fills:
        fills.setdefault(account, []).append(fill)
    return Digest(block, trades, fills)


@dataclass(slots=True)
class Feed:
    """What a channel remembers about one subscription between blocks."""

    subscription: Subscription
    sent_at: float = 0.0
    last: Any = field(default=None)


@dataclass(frozen=True, slots=True)
class Asked:
    """A subscription in the world as it is."""

    world: World
    subscription: Subscription

    @property
    def coin(self) -> int:
        """The coin it is about."""
        return self.world.coin_index[self.subscription["coin"]]


@dataclass(frozen=True, slots=True)
class News:
    """A block, seen by one subscription."""

    asked: Asked
    feed: Feed
    seen: Digest


@dataclass(frozen=True, slots=True)
class Channel:
    """A kind of subscription; ``parameters`` in the order of the echo.

    ``opening`` is the data right after the acknowledgement. Later data is what ``update`` makes of
    a block, or without an ``update`` the opening again, every ``pace_ms`` of venue time.
    """

    name: str
    parameters: tuple[str, ...] = ()
    opening: Callable[[Asked], Any] | None = None
    update: Callable[[News], Any] | None = None
    pace_ms: Callable[[Subscription], float] | None = None

    def first(self, world: World, subscription: Subscription) -> Any:
        """Return the data a new subscriber gets, None for nothing."""
        return self.opening(Asked(world, subscription)) if self.opening else None

    def later(self, world: World, feed: Feed, seen: Digest) -> Any:
        """Return the data a block gives rise to, None for nothing."""
        asked = Asked(world, feed.subscription)
        if self.update is not None:
            return self.update(News(asked, feed, seen))
        due = self.pace_ms and world.time - feed.sent_at >= self.pace_ms(feed.subscription)
        if not due or self.opening is None:
            return None
        feed.sent_at = world.time
        return self.opening(asked)


# ── Trades, candles, best bid and offer: by block ────────────────────────────────────────────


def _replayed_trades(asked: Asked) -> Any:
    """Return the last thirty trades again, unmarked as on the venue."""
    return _trades(asked.world, asked.world.recent[asked.coin])


def _new_trades(news: News) -> Any:
    rows = news.seen.trades.get(news.asked.coin)
    return _trades(news.asked.world, rows) if rows else None


def _trades(world: World, rows: Iterable[Trade]) -> list[Json]:
    return [views.trade(row, world.coins[row.coin], world.addresses) for row in rows]


def _forming_candle(news: News) -> Any:
    world, coin = news.asked.world, news.asked.coin
    if coin not in news.seen.trades:
        return None
    interval = news.feed.subscription["interval"]
    return world.bars[coin].now(interval).wire(world.coins[coin], interval)


def _top_of_book(asked: Asked) -> Json:
    book = info.book(asked.world, asked.coin, Zoom(), 1)
    bids, asks = book["levels"]
    return {"coin": book["coin"], "time": book["time"], "bbo": [*bids[:1], *asks[:1]]}


def _changed_top_of_book(news: News) -> Any:
    data = _top_of_book(news.asked)
    if data["bbo"] == news.feed.last:
        return None
    news.feed.last = data["bbo"]
    return data


# ── Whole states: at a steady pace ───────────────────────────────────────────────────────────


def _all_mids(asked: Asked) -> Json:
    return {"mids": info.mids(asked.world)}


def _book(asked: Asked) -> Json:
    """Return twenty levels, or five for a fast book; a coarse one states the spread."""
    world, wanted, coin = asked.world, asked.subscription, asked.coin
    zoom = Zoom(wanted["nSigFigs"], wanted["mantissa"])
    book = info.book(world, coin, zoom, 5 if wanted["fast"] else 20)
    if zoom.figures is not None:
        book["spread"] = views.spread(world.coins[coin], world.market.quotes[coin])
    return book | ({"fast": True} if wanted["fast"] else {})


def _context(asked: Asked) -> Json:
    return {"coin": asked.subscription["coin"], "ctx": info.context(asked.world, asked.coin)}


def _state(asked: Asked) -> Json:
    user = asked.subscription["user"]
    state = info.clearinghouse_state(asked.world, user)
    return {"dex": asked.subscription["dex"], "user": user, "clearinghouseState": state}


# ── One user's events ────────────────────────────────────────────────────────────────────────


def _fills_snapshot(asked: Asked) -> Json:
    user = asked.subscription["user"]
    found = info.fills(asked.world, user, aggregate=asked.subscription["aggregateByTime"])
    return {"isSnapshot": True, "user": user, "fills": found}


def _new_fills(news: News) -> Any:
    world, user = news.asked.world, news.feed.subscription["user"]
    trader = world.population.by_address.get(user)
    rows = news.seen.fills.get(trader.index) if trader else None
    if not rows:
        return None
    if news.feed.subscription["aggregateByTime"]:
        rows = aggregated(rows)
    return {"user": user, "fills": [views.fill(row, world.coins[row.coin]) for row in rows]}


CHANNELS: Final[Mapping[str, Channel]] = {
    channel.name: channel
    for channel in (
        Channel("trades", ("coin",), opening=_replayed_trades, update=_new_trades),
        Channel("candle", ("interval", "coin"), update=_forming_candle),
        Channel("bbo", ("coin",), opening=_top_of_book, update=_changed_top_of_book),
        Channel("allMids", opening=_all_mids, pace_ms=lambda _: 5_300.0),
        Channel(
            "l2Book",
            ("coin", "nSigFigs", "mantissa", "fast"),
            opening=_book,
            pace_ms=lambda wanted: 540.0 if wanted["fast"] else 5_400.0,
        ),
        Channel("activeAssetCtx", ("coin",), opening=_context, pace_ms=lambda _: 1_000.0),
        Channel("clearinghouseState", ("user", "dex"), opening=_state, pace_ms=lambda _: 1_200.0),
        Channel(
            "userFills",
            ("user", "aggregateByTime"),
            opening=_fills_snapshot,
            update=_new_fills,
        ),
    )
}
"""Every channel by the type its subscription names."""


def parse_subscription(raw: Json, world: World) -> Subscription:
    """Return the canonical form of a subscription to one of `CHANNELS`."""
    channel = CHANNELS[raw["type"]]
    return canonical(channel.name, channel.parameters, raw, world.coin_index)


def frame(channel: str, data: Any) -> bytes:
    """Return the bytes of a websocket frame."""
    return orjson.dumps({"channel": channel, "data": data})
