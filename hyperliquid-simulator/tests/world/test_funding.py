"""Funding charged in the past and by the living world, and how it is served."""

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, strategies as st

from hyperliquid_simulator.answers import info
from hyperliquid_simulator.answers.views import Json
from hyperliquid_simulator.coins.funding import (
    CAP,
    DELAY_MS,
    HOUR_MS,
    hourly_rates,
    next_stamp,
    stamp,
)
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.wire import MICRO
from hyperliquid_simulator.world.world import World


@pytest.fixture
def later(config: Config) -> World:
    """A world that lived through a full hour and a gap of two more."""
    assert config.start is not None
    late = replace(config, start=config.start + timedelta(minutes=59, seconds=52))
    world = World(late, late.start_ms)
    for _ in range(30):
        world.step()
    world.skip_to(world.time + 2 * HOUR_MS)
    for _ in range(30):
        world.step()
    return world


@given(st.floats(-0.05, 0.05))
def test_a_rate_lies_within_the_cap_of_its_premium(premium: float) -> None:
    rate = float(hourly_rates(np.array([premium]))[0])

    assert abs(8 * rate - premium) <= CAP + 1e-8


@given(st.integers(0, 2**40), st.integers(0, 9))
def test_the_next_charge_lies_ahead_and_right_after_an_hour(time: int, seed: int) -> None:
    due = next_stamp(seed, time)

    assert time < due <= time + HOUR_MS + DELAY_MS[1]
    assert DELAY_MS[0] <= due % HOUR_MS <= DELAY_MS[1]
    assert next_stamp(seed, due - 1) == due == stamp(seed, due - due % HOUR_MS)


def test_every_hour_of_past_and_present_has_one_rate(later: World) -> None:
    rows = info.answer(later, {"type": "fundingHistory", "coin": "BTC", "startTime": 0})

    assert len(rows) == later.config.history_days * 24 + 2 + 2
    assert [b["time"] // HOUR_MS - a["time"] // HOUR_MS for a, b in pairwise(rows)] == [1] * (
        len(rows) - 1
    )
    assert all(DELAY_MS[0] <= row["time"] % HOUR_MS <= DELAY_MS[1] for row in rows)
    assert len({row["fundingRate"] for row in rows}) > 5
    assert max({r["fundingRate"] for r in rows}, key=[r["fundingRate"] for r in rows].count) == (
        "0.0000125"
    )


def test_a_block_happens_when_funding_is_charged(config: Config) -> None:
    assert config.start is not None
    late = replace(config, start=config.start + timedelta(minutes=59, seconds=52))
    world = World(late, late.start_ms)

    blocks = {world.step().time for _ in range(30)}

    assert world.funding.hours[0].time in blocks


def test_what_was_charged_is_what_positions_have_paid_to_the_digit(later: World) -> None:
    for address in later.addresses:
        paid: dict[str, Decimal] = defaultdict(Decimal)
        for row in _payments(later, address):
            paid[row["delta"]["coin"]] -= Decimal(row["delta"]["usdc"])

        for held in info.clearinghouse_state(later, address)["assetPositions"]:
            coin, funding = held["position"]["coin"], held["position"]["cumFunding"]
            assert _micro(paid[coin]) == _micro(Decimal(funding["allTime"]))


def test_every_pocket_is_worth_its_deposit_profit_fees_and_funding(later: World) -> None:
    for trader in later.population.traders:
        if trader.style in ("maker", "provider"):
            continue
        account = later.ledger.accounts[trader.index]
        fills = info.answer(later, {"type": "userFills", "user": trader.address})
        payments = _payments(later, trader.address)
        assert len(fills) < 2000
        for dex, pocket in account.pockets.items():
            state = info.clearinghouse_state(later, trader.address, dex)
            coins = {later.coins[coin].name for coin in later.board.universe(dex)}

            profit = Decimal(0)
            for fill in fills:
                if fill["coin"] in coins:
                    profit += Decimal(fill["closedPnl"]) - Decimal(fill["fee"])
            for row in payments:
                if row["delta"]["coin"] in coins:
                    profit += Decimal(row["delta"]["usdc"])
            profit += sum(Decimal(p["position"]["unrealizedPnl"]) for p in state["assetPositions"])
            worth = Decimal(state["marginSummary"]["accountValue"])
            assert _micro(worth - profit) == pocket.deposited


def test_what_longs_pay_shorts_receive_every_hour(later: World) -> None:
    total: dict[tuple[str, int], Decimal] = defaultdict(Decimal)
    for address in later.addresses:
        for row in _payments(later, address):
            delta = row["delta"]
            total[delta["coin"], row["time"]] += Decimal(delta["usdc"])
            if Decimal(delta["usdc"]):
                owes = (Decimal(delta["szi"]) > 0) == (Decimal(delta["fundingRate"]) > 0)
                assert owes == (Decimal(delta["usdc"]) < 0)

    assert len(total) > 400
    assert all(abs(rest) <= Decimal(len(later.addresses)) / MICRO for rest in total.values())


def test_funding_since_the_last_change_is_part_of_that_since_opening(later: World) -> None:
    found = [p for account in later.ledger.accounts for p in account.positions.values() if p.lots]

    changed = [p for p in found if p.funding_since_change != p.funding_since_open]
    opened = [p for p in found if p.funding_since_open != p.funding]
    assert changed
    assert opened


def test_pages_are_inclusive_ascending_and_end_at_five_hundred_rows(config: Config) -> None:
    world = World(replace(config, history_days=10), config.start_ms)
    asked = {"type": "userFunding", "user": world.population.makers[0].address}

    whole = info.answer(world, asked | {"startTime": 0})
    last = whole[-1]["time"]
    within = info.answer(world, asked | {"startTime": last, "endTime": last})
    more = info.answer(world, asked | {"startTime": last})

    assert len(whole) == 500
    order = [(row["time"], row["delta"]["coin"]) for row in whole]
    assert order == sorted(order)
    assert {row["time"] for row in within} == {last}
    assert whole[-1] in within
    assert more[: len(within)] == within


def test_nobody_unknown_was_charged(world: World) -> None:
    unknown = {"type": "userFunding", "user": "0x" + "ab" * 20, "startTime": 0}

    assert info.answer(world, unknown) == []


def _payments(world: World, address: str) -> list[Json]:
    """Read every payment in inclusive pages of a day."""
    first = world.past.origin_ms
    found: list[Json] = []
    for start in range(first, world.time + 1, 24 * HOUR_MS):
        found += info.answer(
            world,
            {
                "type": "userFunding",
                "user": address,
                "startTime": start,
                "endTime": start + 24 * HOUR_MS - 1,
            },
        )
    return found


def _micro(amount: Decimal) -> int:
    return round(amount * MICRO)
