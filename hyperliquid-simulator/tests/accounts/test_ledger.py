from dataclasses import replace as dataclass_replace
from fractions import Fraction

from hypothesis import given, strategies as st
from msgspec.structs import replace as changed

from hyperliquid_simulator.accounts.account import Account
from hyperliquid_simulator.accounts.columns import profits
from hyperliquid_simulator.accounts.holdings import Pocket, Position
from hyperliquid_simulator.accounts.ledger import Ledger
from hyperliquid_simulator.accounts.trades import Trade
from hyperliquid_simulator.coins.catalogue import COINS
from hyperliquid_simulator.wire import ZERO_HASH

deltas = st.integers(-1000, 1000).filter(bool)
trades = st.lists(st.tuples(deltas, st.integers(1, 10_000)), min_size=1, max_size=30)


@given(trades)
def test_realised_and_unrealised_profit_are_what_the_cash_says(rows: list[tuple[int, int]]) -> None:
    position, cash, realised = Position(), 0, 0

    for delta, ticks in rows:
        realised += position.trade(delta, ticks)
        cash -= delta * ticks

    mark = 1234
    assert position.lots == sum(delta for delta, _ in rows)
    assert realised + position.lots * mark - position.cost == cash + position.lots * mark


@given(trades)
def test_the_entry_is_the_average_of_what_opened_the_position(rows: list[tuple[int, int]]) -> None:
    position = Position()
    lots, entry = 0, Fraction(0)

    for delta, ticks in rows:
        position.trade(delta, ticks)
        if lots * delta >= 0:
            entry = (entry * abs(lots) + ticks * abs(delta)) / abs(lots + delta)
        elif abs(delta) > abs(lots):
            entry = Fraction(ticks)
        lots += delta

    assert abs(position.cost - entry * lots) <= len(rows)


def test_both_sides_of_a_trade_share_its_id_and_mirror_each_other() -> None:
    ledger = Ledger([_account(0), _account(1)], frozenset({1}), COINS)

    (buyer, bought), (seller, sold) = ledger.settle(_trade(buyer=0, seller=1, side="B"))

    assert (buyer, seller) == (0, 1)
    assert bought.tid == sold.tid
    assert (bought.side, sold.side) == ("B", "A")
    assert (bought.crossed, sold.crossed) == (True, False)
    assert bought.fee > 0 > sold.fee
    assert ledger.open_interest[0] == 5


def test_a_trade_with_oneself_changes_nothing_but_fees() -> None:
    ledger = Ledger([_account(0)], frozenset(), COINS)

    ledger.settle(_trade(buyer=0, seller=0, side="A"))

    account = ledger.accounts[0]
    assert account.lots(0) == 0
    assert account.cash == 10**9 - sum(fill.fee for fill in account.fills)
    assert ledger.open_interest[0] == 0


@given(st.integers(-50, 50), st.integers(1, 100), st.integers(1, 10_000))
def test_both_sides_of_a_trade_with_oneself_start_from_the_same_position(
    held: int, lots: int, ticks: int
) -> None:
    ledger = Ledger([_account(0), _account(1)], frozenset(), COINS)
    if held:
        buyer, seller = (0, 1) if held > 0 else (1, 0)
        ledger.settle(changed(_trade(buyer, seller, "B"), lots=abs(held)))
    account = ledger.accounts[0]
    before = account.cash + account.positions[0].cost if held else account.cash

    (_, bought), (_, sold) = ledger.settle(changed(_trade(0, 0, "A"), lots=lots, ticks=ticks))

    assert bought.start == sold.start == account.lots(0) == held
    assert list(account.fills)[-2:] == [bought, sold]
    assert (bought.tid, bought.side, sold.side) == (sold.tid, "B", "A")
    opening = bought if held >= 0 else sold
    assert opening.closed == 0
    after = account.cash + account.positions[0].cost
    assert after + bought.fee + sold.fee - before == bought.closed + sold.closed


def test_longs_pay_shorts_what_shorts_receive() -> None:
    ledger = Ledger([_account(0), _account(1)], frozenset(), COINS)
    ledger.settle(_trade(buyer=0, seller=1, side="B"))
    before = [account.cash for account in ledger.accounts]

    ledger.charge_funding([0.001], [100_000], 1)

    paid = [b - a.cash for b, a in zip(before, ledger.accounts, strict=True)]
    assert paid == [500, -500]
    assert ledger.accounts[0].positions[0].funding == 500


def _account(index: int) -> Account:
    return Account(index=index, leverage=5, pockets={"": Pocket(10**9, 10**9)})


def _trade(buyer: int, seller: int, side: str) -> Trade:
    return Trade(
        coin=0,
        side=side,
        ticks=100_000,
        lots=5,
        time=1,
        hash=ZERO_HASH,
        tid=1,
        buyer=buyer,
        seller=seller,
        buyer_order=1,
        seller_order=2,
    )


sizes = st.lists(st.integers(-50, 50).filter(bool), min_size=1, max_size=20)


@given(sizes, st.integers(1, 50))
def test_an_isolated_position_has_the_margin_of_what_it_opened_and_gives_up_the_rest(
    deltas: list[int], leverage: int
) -> None:
    ledger = Ledger([_account(0), _account(1)], frozenset(), COINS)
    position = ledger.accounts[0].positions[0] = Position(isolated=True, leverage=leverage)

    for nth, delta in enumerate(deltas):
        ticks, before, start = (
            100 + nth % 7,
            position.raw + position.lots * (100 + nth % 7),
            position.lots,
        )
        buyer, seller = (0, 1) if delta > 0 else (1, 0)
        ledger.settle(changed(_trade(buyer, seller, "B"), lots=abs(delta), ticks=ticks))

        after = position.raw + position.lots * ticks
        if start * position.lots <= 0:
            assert after == abs(position.lots) * ticks // leverage
        elif abs(position.lots) > abs(start):
            assert after == before + abs(delta) * ticks // leverage
        else:
            assert after == before * abs(position.lots) // abs(start)


def test_an_isolated_position_pays_its_funding_itself() -> None:
    ledger = Ledger([_account(0), _account(1)], frozenset(), COINS)
    position = ledger.accounts[0].positions[0] = Position(isolated=True, leverage=5)
    ledger.settle(_trade(buyer=0, seller=1, side="B"))
    cash, raw = ledger.accounts[0].cash, position.raw

    ledger.charge_funding([0.001], [100_000], 1)

    assert (ledger.accounts[0].cash, position.raw) == (cash - 500, raw - 500)


holdings = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(-(10**9), 10**9)), max_size=12
)


@given(
    holdings,
    st.lists(st.floats(-0.01, 0.01), min_size=3, max_size=3),
    st.lists(st.integers(1, 10**9), min_size=3, max_size=3),
)
def test_everybody_at_once_pays_what_each_position_owes(
    held: list[tuple[int, int, int]], rates: list[float], marks: list[int]
) -> None:
    coins = [COINS[0], COINS[1], dataclass_replace(COINS[2], dex="xyz")]
    ledger = Ledger([_account(index) for index in range(3)], frozenset(), coins)
    for who, coin, lots in held:
        ledger.accounts[who].positions[coin] = Position(lots=lots)
    before = [account.cash for account in ledger.accounts]

    ledger.charge_funding(rates, marks, 7)

    for account, cash in zip(ledger.accounts, before, strict=True):
        owed = {
            coin: round(position.lots * marks[coin] * rates[coin])
            for coin, position in account.positions.items()
        }
        assert cash - account.cash == sum(owed.values())
        assert account.pocket("xyz").cash == -owed.get(2, 0)
        assert {coin: p.funding for coin, p in account.positions.items()} == owed
        told = {c.coin: (c.paid, c.time) for c in ledger.charges.of(account.index, 0)}
        assert told == {coin: (owed[coin], 7) for coin, p in account.positions.items() if p.lots}


@given(holdings, st.lists(st.integers(1, 10**9), min_size=3, max_size=3))
def test_profits_of_all_are_those_of_each(
    held: list[tuple[int, int, int]], marks: list[int]
) -> None:
    accounts = [_account(index) for index in range(3)]
    for who, coin, lots in held:
        accounts[who].positions[coin] = Position(lots=lots)
        accounts[who].pocket("xyz").receive(lots)

    assert profits(accounts, marks).tolist() == [a.equity(marks) - a.deposited for a in accounts]
