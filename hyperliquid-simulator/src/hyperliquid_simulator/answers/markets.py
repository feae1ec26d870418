"""What info requests about markets answer: what is listed, prices, books, candles, trades."""

from typing import Any

from hyperliquid_simulator.answers import universes, views
from hyperliquid_simulator.answers.book import Zoom, levels
from hyperliquid_simulator.answers.fields import moment, perp_dex, small, text
from hyperliquid_simulator.answers.views import Json
from hyperliquid_simulator.coins.candles import INTERVAL_MINUTES
from hyperliquid_simulator.coins.catalogue import Perp
from hyperliquid_simulator.coins.dexes import OWN, Dex
from hyperliquid_simulator.coins.pairs import Outcome, Pair
from hyperliquid_simulator.errors import internal, undeserializable
from hyperliquid_simulator.world.world import World


def context(world: World, coin: int) -> Json:
    """Return the market context of one coin."""
    listed, quote, day = world.coins[coin], world.market.quotes[coin], world.bars[coin].day()
    if isinstance(listed, Pair):
        return views.spot_context(listed, quote, day)
    return views.asset_context(
        listed, quote, day, world.funding.rates[coin], world.ledger.open_interest[coin]
    )


def contexts(world: World, dex: str = OWN) -> list[Json]:
    """Return the market context of every perpetual of a dex, aligned with its universe."""
    return [context(world, coin) for coin in world.board.universe(dex)]


def mids(world: World, dex: str = OWN) -> dict[str, str]:
    """Return the middle of every book of a dex by coin, the mark where a book is empty.

    Pairs are among those of the venue's own dex.
    """
    coins = world.board.universe(dex) + (world.board.pairs() if dex == OWN else [])
    listed = ((world.coins[i], world.market.quotes[i]) for i in coins)
    return {c.name: views.middle(c, quote) or views.mark(c, quote) for c, quote in listed}


def book(world: World, coin: int, zoom: Zoom, depth: int = 20) -> Json:
    """Return the order book of one coin, which is empty once it is delisted."""
    quote, listed = world.market.quotes[coin], world.coins[coin]
    found = [[], []] if listed.delisted else levels(listed, quote, world.time, zoom, depth)
    return {"coin": listed.name, "time": world.time, "levels": found}


def meta(world: World, request: Json) -> Json:
    """Return the universe of a perp dex."""
    return _meta(world, perp_dex(request, world.board.dexes))


def meta_and_contexts(world: World, request: Json) -> list[Any]:
    """Return the universe of a perp dex with a context for each coin."""
    dex = perp_dex(request, world.board.dexes)
    return [_meta(world, dex), contexts(world, dex.name)]


def all_perp_metas(world: World, _request: Json) -> list[Json]:
    """Return the universes of all perp dexes."""
    return [_meta(world, dex) for dex in world.board.dexes]


def perp_dexs(world: World, _request: Json) -> list[Json | None]:
    """Return all perp dexes; the venue's own is None."""
    return [universes.perp_dex(dex, _perps(world, dex)) for dex in world.board.dexes]


def all_mids(world: World, request: Json) -> dict[str, str]:
    """Return the middle of every book of a dex."""
    return mids(world, perp_dex(request, world.board.dexes).name)


def spot_meta(world: World, _request: Json) -> Json:
    """Return the spot universe."""
    return universes.spot_meta(_spot_pairs(world))


def spot_meta_and_contexts(world: World, request: Json) -> list[Any]:
    """Return the spot universe, and contexts in which a pair has the place of its index."""
    by_index = {pair.index: world.coin_index[pair.name] for pair in _spot_pairs(world)}
    found = [
        context(world, by_index[index]) if index in by_index else views.no_context(f"@{index}")
        for index in range(max(by_index, default=-1) + 1)
    ]
    return [spot_meta(world, request), found]


def outcome_meta(world: World, _request: Json) -> Json:
    """Return the open questions."""
    return universes.outcome_meta([c for c in world.coins if isinstance(c, Outcome)])


def candles(world: World, request: Json) -> list[Json]:
    """Return the candles of a coin that began within the bounds."""
    wanted = request.get("req")
    if not isinstance(wanted, dict):
        raise undeserializable()
    interval, coin = text(wanted, "interval"), world.coin_index.get(text(wanted, "coin"))
    start, end = moment(wanted, "startTime"), moment(wanted, "endTime", world.time)
    if coin is None:
        raise internal()
    if interval not in INTERVAL_MINUTES:
        raise undeserializable()
    found = world.bars[coin].candles(interval, start, end)
    return [candle.wire(world.coins[coin], interval) for candle in found]


def recent_trades(world: World, request: Json) -> list[Json]:
    """Return the last trades of a coin, newest first."""
    coin = world.coin_index.get(text(request, "coin"))
    if coin is None:
        raise internal()
    rows = reversed(world.recent[coin])
    return [views.trade(row, world.coins[coin], world.addresses) for row in rows]


def l2_book(world: World, request: Json) -> Json | None:
    """Return the order book of a coin, None if there is no such coin."""
    coin = world.coin_index.get(text(request, "coin"))
    zoom = Zoom(small(request, "nSigFigs"), small(request, "mantissa"))
    return None if coin is None else book(world, coin, zoom)


def _meta(world: World, dex: Dex) -> Json:
    return universes.meta(dex, _perps(world, dex))


def _perps(world: World, dex: Dex) -> list[Perp]:
    return [perp for perp in world.board.perps.values() if perp.dex == dex.name]


def _spot_pairs(world: World) -> list[Pair]:
    pairs = [c for c in world.coins if isinstance(c, Pair) and not isinstance(c, Outcome)]
    return sorted(pairs, key=lambda pair: pair.index)
