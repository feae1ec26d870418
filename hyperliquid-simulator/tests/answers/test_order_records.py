"""What is told about orders follows from the fills, and from nothing else."""

from decimal import Decimal
from itertools import groupby
from typing import Any

import pytest

from hyperliquid_simulator.answers import info
from hyperliquid_simulator.coins.catalogue import Perp
from hyperliquid_simulator.errors import RequestError
from hyperliquid_simulator.protocol.channels import CHANNELS
from hyperliquid_simulator.protocol.feeds import Asked, Feed, digest
from hyperliquid_simulator.protocol.order_channels import EMPTY
from hyperliquid_simulator.protocol.subscriptions import Subscription
from hyperliquid_simulator.world.world import World

UNKNOWN = "0x" + "0" * 40


@pytest.fixture
def lived(world: World) -> World:
    """A world some seconds after its start."""
    for _ in range(200):
        world.step()
    return world


@pytest.fixture
def slicer(lived: World) -> str:
    """An account that ran a TWAP."""
    return next(
        lived.addresses[account.index]
        for account in lived.ledger.accounts
        if any(fill.twap is not None for fill in account.fills)
    )


def test_histories_hold_every_order_once_newest_first_with_all_its_fills(lived: World) -> None:
    user = lived.population.makers[0].address
    orders = info.answer(lived, {"type": "historicalOrders", "user": user})
    fills = info.answer(lived, {"type": "userFills", "user": user})

    by_order = {row["order"]["oid"]: row for row in orders}
    assert len(by_order) == len(orders)
    assert {fill["oid"] for fill in fills} == by_order.keys()
    for oid, parts in groupby(sorted(fills, key=lambda fill: fill["oid"]), lambda f: f["oid"]):
        rows, order = list(parts), by_order[oid]["order"]
        assert Decimal(order["origSz"]) == sum(Decimal(row["sz"]) for row in rows)
        assert order["tif"] == ("Ioc" if rows[0]["crossed"] else "Gtc")
        worst = (max if order["side"] == "B" else min)(Decimal(row["px"]) for row in rows)
        assert Decimal(order["limitPx"]) == worst
    times = [row["statusTimestamp"] for row in orders]
    assert times == sorted(times, reverse=True)


def test_an_order_is_found_by_its_number_and_by_nobody_elses_account(lived: World) -> None:
    user = lived.population.makers[0].address
    row = info.answer(lived, {"type": "historicalOrders", "user": user})[0]
    asked = {"type": "orderStatus", "oid": row["order"]["oid"]}

    assert info.answer(lived, asked | {"user": user}) == {"status": "order", "order": row}
    assert info.answer(lived, asked | {"user": UNKNOWN}) == {"status": "unknownOid"}
    cloid = asked | {"user": user, "oid": "0x" + "0" * 32}
    assert info.answer(lived, cloid) == {"status": "unknownOid"}


@pytest.mark.parametrize("oid", [None, 1.5, True, [1]])
def test_an_order_without_a_number_is_no_request(world: World, oid: Any) -> None:
    with pytest.raises(RequestError):
        info.answer(world, {"type": "orderStatus", "user": UNKNOWN, "oid": oid})


def test_slices_are_the_fills_that_name_their_twap(lived: World, slicer: str) -> None:
    fills = info.answer(lived, {"type": "userFills", "user": slicer})
    slices = info.answer(lived, {"type": "userTwapSliceFills", "user": slicer})
    since = {"type": "userTwapSliceFillsByTime", "user": slicer, "startTime": 0}

    of_twaps = [fill for fill in fills if fill["twapId"] is not None]
    assert [row["fill"] | {"twapId": row["twapId"]} for row in slices] == of_twaps
    assert sorted(slices, key=lambda row: row["fill"]["time"]) == info.answer(lived, since)


def test_slices_come_with_the_block_that_holds_them(lived: World, slicer: str) -> None:
    channel = CHANNELS["userTwapSliceFills"]
    feed = Feed(Subscription(channel.name, (("user", slicer),)), lived.time)
    first = channel.first(lived, feed)
    later = [data for _ in range(400) for data in channel.later(lived, feed, digest(lived.step()))]
    everything = info.answer(lived, {"type": "userTwapSliceFills", "user": slicer})

    told = [*(row for data in later for row in data["twapSliceFills"]), *first["twapSliceFills"]]
    assert sorted(row["fill"]["tid"] for row in told) == sorted(
        row["fill"]["tid"] for row in everything
    )


def test_a_notice_is_a_sentence_about_an_order_that_rested(lived: World) -> None:
    maker = lived.population.makers[0].address
    channel = CHANNELS["notification"]
    feed = Feed(Subscription(channel.name, (("user", maker),)), lived.time)

    texts, fills = list[str](), 0
    for _ in range(100):
        seen = digest(lived.step())
        texts += [data["notification"] for data in channel.later(lived, feed, seen)]
        fills += sum(not fill.crossed for fill in seen.fills.get(0, ()))

    assert texts
    assert all(text.startswith("Resting order filled: ") for text in texts)
    assert {text.split()[3] for text in texts} == {"Bought", "Sold"}


@pytest.mark.parametrize("kind", ["openOrders", "frontendOpenOrders", "twapHistory"])
def test_nobody_has_orders_that_rest(world: World, kind: str) -> None:
    assert info.answer(world, {"type": kind, "user": world.addresses[0]}) == []
    with pytest.raises(RequestError):
        info.answer(world, {"type": kind})


@pytest.mark.parametrize("kind", EMPTY)
def test_channels_of_what_nobody_has_say_so_in_the_venues_shape(world: World, kind: str) -> None:
    parameters = (("user", UNKNOWN), ("dex", ""))[: len(CHANNELS[kind].parameters)]
    asked = Asked(world, Feed(Subscription(kind, parameters), world.time))

    data = CHANNELS[kind].opening(asked)  # type: ignore[misc] # these have one

    assert data[EMPTY[kind]] == []
    assert data["user"] == UNKNOWN
    assert ("isSnapshot" in data) == ("dex" not in data)


def test_fees_are_those_that_were_charged_and_volume_that_of_the_fills(lived: World) -> None:
    user = lived.population.makers[0].address
    fees = info.answer(lived, {"type": "userFees", "user": user})
    fills = info.answer(lived, {"type": "userFills", "user": user})

    perps = {coin.name for coin in lived.coins if isinstance(coin, Perp)}
    made = [
        fill
        for fill in fills
        if fill["coin"] in perps and not fill["crossed"] and Decimal(fill["fee"]) != 0
    ]
    notional = sum(Decimal(fill["sz"]) * Decimal(fill["px"]) for fill in made)
    paid = sum(Decimal(fill["fee"]) for fill in made)
    assert float(paid / notional) == pytest.approx(float(fees["userAddRate"]), rel=1e-3)
    today = fees["dailyUserVlm"][-1]
    assert today["date"] == "2026-11-01"
    assert Decimal(today["userAdd"]) > 0
    assert Decimal(today["exchange"]) > Decimal(today["userAdd"]) / 2
