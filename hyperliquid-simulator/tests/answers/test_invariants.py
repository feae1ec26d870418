"""The arithmetic of account states, to the digit, against the venue's own and over random books."""

import os
from collections.abc import Iterator
from dataclasses import replace
from decimal import ROUND_DOWN, Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
from hypothesis import given, settings, strategies as st

from hyperliquid_simulator.accounts.account import Account
from hyperliquid_simulator.accounts.holdings import Pocket, Position
from hyperliquid_simulator.accounts.margin import tiers, whole
from hyperliquid_simulator.answers import info
from hyperliquid_simulator.answers.views import Json, clearinghouse_state
from hyperliquid_simulator.coins.catalogue import COINS, MARGIN_TIERS, Perp
from hyperliquid_simulator.coins.dexes import BUILDER_COINS, OWN
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.wire import MICRO
from hyperliquid_simulator.world.world import World

MILLIONTH = Decimal("0.000001")

lots = st.integers(-(10**7), 10**7)
held = st.tuples(lots, st.floats(0.5, 2.0), st.floats(0.5, 2.0), st.booleans())
books = st.dictionaries(st.integers(0, 11), held, max_size=6)


@settings(max_examples=200)
@given(books, st.integers(-(10**14), 10**14), st.sampled_from([3, 5, 10, 20]))
def test_the_account_invariants_hold_for_every_book(
    book: dict[int, tuple[int, float, float, bool]], cash: int, leverage: int
) -> None:
    account = Account(index=0, leverage=leverage, pockets={"": Pocket(cash)})
    marks = [coin.ticks(coin.price) for coin in COINS]
    for coin, (size, entry, moved, alone) in book.items():
        listed = COINS[coin]
        marks[coin] = listed.ticks(listed.price * moved)
        cost = size * listed.ticks(listed.price * entry)
        raw = abs(cost) // leverage - cost
        account.positions[coin] = Position(size, cost, isolated=alone, raw=raw * alone)

    check(clearinghouse_state(account, COINS, marks, 1))


def test_the_account_invariants_hold_at_every_block_of_a_crash(config: Config) -> None:
    world = World(replace(config, traders=20, history_days=1), config.start_ms)
    for account in world.ledger.accounts[::2]:
        pool = whole(account, world.board.perps, world.marks, "")
        account.pocket("").receive(pool.notional // 30 - pool.value)
    liquidated = 0

    for nth in range(60):
        if nth % 20 == 10:
            world.jump(nth % 3, 0.98)
        liquidated += len(world.step().movements)
        for dex in world.board.dexes:
            for account, address in zip(world.ledger.accounts, world.addresses, strict=True):
                state = info.clearinghouse_state(world, address, dex.name)
                check(state, account.backing if dex.name == OWN else 0)

    assert liquidated


@given(st.integers(-(10**9), 10**9).filter(bool), st.integers(0, 10**15), st.integers(0, 11))
def test_at_its_liquidation_price_an_account_is_worth_what_it_must(
    size: int, cash: int, coin: int
) -> None:
    marks = [listed.ticks(listed.price) for listed in COINS]
    account = Account(index=0, leverage=3, pockets={"": Pocket(cash - size * marks[coin])})
    account.positions[coin] = Position(size, size * marks[coin])

    price = _liquidation(account, marks)

    if price is None:
        assert size > 0
        assert cash > size * marks[coin] * 0.9
    else:
        marks[coin] = round(price)
        pool = whole(account, COINS, marks, "")
        step = abs(size) + abs(pool.value) * 1e-9
        assert abs(pool.value - pool.maintenance) <= step


@pytest.mark.parametrize("table", MARGIN_TIERS)
def test_what_a_position_needs_grows_without_a_jump_and_faster_in_higher_tiers(table: int) -> None:
    _, bounds = MARGIN_TIERS[table]
    coin = replace(COINS[0], margin_table=table, max_leverage=bounds[0][1])

    found = tiers(coin)

    assert [(each.least // MICRO, each.leverage) for each in found] == list(bounds)
    for lower, upper in pairwise(found):
        assert lower.maintenance(upper.least) == upper.maintenance(upper.least)
        assert upper.maintenance(2 * upper.least) > lower.maintenance(2 * upper.least)


def test_a_large_position_needs_the_margin_of_every_tier_it_reaches() -> None:
    bitcoin = replace(COINS[0], margin_table=56)
    mark = 1_000_000
    account = Account(index=0, leverage=3, pockets={"": Pocket(0)})
    account.positions[0] = Position(200_000_000, 0)

    pool = whole(account, [bitcoin], [mark], "")

    below, above = 150_000_000 * MICRO, 50_000_000 * MICRO
    assert pool.notional == below + above
    assert pool.maintenance == below // 80 + above // 40


@pytest.mark.data
def test_recorded_states_follow_from_their_positions_by_the_same_arithmetic() -> None:
    states = list(_recorded_states())

    assert len(states) >= 7
    assert max(len(state["assetPositions"]) for state in states) > 100
    for theirs in states:
        ours = clearinghouse_state(*_rebuilt(theirs), theirs["time"])
        assert ours["marginSummary"] == theirs["marginSummary"]
        assert ours["crossMarginSummary"] == theirs["crossMarginSummary"]
        assert ours["crossMaintenanceMarginUsed"] == theirs["crossMaintenanceMarginUsed"]
        for mine, recorded in zip(ours["assetPositions"], theirs["assetPositions"], strict=True):
            _same_position(mine["position"], recorded["position"])
        if len(theirs["assetPositions"]) == 1:
            assert ours["withdrawable"] == theirs["withdrawable"]


def check(state: Json, backing: int = 0) -> None:
    """Check a state as the venue writes it, in whole micro-dollars."""
    total, cross = state["marginSummary"], state["crossMarginSummary"]
    positions = [p["position"] for p in state["assetPositions"]]
    together = [p for p in positions if p["leverage"]["type"] == "cross"]
    alone = [p for p in positions if p["leverage"]["type"] == "isolated"]
    for summary, some in ((total, positions), (cross, together)):
        worth = sum(_signed(p) for p in some)
        assert micro(summary["accountValue"]) == micro(summary["totalRawUsd"]) + worth
        assert micro(summary["totalNtlPos"]) == sum(micro(p["positionValue"]) for p in some)
        assert micro(summary["totalMarginUsed"]) == sum(micro(p["marginUsed"]) for p in some)
    aside = sum(micro(p["leverage"]["rawUsd"]) for p in alone)
    assert micro(total["totalRawUsd"]) == micro(cross["totalRawUsd"]) + aside
    needed = sum(_maintenance(p) for p in together)
    assert micro(state["crossMaintenanceMarginUsed"]) == needed
    tenth = sum(micro(p["positionValue"]) // 10 for p in together)
    kept = max(micro(cross["totalMarginUsed"]), tenth)
    assert micro(state["withdrawable"]) == max(micro(cross["accountValue"]) - kept, 0)
    for position in positions:
        _check_position(position, micro(cross["accountValue"]) + backing - needed)


LISTED: Final = {coin.name: coin for coin in (*COINS, *BUILDER_COINS)}


def micro(text: str) -> int:
    """Return an amount as the venue meant it: what comes after six decimals is a float's noise."""
    return round(Decimal(text) * MICRO)


def _check_position(position: Json, spare: int) -> None:
    coin = LISTED[position["coin"]]
    value, leverage = micro(position["positionValue"]), position["leverage"]
    basis, profit = _signed(position) - micro(position["unrealizedPnl"]), position["unrealizedPnl"]

    assert position["szi"] != "0.0"
    assert leverage["value"] <= position["maxLeverage"] == coin.max_leverage
    if leverage["type"] == "cross":
        assert micro(position["marginUsed"]) == value // leverage["value"]
    else:
        assert micro(position["marginUsed"]) == micro(leverage["rawUsd"]) + _signed(position)
        spare = micro(position["marginUsed"]) - _maintenance(position)
    if basis:
        expected = micro(profit) / (abs(basis) / leverage["value"])
        assert float(position["returnOnEquity"]) == pytest.approx(expected, rel=1e-6, abs=1e-9)
    _check_liquidation(coin, position, spare)


def _check_liquidation(coin: Perp, position: Json, spare: int) -> None:
    """Check the price against the rule of a single tier; `tiers` have tests of their own."""
    size, side = abs(Decimal(position["szi"])), (1 if _signed(position) > 0 else -1)
    mark = Decimal(position["positionValue"]) / size
    room = Decimal(spare) / MICRO / size / (1 - Decimal(side) / (2 * coin.max_leverage))
    expected, given_price = mark - side * room, position["liquidationPx"]
    if len(tiers(coin)) > 1 and max(mark, expected) * size > tiers(coin)[1].least / MICRO:
        return
    if given_price is None:
        assert expected * size * MICRO < 1
    else:
        assert Decimal(given_price) == pytest.approx(expected, rel=Decimal("1e-9"), abs=MILLIONTH)


def _maintenance(position: Json) -> int:
    """Return what a position needs, added up tier by tier."""
    coin = LISTED[position["coin"]]
    value = micro(position["positionValue"])
    needed, ends = Decimal(0), [each.least for each in tiers(coin)[1:]] + [value]
    for each, end in zip(tiers(coin), ends, strict=True):
        inside = max(min(value, end) - each.least, 0)
        needed += Decimal(inside) / (2 * each.leverage)
    return int(needed.quantize(Decimal(1), ROUND_DOWN))


def _signed(position: Json) -> int:
    value = micro(position["positionValue"])
    return -value if position["szi"].startswith("-") else value


def _liquidation(account: Account, marks: list[int]) -> float | None:
    pool = whole(account, COINS, marks, "")
    return pool.liquidation_price(pool.holdings[0])


def _same_position(ours: Json, theirs: Json) -> None:
    calculated = ("liquidationPx", "returnOnEquity")
    exactly = {key: value for key, value in theirs.items() if key not in (*calculated, "entryPx")}
    assert {key: ours[key] for key in exactly} == exactly
    for key in calculated:
        if theirs[key] is None:
            assert ours[key] is None
        else:
            assert float(ours[key]) == pytest.approx(float(theirs[key]), rel=1e-6, abs=1e-9)


def _rebuilt(state: Json) -> tuple[Account, list[Perp], list[int]]:
    """Return an account that has what a recorded one had, its coins and their marks."""
    coins, marks = [], []
    account = Account(index=0, leverage=1, pockets={})
    account.pocket("").cash = micro(state["marginSummary"]["totalRawUsd"])
    for index, row in enumerate(each["position"] for each in state["assetPositions"]):
        size = Decimal(row["szi"]).normalize()
        decimals = max(-int(size.as_tuple().exponent), 0)
        count = int(size.scaleb(decimals))
        coins.append(
            replace(
                COINS[0],
                name=row["coin"],
                size_decimals=decimals,
                max_leverage=row["maxLeverage"],
                margin_table=-1,
            )
        )
        marks.append(micro(row["positionValue"]) // abs(count))
        account.positions[index] = Position(
            count,
            _signed(row) - micro(row["unrealizedPnl"]),
            funding=micro(row["cumFunding"]["allTime"]),
            funding_since_open=micro(row["cumFunding"]["sinceOpen"]),
            funding_since_change=micro(row["cumFunding"]["sinceChange"]),
            leverage=row["leverage"]["value"],
            isolated=row["leverage"]["type"] == "isolated",
            raw=micro(row["leverage"].get("rawUsd", "0.0")),
        )
    return account, coins, marks


def _recorded_states() -> Iterator[Json]:
    """Yield states of accounts that are not unified and were recorded whole."""
    folder = os.environ.get("SMART_MONEY_DATA", Path(__file__).parents[3].parent / "shared/data")
    root = Path(folder) / "hyperliquid" / "gareth_node_and_ws"
    if not root.is_dir():
        pytest.skip("no recordings; set SMART_MONEY_DATA")
    seen = set()
    for path in sorted(root.rglob("*.json")):
        for state in _states(orjson.loads(path.read_bytes())):
            key = orjson.dumps(state)
            if state["assetPositions"] and key not in seen:
                seen.add(key)
                yield state


def _states(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        if "crossMaintenanceMarginUsed" in value:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for child in value:
            yield from _states(child)
