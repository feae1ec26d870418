"""Channels about one account: states of all dexes, events and orders."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies as st

from hyperliquid_simulator.accounts.trades import Fill
from hyperliquid_simulator.answers import info, views
from hyperliquid_simulator.coins.catalogue import COINS
from hyperliquid_simulator.coins.funding import HOUR_MS
from hyperliquid_simulator.protocol.channels import CHANNELS, frame, parse_subscription
from hyperliquid_simulator.protocol.feeds import Feed, digest
from hyperliquid_simulator.protocol.order_channels import order_updates
from hyperliquid_simulator.wire import ZERO_HASH
from hyperliquid_simulator.world.world import World

STATES = ("allDexsClearinghouseState", "userFundings", "userNonFundingLedgerUpdates")
EVENTS = ("userEvents", "orderUpdates")


def feed(world: World, kind: str, user: str) -> Feed:
    return Feed(parse_subscription({"type": kind, "user": user}, world), world.time)


def bought(lots: int, ticks: int, order: int = 9, *, crossed: bool = True) -> Fill:
    return Fill(0, ticks, lots, "B", 1_000, 0, 0, ZERO_HASH, order, crossed, 0, 7, None)


@pytest.mark.parametrize("kind", [*STATES, *EVENTS])
def test_the_echo_has_the_user_in_lower_case_and_nothing_else(world: World, kind: str) -> None:
    asked = {"type": kind, "user": "0x" + "AB" * 20, "dex": "", "aggregateByTime": True}

    assert parse_subscription(asked, world).wire() == {"type": kind, "user": "0x" + "ab" * 20}


@pytest.mark.parametrize("kind", EVENTS)
def test_events_and_orders_have_no_snapshot(world: World, kind: str) -> None:
    user = world.population.makers[0].address

    assert CHANNELS[kind].first(world, feed(world, kind, user)) is None


def test_states_of_all_dexes_are_those_of_rest(world: World) -> None:
    user = world.population.makers[0].address
    kind = "allDexsClearinghouseState"

    data = CHANNELS[kind].first(world, feed(world, kind, user))

    names = ("", "flx", "hyna", "xyz")
    states = {name: info.clearinghouse_state(world, user, name) for name in names}
    assert data == {"user": user, "clearinghouseStates": [[*row] for row in states.items()]}
    assert states["xyz"]["assetPositions"]


def test_spot_states_are_those_of_rest_under_a_canonical_echo(world: World) -> None:
    user = world.population.makers[0].address
    wanted = parse_subscription({"type": "spotState", "user": user.upper()}, world)

    data = CHANNELS["spotState"].first(world, Feed(wanted, world.time))

    assert wanted.wire() == {"type": "spotState", "user": user, "ignorePortfolioMargin": False}
    rest = info.answer(world, {"type": "spotClearinghouseState", "user": user})
    assert data == {"user": user, "spotState": rest}


def test_a_swept_book_opens_an_order_and_fills_it_in_one_frame() -> None:
    updates = order_updates([bought(200, 850_000), bought(100, 850_010)], COINS)

    order = {
        "coin": "BTC",
        "side": "B",
        "limitPx": "85001.0",
        "sz": "0.003",
        "oid": 9,
        "timestamp": 1_000,
        "origSz": "0.003",
    }
    assert updates == [
        {"order": order, "status": "open", "statusTimestamp": 1_000},
        {"order": order | {"sz": "0.0"}, "status": "filled", "statusTimestamp": 1_000},
    ]


def test_a_resting_order_is_seen_when_it_fills() -> None:
    updates = order_updates([bought(200, 850_000, crossed=False)], COINS)

    assert [(u["status"], u["order"]["sz"]) for u in updates] == [("filled", "0.0")]


@given(
    st.lists(
        st.builds(bought, st.integers(1, 9**9), st.integers(1, 9**9), st.integers(1, 5)),
        max_size=20,
    )
)
def test_orders_account_for_every_lot_and_no_fill_is_beyond_its_limit(fills: list[Fill]) -> None:
    updates = order_updates(fills, COINS)

    filled = {u["order"]["oid"]: u["order"] for u in updates if u["status"] == "filled"}
    for fill in fills:
        assert Decimal(fill.ticks) / 10 <= Decimal(filled[fill.order]["limitPx"])
    assert sum(Decimal(o["origSz"]) for o in filled.values()) == sum(
        Decimal(f.lots) / 10**5 for f in fills
    )
    assert len(updates) == 2 * len(filled)


def test_events_and_orders_tell_every_fill_and_never_the_account(world: World) -> None:
    people = [t.address for t in world.population.traders]
    feeds = [(feed(world, kind, user), kind) for user in people for kind in EVENTS]
    fills: list[Any] = []
    events: list[Any] = []
    orders: set[int] = set()
    for _ in range(150):
        seen = digest(world.step())
        fills += [views.fill(fill, world.coins[fill.coin]) for _, fill in seen.block.fills]
        for one, kind in feeds:
            for data in CHANNELS[kind].later(world, one, seen):
                assert not any(user in frame("x", data).decode() for user in people)
                if kind == "userEvents":
                    events.append(data)
                else:
                    orders |= {u["order"]["oid"] for u in data}

    told = [row for event in events for row in event.get("fills", ())]
    slices = [row for event in events for row in event.get("twapSliceFills", ())]
    assert all(len(event) == 1 for event in events)
    assert sorted(told, key=str) == sorted(fills, key=str)
    assert orders == {row["oid"] for row in fills}
    assert slices
    assert all(s["fill"]["hash"] == ZERO_HASH and s["fill"]["twapId"] is None for s in slices)
    assert len(slices) == sum(row["twapId"] is not None for row in fills)


def test_funding_opens_with_what_rest_says_and_goes_on_without_the_mark(world: World) -> None:
    user = world.population.planted(0)[0].address
    fundings, events = feed(world, "userFundings", user), feed(world, "userEvents", user)
    began = world.time
    snapshot = CHANNELS["userFundings"].first(world, fundings)

    world.skip_to((began // HOUR_MS + 1) * HOUR_MS)
    paid: list[Any] = []
    told: list[Any] = []
    while not paid:
        seen = digest(world.step())
        paid += CHANNELS["userFundings"].later(world, fundings, seen)
        told += CHANNELS["userEvents"].later(world, events, seen)
    again = [d for _ in range(5) for d in _later(world, fundings)]

    since = snapshot["fundings"][0]["time"]
    rest = info.answer(world, {"type": "userFunding", "user": user, "startTime": since})
    flat = [
        {"time": row["time"]} | {k: v for k, v in row["delta"].items() if k != "type"}
        for row in rest
    ]
    assert list(snapshot) == ["isSnapshot", "user", "fundings"]
    assert began - since > 40 * HOUR_MS
    assert snapshot["fundings"] == [row for row in flat if row["time"] <= began]
    assert len(paid) == 1
    assert list(paid[0]) == ["user", "fundings"]
    by_coin = sorted(paid[0]["fundings"], key=lambda row: row["coin"])
    assert by_coin == [row for row in flat if row["time"] > began]
    assert [t["funding"] for t in told if "funding" in t] == paid[0]["fundings"]
    assert again == []


def test_who_subscribes_after_the_charge_does_not_hear_of_it_as_new(world: World) -> None:
    user = world.population.planted(0)[0].address
    world.skip_to((world.time // HOUR_MS + 1) * HOUR_MS)
    for _ in range(3):
        world.step()

    late = feed(world, "userFundings", user)

    assert [d for _ in range(5) for d in _later(world, late)] == []


def test_the_ledger_opens_with_what_rest_says(world: World) -> None:
    kind, user = "userNonFundingLedgerUpdates", world.addresses[0]
    ledger = feed(world, kind, user)

    data = CHANNELS[kind].first(world, ledger)

    rows = info.answer(world, {"type": kind, "user": user})
    assert data == {"isSnapshot": True, "user": user, "nonFundingLedgerUpdates": rows}
    assert rows
    assert list(_later(world, ledger)) == []


def _later(world: World, of: Feed) -> list[Any]:
    return list(CHANNELS[of.subscription.type].later(world, of, digest(world.step())))
