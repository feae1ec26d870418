"""What `POST /info` answers: one function per request type, and the registry of them."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from hyperliquid_simulator import archive, spot, views
from hyperliquid_simulator.affiliation import AFFILIATION
from hyperliquid_simulator.book import Zoom, levels
from hyperliquid_simulator.candles import INTERVAL_MINUTES
from hyperliquid_simulator.errors import internal, undeserializable
from hyperliquid_simulator.fees import user_fees
from hyperliquid_simulator.fields import flag, main_dex, moment, small, text, user
from hyperliquid_simulator.ledger import Fill
from hyperliquid_simulator.order_records import ORDERS
from hyperliquid_simulator.views import Json
from hyperliquid_simulator.wire import MICRO, dollars
from hyperliquid_simulator.world import World

Answer = Callable[[World, Json], Any]

FREE_ACTIONS: Final = 10_000
"""Actions every address may send before it trades."""


def answer(world: World, request: Json) -> Any:
    """Return the venue's answer; raises RequestError where it refuses."""
    kind = request.get("type")
    if not isinstance(kind, str) or kind not in INFO:
        raise undeserializable()
    return INFO[kind](world, request)


def meta(world: World, request: Json) -> Json:
    """Return the universe."""
    main_dex(request)
    return views.meta(world.coins)


def contexts(world: World) -> list[Json]:
    """Return the market context of every coin, aligned with the universe."""
    return [context(world, i) for i in range(len(world.coins))]


def context(world: World, coin: int) -> Json:
    """Return the market context of one coin."""
    return views.asset_context(
        world.coins[coin],
        world.market.quotes[coin],
        world.bars[coin].day(),
        world.funding[coin],
        world.ledger.open_interest[coin],
    )


def mids(world: World) -> dict[str, str]:
    """Return the middle of every book by coin."""
    quotes = world.market.quotes
    return {c.name: views.middle(c, q) for c, q in zip(world.coins, quotes, strict=True)}


def clearinghouse_state(world: World, address: str) -> Json:
    """Return an account's state as the state node knows it."""
    return views.clearinghouse_state(
        world.account(address), world.coins, world.marks, world.state_time
    )


def fills(world: World, address: str, *, aggregate: bool = False) -> list[Json]:
    """Return an account's newest fills, newest block first."""
    newest = archive.newest_blocks_first(_executed(world, address, aggregate=aggregate))
    return [views.fill(row, world.coins[row.coin]) for row in newest[: archive.MOST]]


def _executed(world: World, address: str, *, aggregate: bool) -> list[Fill]:
    """Return the fills of an address in execution order; there are none of an unknown one."""
    trader = world.population.by_address.get(address)
    if trader is None:
        return []
    account = world.ledger.accounts[trader.index]
    found = archive.execution_order(world.past, world.config.seed, account)
    return archive.aggregated(found) if aggregate else found


def _meta_and_contexts(world: World, request: Json) -> list[Any]:
    return [meta(world, request), contexts(world)]


def _all_mids(world: World, request: Json) -> dict[str, str]:
    main_dex(request)
    return mids(world)


def _state(world: World, request: Json) -> Json:
    main_dex(request)
    return clearinghouse_state(world, user(request))


def _user_fills(world: World, request: Json) -> list[Json]:
    return fills(world, user(request), aggregate=flag(request, "aggregateByTime"))


def _fills_by_time(world: World, request: Json) -> list[Json]:
    start, end = moment(request, "startTime"), moment(request, "endTime", world.time)
    found = _executed(world, user(request), aggregate=flag(request, "aggregateByTime"))
    if flag(request, "reversed"):
        within = [fill for fill in found if start <= fill.time <= end]
        chosen = archive.newest_blocks_first(within)[: archive.MOST]
    else:
        chosen = archive.between(found, start, end)
    return [views.fill(row, world.coins[row.coin]) for row in chosen]


def _candles(world: World, request: Json) -> list[Json]:
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


def _recent_trades(world: World, request: Json) -> list[Json]:
    coin = world.coin_index.get(text(request, "coin"))
    if coin is None:
        raise internal()
    rows = reversed(world.recent[coin])
    return [views.trade(row, world.coins[coin], world.addresses) for row in rows]


def _l2_book(world: World, request: Json) -> Json | None:
    coin = world.coin_index.get(text(request, "coin"))
    zoom = Zoom(small(request, "nSigFigs"), small(request, "mantissa"))
    return None if coin is None else book(world, coin, zoom)


def book(world: World, coin: int, zoom: Zoom, depth: int = 20) -> Json:
    """Return the order book of one coin."""
    quote, listed = world.market.quotes[coin], world.coins[coin]
    return {
        "coin": listed.name,
        "time": world.time,
        "levels": levels(listed, quote, world.time, zoom, depth),
    }


def _user_funding(world: World, request: Json) -> list[Json]:
    address = user(request)
    start, end = moment(request, "startTime"), moment(request, "endTime", world.time)
    trader = world.population.by_address.get(address)
    if trader is None:
        return []
    account = world.ledger.accounts[trader.index]
    found = archive.charges(world.past, account, start, end)
    return [views.funding_payment(row, world.coins[row.coin]) for row in found]


def _funding_history(world: World, request: Json) -> list[Json]:
    coin = world.coin_index.get(text(request, "coin"))
    start, end = moment(request, "startTime"), moment(request, "endTime", world.time)
    if coin is None:
        raise internal()
    live = [hour for hour in world.funding_hours if start <= hour.time <= end]
    hours = [*world.past.funding.hours(start, end), *live][: archive.MOST_PAYMENTS]
    return [
        views.funding_rate(world.coins[coin], hour.rates[coin], hour.premiums[coin], hour.time)
        for hour in hours
    ]


def _ledger_updates(world: World, request: Json) -> list[Json]:
    address = user(request)
    start, end = moment(request, "startTime", 0), moment(request, "endTime", world.time)
    trader = world.population.by_address.get(address)
    if trader is None:
        return []
    found = [row for row in world.cashbook.of(trader.index) if start <= row.time <= end]
    return [views.movement(row, world.addresses) for row in found[: archive.MOST_PAYMENTS]]


def _spot_state(_world: World, request: Json) -> Json:
    user(request)
    return spot.clearinghouse_state()


def _rate_limit(world: World, request: Json) -> Json:
    """Return what an account may ask of the venue: a start, and one action per dollar traded.

    Every fill counts as an action, the only ones there are.
    """
    trader = world.population.by_address.get(user(request))
    account = world.ledger.accounts[trader.index] if trader else None
    volume = account.volume if account else 0
    used = archive.executed(world.past, account) if account else 0
    return {
        "cumVlm": dollars(volume),
        "nRequestsUsed": used,
        "nRequestsCap": FREE_ACTIONS + volume // MICRO,
        "nRequestsSurplus": 0,
    }


INFO: Final[Mapping[str, Answer]] = {
    **AFFILIATION,
    **ORDERS,
    "userFees": user_fees,
    "meta": meta,
    "metaAndAssetCtxs": _meta_and_contexts,
    "spotMeta": lambda _world, _request: views.spot_meta(),
    "spotMetaAndAssetCtxs": lambda _world, _request: spot.meta_and_contexts(),
    "spotClearinghouseState": _spot_state,
    "userRateLimit": _rate_limit,
    "allPerpMetas": lambda world, _request: [views.meta(world.coins)],
    "perpDexs": lambda _world, _request: [None],
    "allMids": _all_mids,
    "clearinghouseState": _state,
    "candleSnapshot": _candles,
    "userFills": _user_fills,
    "userFillsByTime": _fills_by_time,
    "userFunding": _user_funding,
    "fundingHistory": _funding_history,
    "userNonFundingLedgerUpdates": _ledger_updates,
    "recentTrades": _recent_trades,
    "l2Book": _l2_book,
    "exchangeStatus": lambda world, _request: {"time": world.time, "specialStatuses": None},
}
"""Every request type and the function that answers it."""
