"""The websocket's channels, and the registry of them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import orjson

from hyperliquid_simulator.accounts.trades import Trade
from hyperliquid_simulator.answers import info, markets, views
from hyperliquid_simulator.answers.book import Zoom
from hyperliquid_simulator.answers.views import Json
from hyperliquid_simulator.coins.dexes import OWN
from hyperliquid_simulator.past.executions import aggregated
from hyperliquid_simulator.protocol.account_channels import ACCOUNT_CHANNELS
from hyperliquid_simulator.protocol.feeds import Asked, Channel, News, every, wandering
from hyperliquid_simulator.protocol.market_channels import MARKET_CHANNELS
from hyperliquid_simulator.protocol.order_channels import ORDER_CHANNELS
from hyperliquid_simulator.protocol.subscriptions import (
    InvalidSubscriptionError,
    Subscription,
    canonical,
)
from hyperliquid_simulator.world.world import World

ALL_MIDS_MS: Final = (
    (0.0, 5_110.0),
    (0.5, 5_305.0),
    (0.75, 5_450.0),
    (0.9, 5_890.0),
    (1.0, 6_430.0),
)
"""Measured: 5.01 to 6.53 s, half of them within 5.31 s. A block adds or takes up to 0.1 s."""

# ── Trades, candles, best bid and offer: by block ────────────────────────────────────────────


def _replayed_trades(asked: Asked) -> Any:
    """Return the last thirty trades again, unmarked as on the venue."""
    return _trades(asked.world, asked.world.recent[asked.coin])


def _new_trades(news: News) -> Iterator[Any]:
    rows = news.seen.trades.get(news.asked.coin)
    if rows:
        yield _trades(news.asked.world, rows)


def _trades(world: World, rows: Iterable[Trade]) -> list[Json]:
    return [views.trade(row, world.coins[row.coin], world.addresses) for row in rows]


def _forming_candle(news: News) -> Iterator[Any]:
    world, coin = news.asked.world, news.asked.coin
    if coin in news.seen.trades:
        interval = news.asked.subscription["interval"]
        yield world.bars[coin].now(interval).wire(world.coins[coin], interval)


def _top_of_book(asked: Asked) -> Json:
    book = markets.book(asked.world, asked.coin, Zoom(), 1)
    best = [next(iter(side), None) for side in book["levels"]]
    return {"coin": book["coin"], "time": book["time"], "bbo": best}


def _changed_top_of_book(news: News) -> Iterator[Any]:
    data = _top_of_book(news.asked)
    if data["bbo"] != news.feed.last:
        news.feed.last = data["bbo"]
        yield data


# ── Whole states: at a steady pace ───────────────────────────────────────────────────────────


def _all_mids(asked: Asked) -> Json:
    """Return the mids of a dex, named if the subscription names it."""
    dex = dict(asked.subscription.parameters).get("dex", OWN)
    return ({"dex": dex} if dex else {}) | {"mids": markets.mids(asked.world, dex)}


def _book(asked: Asked) -> Json:
    """Return twenty levels, or five for a fast book; a coarse one states the spread."""
    world, wanted, coin = asked.world, asked.subscription, asked.coin
    zoom = Zoom(wanted["nSigFigs"], wanted["mantissa"])
    book = markets.book(world, coin, zoom, 5 if wanted["fast"] else 20)
    if zoom.figures is not None:
        book["spread"] = views.spread(world.coins[coin], world.market.quotes[coin])
    return book | ({"fast": True} if wanted["fast"] else {})


def _context(asked: Asked) -> Json:
    return {"coin": asked.subscription["coin"], "ctx": markets.context(asked.world, asked.coin)}


def _context_carrier(data: Json) -> str:
    """Return the channel of a context: that of a pair names its coin."""
    return "activeSpotAssetCtx" if "coin" in data["ctx"] else "activeAssetCtx"


def _state(asked: Asked) -> Json:
    user, dex = asked.subscription["user"], asked.subscription["dex"]
    state = info.clearinghouse_state(asked.world, user, dex)
    return {"dex": dex, "user": user, "clearinghouseState": state}


# ── One user's events ────────────────────────────────────────────────────────────────────────


def _fills_snapshot(asked: Asked) -> Json:
    user = asked.subscription["user"]
    found = info.fills(asked.world, user, aggregate=asked.subscription["aggregateByTime"])
    return {"isSnapshot": True, "user": user, "fills": found}


def _new_fills(news: News) -> Iterator[Any]:
    wanted, coins = news.asked.subscription, news.asked.world.coins
    rows = aggregated(news.fills) if wanted["aggregateByTime"] else news.fills
    if rows:
        yield {"user": wanted["user"], "fills": [views.fill(row, coins[row.coin]) for row in rows]}


CHANNELS: Final[Mapping[str, Channel]] = {
    channel.name: channel
    for channel in (
        *MARKET_CHANNELS,
        *ACCOUNT_CHANNELS,
        *ORDER_CHANNELS,
        Channel("trades", ("coin",), opening=_replayed_trades, update=_new_trades),
        Channel("candle", ("interval", "coin"), update=_forming_candle),
        Channel("bbo", ("coin",), opening=_top_of_book, update=_changed_top_of_book),
        Channel("allMids", ("dex?",), opening=_all_mids, pace_ms=wandering(ALL_MIDS_MS)),
        Channel(
            "l2Book",
            ("coin", "nSigFigs", "mantissa", "fast"),
            opening=_book,
            pace_ms=lambda feed: 540.0 if feed.subscription["fast"] else 5_400.0,
        ),
        Channel(
            "activeAssetCtx",
            ("coin",),
            opening=_context,
            pace_ms=every(1_000.0),
            carrier=_context_carrier,
        ),
        Channel("clearinghouseState", ("user", "dex"), opening=_state, pace_ms=every(1_200.0)),
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
    found = canonical(channel.name, channel.parameters, raw, world.board)
    if channel.perpetuals_only and world.coin_index[found["coin"]] not in world.board.perps:
        raise InvalidSubscriptionError
    return found


def frame(channel: str, data: Any) -> bytes:
    """Return the bytes of a websocket frame."""
    return orjson.dumps({"channel": channel, "data": data})


def unreadable(raw: str) -> bytes:
    """Return the frame that answers what the venue cannot parse: the client's own text again."""
    return frame("error", f"Error parsing JSON into valid websocket request: {raw}")
