"""Spot pairs and outcome coins: balances, fees in tokens, prices that follow a perpetual."""

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import given, strategies as st

from hyperliquid_simulator.accounts.account import Account
from hyperliquid_simulator.accounts.holdings import Balance, Pocket
from hyperliquid_simulator.accounts.ledger import Ledger
from hyperliquid_simulator.accounts.trades import Fill, Trade
from hyperliquid_simulator.answers import info, markets
from hyperliquid_simulator.coins.catalogue import COINS
from hyperliquid_simulator.coins.pairs import PAIRS, Outcome, Pair, outcomes
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.protocol.channels import CHANNELS, parse_subscription
from hyperliquid_simulator.protocol.feeds import Feed
from hyperliquid_simulator.wire import ZERO_HASH
from hyperliquid_simulator.world.world import World

PLENTY = 10**18
COLLATERALS = ("USDC", "USDH", "USDE")

swaps = st.lists(
    st.tuples(
        st.integers(0, len(PAIRS) - 1),
        st.booleans(),
        st.booleans(),
        st.integers(1, 10_000),
        st.integers(1, 10**9),
    ),
    max_size=30,
)


@given(swaps)
def test_balances_are_what_fills_add_up_to_and_touch_nothing_else(
    rows: list[tuple[int, bool, bool, int, int]],
) -> None:
    ledger = Ledger([_account(0), _account(1)], frozenset({1}), PAIRS)
    expected: defaultdict[tuple[int, int], int] = defaultdict(int)
    tokens = {token.index for pair in PAIRS for token in (pair.base, pair.quote)}

    for coin, first_buys, buyer_takes, lots, ticks in rows:
        pair, buyer = PAIRS[coin], 0 if first_buys else 1
        for who, fill in ledger.settle(_trade(coin, lots, ticks, buyer, takes=buyer_takes)):
            buys = fill.side == "B"
            sign = 1 if buys else -1
            assert fill.start == PLENTY + expected[who, pair.base.index]
            expected[who, pair.base.index] += sign * lots * pair.lot
            expected[who, pair.quote.index] -= sign * lots * ticks
            expected[who, pair.fee_token(buys=buys, fee=fill.fee).index] -= fill.fee

    for account in ledger.accounts:
        for token in tokens:
            assert account.balance(token).units - PLENTY == expected[account.index, token]
        assert (account.positions, account.pockets) == ({}, {"": Pocket(5, 5)})
    assert not any(ledger.open_interest)


@given(swaps)
def test_what_was_realised_and_what_is_left_is_what_was_paid_and_received(
    rows: list[tuple[int, bool, bool, int, int]],
) -> None:
    ledger = Ledger([_account(0), _account(1)], frozenset(), PAIRS)
    realised, paid = 0, 0

    for coin, first_buys, _, lots, ticks in rows:
        fills = ledger.settle(_trade(coin, lots, ticks, 0 if first_buys else 1, takes=True))
        ((_, fill),) = [row for row in fills if row[0] == 0]
        realised += fill.closed
        paid += lots * ticks if fill.side == "B" else -lots * ticks

    left = sum(balance.cost for balance in ledger.accounts[0].balances.values())
    assert left == paid + realised
    assert left >= 0


def test_a_taker_pays_in_what_it_receives_and_a_rebate_comes_in_the_same_token() -> None:
    hype = next(i for i, pair in enumerate(PAIRS) if pair.name == "@107")
    pair = PAIRS[hype]
    ledger = Ledger([_account(0), _account(1)], frozenset({1}), PAIRS)

    (_, bought), (_, made) = ledger.settle(_trade(hype, 56, 47_989_000, 0, takes=True))
    (_, refunded), (_, sold) = ledger.settle(_trade(hype, 56, 47_989_000, 1, takes=False))

    assert bought.fee == 56 * 10**6 * 700 // 10**6
    assert made.fee == -56 * 10**6 * 20 // 10**6
    assert pair.fee_token(buys=True, fee=bought.fee).name == "HYPE"
    assert pair.fee_token(buys=False, fee=made.fee).name == "HYPE"
    assert pair.fee_token(buys=False, fee=sold.fee).name == "USDC"
    assert pair.fee_token(buys=True, fee=refunded.fee).name == "USDC"


@given(st.sampled_from(PAIRS), st.floats(0.2, 5.0))
def test_prices_of_pairs_have_five_figures_and_at_most_eight_decimals_less_those_of_the_size(
    pair: Pair, moved: float
) -> None:
    ticks = pair.ticks(pair.price * moved)

    price = Decimal(ticks).scaleb(-pair.price_decimals).normalize()
    figures = price.as_tuple()
    assert pair.price_decimals == 8 - pair.size_decimals
    assert len(figures.digits) <= 5 or figures.exponent == 0
    assert -int(figures.exponent) <= pair.price_decimals


@given(st.floats(0.3, 3.0), st.integers(0, 2))
def test_both_sides_of_a_question_cost_a_dollar_and_one_of_them_gets_it(
    moved: float, days: int
) -> None:
    bitcoin = COINS[0]
    yes, no = outcomes(1, {bitcoin.name: bitcoin.price}, 0)
    mark, now = bitcoin.ticks(bitcoin.price * moved), float(days * 86_400_000)

    prices = [side.following(bitcoin, float(mark), now) / 10**8 for side in (yes, no)]
    worth = [side.worth(bitcoin, mark) / 10**8 for side in (yes, no)]

    assert abs(sum(prices) - 1) < 1e-9
    assert all(0.01 <= price <= 0.99 for price in prices)
    assert sorted(worth) == [0, 1]
    assert (worth[0] == 1) == (mark > yes.threshold * 10**bitcoin.price_decimals)


def test_a_spot_pair_trades_where_its_perpetual_does(world: World) -> None:
    for _ in range(300):
        world.step()
        mids = markets.mids(world)
        assert abs(float(mids["@107"]) / float(mids["HYPE"]) - 1) < 2e-4
        assert abs(float(mids["@142"]) / float(mids["BTC"]) - 1) < 2e-4
        assert abs(float(mids["#14880"]) + float(mids["#14881"]) - 1) < 2e-4


def test_pairs_trade_from_before_the_start_and_their_fills_chain_with_fees(
    config: Config,
) -> None:
    world = World(replace(config, self_trades=0.0), config.start_ms)
    for _ in range(1500):
        world.step()
    pairs = {coin.name for coin in world.coins if isinstance(coin, Pair)}
    found = 0

    assert all(world.recent[world.coin_index[name]] for name in pairs)
    for user in world.addresses:
        ends: dict[str, Decimal] = {}
        fills = info.answer(world, {"type": "userFills", "user": user})
        for fill in sorted(fills, key=lambda row: row["time"]):
            if fill["coin"] not in pairs:
                continue
            start, size = Decimal(fill["startPosition"]), Decimal(fill["sz"])
            assert start == ends.get(fill["coin"], start)
            assert fill["dir"] == ("Buy" if fill["side"] == "B" else "Sell")
            spent = Decimal(fill["fee"]) if fill["feeToken"] not in COLLATERALS else 0
            ends[fill["coin"]] = start + (size if fill["side"] == "B" else -size) - spent
            found += 1
        total = {row["coin"]: Decimal(row["total"]) for row in _balances(world, user)}
        for name, end in ends.items():
            assert total.get(_base(world, name), 0) == end

    assert found > 300
    assert all(min(_units(account)) >= 0 for account in world.ledger.accounts if account.balances)


def test_spot_pairs_traded_all_along_and_the_same_whenever_on_a_day_the_venue_is_started(
    config: Config,
) -> None:
    day, minute = 86_400_000, 60_000
    early, late = (World(config, config.start_ms + hours * 3_600_000) for hours in (1, 9))
    before = config.start_ms + 3_600_000 - minute

    found = [_spot_fills(world, before) for world in (early, late)]

    days = {(fill.time - early.past.origin_ms) // day for fills in found[0] for fill in fills}
    assert days >= set(range(config.history_days))
    assert found[0] == found[1]


def test_records_hold_what_was_traded_in_pairs(config: Config) -> None:
    assert config.start
    full_minute = replace(config, start=config.start.replace(second=0, microsecond=0))
    world = World(full_minute, full_minute.start_ms)

    latest = world.history.latest()

    assert latest.volume.tolist() == [account.volume for account in world.ledger.accounts]


def test_every_pair_has_the_context_and_the_tokens_at_its_index(world: World) -> None:
    meta, contexts = info.answer(world, {"type": "spotMetaAndAssetCtxs"})

    names = {}
    for pair in meta["universe"]:
        base, quote = (meta["tokens"][index] for index in pair["tokens"])
        names[f"{base['name']}/{quote['name']}"] = pair["name"]
        assert contexts[pair["index"]]["coin"] == pair["name"]
    assert names == {"HYPE/USDC": "@107", "PURR/USDC": "PURR/USDC", "UBTC/USDC": "@142"}


def test_contexts_of_pairs_come_on_a_channel_of_their_own(world: World) -> None:
    channel = CHANNELS["activeAssetCtx"]
    opened = {}
    for coin in ("@107", "#14880", "BTC", "xyz:XYZ100"):
        wanted = parse_subscription({"type": "activeAssetCtx", "coin": coin}, world)
        data = channel.first(world, Feed(wanted, world.time))
        opened[coin] = channel.frames(data)

    assert opened == {
        "@107": "activeSpotAssetCtx",
        "#14880": "activeSpotAssetCtx",
        "BTC": "activeAssetCtx",
        "xyz:XYZ100": "activeAssetCtx",
    }


def test_questions_say_what_their_coins_are_about(world: World) -> None:
    (asked,) = info.answer(world, {"type": "outcomeMeta"})["outcomes"]
    sides = [coin for coin in world.coins if isinstance(coin, Outcome)]

    assert [coin.name for coin in sides] == [f"#{asked['outcome']}0", f"#{asked['outcome']}1"]
    assert asked["description"].startswith("perp:BTC|")
    assert [side["name"] for side in asked["sideSpecs"]] == ["template:Yes", "template:No"]


def _account(index: int) -> Account:
    balances = {token.index: Balance(PLENTY) for pair in PAIRS for token in (pair.base, pair.quote)}
    return Account(index=index, leverage=5, pockets={"": Pocket(5, 5)}, balances=balances)


def _trade(coin: int, lots: int, ticks: int, buyer: int, *, takes: bool) -> Trade:
    return Trade(
        coin=coin,
        side="B" if takes else "A",
        ticks=ticks,
        lots=lots,
        time=1,
        hash=ZERO_HASH,
        tid=1,
        buyer=buyer,
        seller=1 - buyer,
        buyer_order=1,
        seller_order=2,
    )


def _spot_fills(world: World, end_ms: int) -> list[list[Fill]]:
    """Return everybody's fills of spot pairs up to a moment."""
    spot = {i for i, coin in enumerate(world.coins) if type(coin) is Pair}
    everybody = (world.executions(user) for user in world.addresses)
    return [
        [fill for fill in found.oldest_first(0, end_ms) if fill.coin in spot]
        for found in everybody
        if found
    ]


def _balances(world: World, user: str) -> list[dict[str, Any]]:
    state = info.answer(world, {"type": "spotClearinghouseState", "user": user})
    balances: list[dict[str, Any]] = state["balances"]
    return balances


def _base(world: World, name: str) -> str:
    coin = world.coins[world.coin_index[name]]
    assert isinstance(coin, Pair)
    return coin.base.name


def _units(account: Account) -> list[int]:
    return [balance.units for balance in account.balances.values()]
