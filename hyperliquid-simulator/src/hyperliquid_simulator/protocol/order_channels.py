"""Channels about orders and TWAPs: what was filled, and the empty lists of what is not here."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from hyperliquid_simulator.accounts.trades import Fill
from hyperliquid_simulator.answers.order_records import (
    basic_order,
    filled_orders,
    twap_slice,
    twap_slices,
)
from hyperliquid_simulator.answers.views import Json
from hyperliquid_simulator.coins.catalogue import Coin
from hyperliquid_simulator.protocol.feeds import Asked, Channel, News
from hyperliquid_simulator.wire import exact


def order_updates(fills: Sequence[Fill], coins: Sequence[Coin]) -> list[Json]:
    """Return what happened to the orders behind one account's fills of a block.

    An order that took is opened and filled at once. One that rested is seen when it fills; nobody
    saw it placed, because the simulator's orders begin to exist when they trade.
    """
    found: list[Json] = []
    for parts in filled_orders(fills).values():
        steps = [("filled", 0)]
        if parts[0].crossed:
            steps = [("open", sum(part.lots for part in parts)), *steps]
        found += [
            {
                "order": basic_order(parts, coins[parts[0].coin], left),
                "status": status,
                "statusTimestamp": parts[0].time,
            }
            for status, left in steps
        ]
    return found


def _new_order_updates(news: News) -> Iterator[list[Json]]:
    if news.fills:
        yield order_updates(news.fills, news.asked.world.coins)


def _notices(news: News) -> Iterator[Json]:
    """Yield the sentence that the venue's own page shows for a resting order that fills."""
    for fill in news.fills:
        if not fill.crossed:
            coin = news.asked.world.coins[fill.coin]
            verb, size = (
                "Bought" if fill.side == "B" else "Sold",
                exact(fill.lots, coin.size_decimals),
            )
            price = exact(fill.ticks, coin.price_decimals)
            text = f"Resting order filled: {verb} {size} {coin.name} at ${price}"
            yield {"notification": text}


def _slices(asked: Asked) -> Json:
    user = asked.subscription["user"]
    return {"isSnapshot": True, "user": user, "twapSliceFills": twap_slices(asked.world, user)}


def _new_slices(news: News) -> Iterator[Json]:
    coins = news.asked.world.coins
    rows = [twap_slice(fill, coins[fill.coin]) for fill in news.fills if fill.twap is not None]
    if rows:
        yield {"user": news.asked.subscription["user"], "twapSliceFills": rows}


def _nothing(name: str, *parameters: str) -> Channel:
    """Return a channel whose list is always empty, in the venue's shape."""

    def opening(asked: Asked) -> dict[str, Any]:
        snapshot = {} if "dex" in parameters else {"isSnapshot": True}
        told = {key: asked.subscription[key] for key in sorted(parameters)}
        return snapshot | told | {EMPTY[name]: []}

    return Channel(name, parameters, opening=opening)


EMPTY: Final = {"openOrders": "orders", "twapStates": "states", "userTwapHistory": "history"}
"""Channels of what nobody here has, and the key of their list."""

ORDER_CHANNELS: Final = (
    Channel("orderUpdates", ("user",), update=_new_order_updates, anonymous=True),
    Channel("notification", ("user",), update=_notices, anonymous=True),
    Channel("userTwapSliceFills", ("user",), opening=_slices, update=_new_slices),
    _nothing("openOrders", "user", "dex"),
    _nothing("twapStates", "user", "dex"),
    _nothing("userTwapHistory", "user"),
)
