"""What `POST /info` answers: one function per request type, and the registry of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, Final

from hyperliquid_simulator.accounts.trades import Fill
from hyperliquid_simulator.answers import markets, views
from hyperliquid_simulator.answers.affiliation import AFFILIATION
from hyperliquid_simulator.answers.fees import user_fees
from hyperliquid_simulator.answers.fields import flag, moment, perp_dex, text, user
from hyperliquid_simulator.answers.order_records import ORDERS
from hyperliquid_simulator.answers.overview import OVERVIEW
from hyperliquid_simulator.answers.views import Json
from hyperliquid_simulator.coins.dexes import OWN
from hyperliquid_simulator.errors import internal, undeserializable
from hyperliquid_simulator.past import archive
from hyperliquid_simulator.past.executions import MOST, aggregated
from hyperliquid_simulator.wire import MICRO, dollars
from hyperliquid_simulator.world.world import World

Answer = Callable[[World, Json], Any]

FREE_ACTIONS: Final = 10_000
"""Actions every address may send before it trades."""


def answer(world: World, request: Json) -> Any:
    """Return the venue's answer; raises RequestError where it refuses."""
    kind = request.get("type")
    if not isinstance(kind, str) or kind not in INFO:
        raise undeserializable()
    return INFO[kind](world, request)


def clearinghouse_state(world: World, address: str, dex: str = OWN) -> Json:
    """Return an account's state on a perp dex as the state node knows it."""
    account = world.account(address)
    return views.clearinghouse_state(account, world.board.perps, world.marks, world.state_time, dex)


def spot_state(world: World, address: str) -> Json:
    """Return an account's balances as the state node knows them."""
    return views.spot_clearinghouse_state(
        world.account(address), world.board.tokens, world.board.perps, world.marks
    )


def fills(world: World, address: str, *, aggregate: bool = False) -> list[Json]:
    """Return an account's newest fills, newest block first."""
    found = world.executions(address)
    return (
        [] if found is None else _told(world, _newest(found.newest_blocks(), aggregate=aggregate))
    )


def _state(world: World, request: Json) -> Json:
    dex = perp_dex(request, world.board.dexes)
    return clearinghouse_state(world, user(request), dex.name)


def _user_fills(world: World, request: Json) -> list[Json]:
    return fills(world, user(request), aggregate=flag(request, "aggregateByTime"))


def _fills_by_time(world: World, request: Json) -> list[Json]:
    start, end = moment(request, "startTime"), moment(request, "endTime", world.time)
    aggregate, found = flag(request, "aggregateByTime"), world.executions(user(request))
    if found is None:
        return []
    if flag(request, "reversed"):
        return _told(world, _newest(found.newest_blocks(start, end), aggregate=aggregate))
    rows = found.oldest_first(start, end)
    return _told(world, aggregated(rows) if aggregate else rows)


def _newest(blocks: Iterable[list[Fill]], *, aggregate: bool) -> Iterator[Fill]:
    """Yield the fills of blocks."""
    return chain.from_iterable(aggregated(block) if aggregate else block for block in blocks)


def _told(world: World, rows: Iterable[Fill]) -> list[Json]:
    """Return the first of some fills, as many as one answer holds."""
    return [views.fill(row, world.coins[row.coin]) for row in islice(rows, MOST)]


def _user_funding(world: World, request: Json) -> list[Json]:
    address = user(request)
    start, end = moment(request, "startTime"), moment(request, "endTime", world.time)
    trader = world.population.by_address.get(address)
    if trader is None:
        return []
    found = archive.charges(world.past, world.ledger, trader.index, world.coins, start, end)
    return [views.funding_payment(row, world.coins[row.coin]) for row in found]


def _funding_history(world: World, request: Json) -> list[Json]:
    coin = world.coin_index.get(text(request, "coin"))
    start, end = moment(request, "startTime"), moment(request, "endTime", world.time)
    if coin is None:
        raise internal()
    live = [hour for hour in world.funding.hours if start <= hour.time <= end]
    hours = [*world.past.funding.hours(start, end), *live][: archive.MOST_PAYMENTS]
    return [
        views.funding_rate(world.coins[coin], hour.rates[coin], hour.premiums[coin], hour.time)
        for hour in hours
        if coin < len(hour.rates)
    ]


def _ledger_updates(world: World, request: Json) -> list[Json]:
    address = user(request)
    start, end = moment(request, "startTime", 0), moment(request, "endTime", world.time)
    trader = world.population.by_address.get(address)
    if trader is None:
        return []
    found = [row for row in world.cashbook.of(trader.index) if start <= row.time <= end]
    return [views.movement(row, world.addresses) for row in found[: archive.MOST_PAYMENTS]]


def _spot_state(world: World, request: Json) -> Json:
    return spot_state(world, user(request))


def _rate_limit(world: World, request: Json) -> Json:
    """Return what an account may ask of the venue: a start, and one action per dollar traded.

    Every fill counts as an action, the only ones there are.
    """
    found = world.executions(user(request))
    volume = found.account.volume if found else 0
    return {
        "cumVlm": dollars(volume),
        "nRequestsUsed": found.count if found else 0,
        "nRequestsCap": FREE_ACTIONS + volume // MICRO,
        "nRequestsSurplus": 0,
    }


INFO: Final[Mapping[str, Answer]] = {
    **AFFILIATION,
    **ORDERS,
    **OVERVIEW,
    "userFees": user_fees,
    "meta": markets.meta,
    "metaAndAssetCtxs": markets.meta_and_contexts,
    "allPerpMetas": markets.all_perp_metas,
    "perpDexs": markets.perp_dexs,
    "spotMeta": markets.spot_meta,
    "spotMetaAndAssetCtxs": markets.spot_meta_and_contexts,
    "outcomeMeta": markets.outcome_meta,
    "allMids": markets.all_mids,
    "candleSnapshot": markets.candles,
    "recentTrades": markets.recent_trades,
    "l2Book": markets.l2_book,
    "spotClearinghouseState": _spot_state,
    "userRateLimit": _rate_limit,
    "clearinghouseState": _state,
    "userFills": _user_fills,
    "userFillsByTime": _fills_by_time,
    "userFunding": _user_funding,
    "fundingHistory": _funding_history,
    "userNonFundingLedgerUpdates": _ledger_updates,
    "exchangeStatus": lambda world, _request: {"time": world.time, "specialStatuses": None},
}
"""Every request type and the function that answers it."""
