"""Channels about every market at once: contexts per dex, and marks as compressed changes."""

import zlib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from hyperliquid_simulator.answers import markets, universes, views
from hyperliquid_simulator.answers.views import Json
from hyperliquid_simulator.coins.catalogue import Perp
from hyperliquid_simulator.coins.pairs import Outcome
from hyperliquid_simulator.protocol.feeds import Asked, Channel, News, every
from hyperliquid_simulator.world.world import World

Prices = dict[str, dict[str, str | None]]
"""Mark and middle by coin; None is the middle of an empty book."""

RAW_DEFLATE: Final = -15


def changed(before: Mapping[str, Mapping[str, str | None]], now: Prices) -> Prices:
    """Return the fields that differ, without the coins of which none does.

    Examples
    --------
    >>> before = {"BTC": {"markPx": "1.0", "midPx": "1.0"}, "ETH": {"markPx": "2.0"}}
    >>> changed(before, {"BTC": {"markPx": "1.0", "midPx": "1.5"}, "ETH": {"markPx": "2.0"}})
    {'BTC': {'midPx': '1.5'}}
    """
    found: Prices = {}
    for coin, fields in now.items():
        known = before.get(coin, {})
        fresh = {name: value for name, value in fields.items() if known.get(name) != value}
        if fresh:
            found[coin] = fresh
    return found


def packed(value: Any) -> str:
    """Return base64 of the raw DEFLATE of the JSON of a value.

    Examples
    --------
    >>> packed({"BTC": {"midPx": "85812.5"}})
    'q1ZyCnFWsqpWys1MCahQslKyMLUwNNIzVaqtBQA='
    """
    deflate = zlib.compressobj(wbits=RAW_DEFLATE)
    return b64encode(deflate.compress(orjson.dumps(value)) + deflate.flush()).decode()


def _prices(world: World) -> Prices:
    return {
        coin.name: {
            "markPx": views.mark(coin, quote),
            "midPx": views.middle(coin, quote),
        }
        for coin, quote in zip(world.coins, world.market.quotes, strict=True)
        if isinstance(coin, Perp) or not coin.delisted
    }


def _all_prices(asked: Asked) -> str:
    """Return every price as of the last frame of the feed, so that the next one follows on it."""
    if asked.feed.last is None:
        asked.feed.last = _prices(asked.world)
    return packed(asked.feed.last)


def _changed_prices(news: News) -> Iterator[str]:
    now = _prices(news.asked.world)
    fresh = changed(news.feed.last or {}, now)
    news.feed.last = now
    if fresh:
        yield packed(fresh)


def _all_contexts(asked: Asked) -> Json:
    """Return the contexts of every dex, by the name of the dex."""
    world = asked.world
    names = sorted(dex.name for dex in world.board.dexes)
    return {"ctxs": [[name, markets.contexts(world, name)] for name in names]}


def _open_questions(world: World) -> dict[int, Outcome]:
    """Return the first side of every open question by its number."""
    outcomes = (coin for coin in world.coins if isinstance(coin, Outcome) and not coin.delisted)
    return {coin.question: coin for coin in outcomes if coin.says_above}


def _remembered_questions(asked: Asked) -> None:
    """Remember what is open now, of which nothing is sent."""
    if asked.feed.last is None:
        asked.feed.last = _open_questions(asked.world)


def _changed_questions(news: News) -> Iterator[list[Json]]:
    """Yield the questions that a block opened and ended."""
    before, now = news.feed.last, _open_questions(news.asked.world)
    news.feed.last = now
    created = [{"outcomeCreated": universes.question(now[n])} for n in sorted(now.keys() - before)]
    settled = [{"outcomeSettled": number} for number in sorted(before.keys() - now)]
    if created or settled:
        yield [*created, *settled]


MARKET_CHANNELS: Final = (
    Channel("outcomeMetaUpdates", opening=_remembered_questions, update=_changed_questions),
    Channel("fastAssetCtxs", opening=_all_prices, update=_changed_prices, pace_ms=every(540.0)),
    Channel("allDexsAssetCtxs", opening=_all_contexts, pace_ms=every(3_000.0)),
)
"""Nobody has published how often these two come; the paces are the simulator's choice."""
