"""What the venue tells about orders: those that were filled, and slices of TWAPs.

Orders of the simulator begin to exist when they trade, so none ever rests open.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby, islice
from typing import Any, Final

from hyperliquid_simulator.accounts.trades import Fill
from hyperliquid_simulator.answers import views
from hyperliquid_simulator.answers.fields import moment, user
from hyperliquid_simulator.answers.views import Json
from hyperliquid_simulator.coins.catalogue import Coin
from hyperliquid_simulator.coins.pairs import Listed
from hyperliquid_simulator.errors import undeserializable
from hyperliquid_simulator.past.executions import MOST
from hyperliquid_simulator.wire import exact
from hyperliquid_simulator.world.world import World


def filled_orders(fills: Iterable[Fill]) -> dict[int, list[Fill]]:
    """Return the fills of every order, in the order in which orders were first filled."""
    orders: dict[int, list[Fill]] = {}
    for fill in fills:
        orders.setdefault(fill.order, []).append(fill)
    return orders


def basic_order(parts: Sequence[Fill], coin: Coin, left: int) -> Json:
    """Return an order as updates tell it; its limit is the worst price that it accepted.

    Parameters
    ----------
    parts
        Its fills.
    left
        Lots still to be filled.
    """
    first, prices = parts[0], [part.ticks for part in parts]
    limit = max(prices) if first.side == "B" else min(prices)
    return {
        "coin": coin.name,
        "side": first.side,
        "limitPx": exact(limit, coin.price_decimals),
        "sz": exact(left, coin.size_decimals),
        "oid": first.order,
        "timestamp": first.time,
        "origSz": exact(sum(part.lots for part in parts), coin.size_decimals),
    }


def record(parts: Sequence[Fill], coin: Coin) -> Json:
    """Return a filled order as histories tell it."""
    basic = basic_order(parts, coin, 0)
    size = basic.pop("origSz")
    order = basic | {
        "triggerCondition": "N/A",
        "isTrigger": False,
        "triggerPx": "0.0",
        "children": [],
        "isPositionTpsl": False,
        "reduceOnly": False,
        "orderType": "Limit",
        "origSz": size,
        "tif": "Ioc" if parts[0].crossed else "Gtc",
        "cloid": None,
    }
    return {"order": order, "status": "filled", "statusTimestamp": parts[-1].time}


def twap_slice(fill: Fill, coin: Listed) -> Json:
    """Return a fill as a slice of its TWAP: the fill itself does not name it."""
    return {"fill": views.fill(fill, coin) | {"twapId": None}, "twapId": fill.twap}


def twap_slices(world: World, address: str) -> list[Json]:
    """Return the newest slices of an account's TWAPs, newest block first."""
    slices = (fill for fill in _newest(world, address) if fill.twap is not None)
    return [twap_slice(fill, world.coins[fill.coin]) for fill in islice(slices, MOST)]


def _newest(world: World, address: str) -> Iterator[Fill]:
    """Yield an account's fills, newest block first."""
    found = world.executions(address)
    return chain.from_iterable(found.newest_blocks()) if found else iter(())


def _historical_orders(world: World, request: Json) -> list[Json]:
    found = world.executions(user(request))
    blocks = found.newest_blocks() if found else iter(())
    orders = (parts for block in blocks for parts in [*filled_orders(block).values()][::-1])
    return [record(parts, world.coins[parts[0].coin]) for parts in islice(orders, MOST)]


def _order_status(world: World, request: Json) -> Json:
    oid, address = request.get("oid"), user(request)
    if isinstance(oid, bool) or not isinstance(oid, int | str):
        raise undeserializable()
    orders = groupby(_newest(world, address), key=lambda fill: fill.order)
    parts = next((list(fills) for order, fills in orders if order == oid), None)
    if not parts:
        return {"status": "unknownOid"}
    return {"status": "order", "order": record(parts, world.coins[parts[0].coin])}


def _slices(world: World, request: Json) -> list[Json]:
    return twap_slices(world, user(request))


def _slices_by_time(world: World, request: Json) -> list[Json]:
    start, end = moment(request, "startTime"), moment(request, "endTime", world.time)
    found = world.executions(user(request))
    fills = found.oldest_first(start, end) if found else iter(())
    slices = (fill for fill in fills if fill.twap is not None)
    return [twap_slice(fill, world.coins[fill.coin]) for fill in islice(slices, MOST)]


def _none_of(world: World, request: Json) -> list[Json]:  # noqa: ARG001 - nobody has any
    user(request)
    return []


ORDERS: Final[Mapping[str, Callable[[World, Json], Any]]] = {
    "openOrders": _none_of,
    "frontendOpenOrders": _none_of,
    "historicalOrders": _historical_orders,
    "orderStatus": _order_status,
    "userTwapSliceFills": _slices,
    "userTwapSliceFillsByTime": _slices_by_time,
    "twapHistory": _none_of,
}
"""Request types about orders and the functions that answer them."""
