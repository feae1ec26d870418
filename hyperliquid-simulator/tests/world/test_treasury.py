"""Money that moves without a trade while the venue runs, and vaults that receive and give it."""

from collections import Counter, defaultdict
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from hyperliquid_simulator.accounts.movements import Kind, Movement, delta
from hyperliquid_simulator.answers import info
from hyperliquid_simulator.answers.views import Json
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.protocol.channels import CHANNELS, parse_subscription
from hyperliquid_simulator.protocol.feeds import Feed, digest
from hyperliquid_simulator.wire import MICRO, decode_hash
from hyperliquid_simulator.world.world import World


@pytest.fixture
def busy(config: Config) -> World:
    """A world in which money moves several times a second."""
    moving = replace(config, movements_per_day=50_000, orders_per_second=0, flip_seconds=0)
    return World(moving, config.start_ms)


def test_every_kind_of_movement_comes_by_and_is_all_that_was_paid_in(busy: World) -> None:
    kinds: Counter[Kind] = Counter()

    for _ in range(400):
        kinds.update(row.kind for row in busy.step().movements)

    own = {Kind.LIQUIDATION, Kind.VAULT_CREATE}
    assert set(kinds) - own == set(Kind) - own
    now, book = busy.time, busy.cashbook
    for account, total in zip(busy.ledger.accounts, book.balances(now).tolist(), strict=True):
        assert [account.deposited] == book.history(account.index, [now], perp=True)
        assert [total] == book.history(account.index, [now])


def test_what_leaves_was_free_before(busy: World) -> None:
    for _ in range(100):
        free = {who: _free(busy, who) for who in busy.addresses}
        for row in busy.step().movements:
            if row.sender is not None and row.receiver is None:
                left = Decimal(row.usd + row.fee) / MICRO
                assert left <= free[busy.addresses[row.sender]] * Decimal("1.01")


def test_everybody_who_took_part_is_told_the_same(busy: World) -> None:
    feeds = {who: Feed(parse_subscription(_asked(who), busy)) for who in busy.addresses}
    heard: defaultdict[str, list[Json]] = defaultdict(list)
    told: defaultdict[str, list[Json]] = defaultdict(list)

    for _ in range(100):
        block = busy.step()
        seen = digest(block)
        for who, feed in feeds.items():
            for update in CHANNELS[feed.subscription.type].later(busy, feed, seen):
                assert update["user"] == who
                heard[who] += update["nonFundingLedgerUpdates"]
        for row in block.movements:
            for party in row.parties:
                told[busy.addresses[party]].append(
                    {"time": row.time, "hash": row.hash, "delta": delta(row, busy.addresses)}
                )

    assert heard == told
    assert heard
    for who, rows in heard.items():
        answered = info.answer(busy, _asked(who))
        assert answered[-len(rows) :] == rows
        heights = [decode_hash(row["hash"]) for row in rows]
        assert all(height is not None for height in heights)


def test_more_entries_than_fit_are_read_page_by_page(world: World) -> None:
    who, clearing = 0, world.events.clearing
    for nth in range(700):
        clearing.begin(world.time + nth // 2, world.height + nth // 2)
        clearing.move(Kind.DEPOSIT, None, who, (nth + 1) * MICRO)
    start, rows = world.time, []
    world.time += 1_000

    while len(page := _page(world, who, start)) == 500:
        rows += [row for row in page if row not in rows]
        start = page[-1]["time"]
    rows += [row for row in page if row not in rows]

    amounts = [Decimal(row["delta"]["usdc"]) for row in rows if row["delta"]["type"] == "deposit"]
    assert amounts == [Decimal(nth + 1) for nth in range(700)]


def test_who_joins_a_vault_buys_at_its_worth_and_dilutes_nobody(busy: World) -> None:
    vault = busy.population.vaults[0].address
    before = _followers(busy, vault)

    while not (joined := [m for m in busy.step().movements if _joins(busy, m, vault)]):
        before = _followers(busy, vault)

    after = _followers(busy, vault)
    (row, *_) = joined
    who = busy.addresses[row.sender or 0]
    grown = after[who] - before.get(who, Decimal(0))
    assert grown == pytest.approx(Decimal(row.usd) / MICRO, rel=Decimal("0.01"))
    for other, worth in before.items():
        if other != who:
            assert after[other] == pytest.approx(worth, rel=Decimal("0.001"))


def test_who_leaves_a_vault_in_profit_pays_its_leader(busy: World) -> None:
    rows: list[Movement] = []
    for _ in range(3000):
        rows += busy.step().movements
        if any(row.kind is Kind.VAULT_LEADER_COMMISSION for row in rows):
            break

    paid = next(row for row in rows if row.kind is Kind.VAULT_LEADER_COMMISSION)
    left = next(
        row
        for row in rows
        if row.kind is Kind.VAULT_WITHDRAW and row.sender == paid.sender and row.time == paid.time
    )
    told = delta(left, busy.addresses)
    vault = busy.population.traders[paid.sender or 0]
    assert paid.receiver == busy.population.leader(vault).index
    assert Decimal(told["commission"]) == Decimal(paid.usd) / MICRO
    gain = Decimal(told["requestedUsd"]) - Decimal(told["basis"])
    assert Decimal(told["commission"]) == pytest.approx(gain / 10, abs=Decimal("0.000001"))
    net = Decimal(told["requestedUsd"]) - Decimal(told["commission"])
    assert Decimal(told["netWithdrawnUsd"]) == net


def test_accounts_change_leverage_and_margin_modes_without_a_trade(busy: World) -> None:
    before = _margins(busy)

    seen = set()
    for _ in range(12):
        for _ in range(40):
            busy.step()
        now = _margins(busy)
        for key in before.keys() & now.keys():
            (kind, leverage, raw), (was, had, held) = now[key], before[key]
            seen |= {"leverage"} if kind == was == "cross" and leverage != had else set()
            seen |= {"raw"} if kind == was == "isolated" and raw != held else set()
        before = now

    assert seen == {"leverage", "raw"}


def _margins(world: World) -> dict[tuple[str, str], tuple[str, int, str | None]]:
    return {
        (who, row["position"]["coin"]): (
            row["position"]["leverage"]["type"],
            row["position"]["leverage"]["value"],
            row["position"]["leverage"].get("rawUsd"),
        )
        for who in world.addresses
        for row in info.clearinghouse_state(world, who)["assetPositions"]
    }


def _followers(world: World, vault: str) -> dict[str, Decimal]:
    details = info.answer(world, {"type": "vaultDetails", "vaultAddress": vault})
    return {row["user"]: Decimal(row["vaultEquity"]) for row in details["followers"]}


def _joins(world: World, row: Movement, vault: str) -> bool:
    return row.kind is Kind.VAULT_DEPOSIT and world.addresses[row.receiver or 0] == vault


def _free(world: World, who: str) -> Decimal:
    return Decimal(info.clearinghouse_state(world, who)["withdrawable"])


def _asked(who: str) -> Json:
    return {"type": "userNonFundingLedgerUpdates", "user": who}


def _page(world: World, who: int, start: int) -> list[Any]:
    found: list[Any] = info.answer(world, _asked(world.addresses[who]) | {"startTime": start})
    return found
