from decimal import Decimal

from hypothesis import given, settings, strategies as st

from hyperliquid_simulator import info, views
from hyperliquid_simulator.catalogue import COINS
from hyperliquid_simulator.ledger import Account, Pocket, Position
from hyperliquid_simulator.world import World

lots = st.integers(-(10**7), 10**7)
holdings = st.dictionaries(
    st.integers(0, 11), st.tuples(lots, st.floats(0.5, 2.0), st.floats(0.5, 2.0)), max_size=6
)


@settings(max_examples=200)
@given(holdings, st.integers(-(10**14), 10**14), st.sampled_from([3, 5, 10, 20]))
def test_the_account_invariants_hold_for_every_book(
    book: dict[int, tuple[int, float, float]], cash: int, leverage: int
) -> None:
    account = Account(index=0, leverage=leverage, pockets={"": Pocket(cash)})
    marks = [coin.ticks(coin.price) for coin in COINS]
    for coin, (held, entry, moved) in book.items():
        listed = COINS[coin]
        marks[coin] = listed.ticks(listed.price * moved)
        account.positions[coin] = Position(held, held * listed.ticks(listed.price * entry))

    _check(views.clearinghouse_state(account, COINS, marks, 1))


def test_the_account_invariants_hold_in_a_living_world(world: World) -> None:
    for _ in range(200):
        world.step()

    for address in world.addresses:
        _check(info.clearinghouse_state(world, address))


def test_an_unknown_address_is_flat(world: World) -> None:
    state = info.clearinghouse_state(world, "0x" + "0" * 40)

    assert state["assetPositions"] == []
    assert set(state["marginSummary"].values()) == {"0.0"}
    assert (state["withdrawable"], state["time"]) == ("0.0", world.time)


def test_margin_in_use_never_exceeds_what_an_account_is_worth(world: World) -> None:
    for address in world.addresses:
        summary = info.clearinghouse_state(world, address)["marginSummary"]
        assert Decimal(summary["totalMarginUsed"]) <= Decimal(summary["accountValue"])


def test_marks_lie_on_the_price_grid_and_mids_between_prices(world: World) -> None:
    for context, mid in zip(info.contexts(world), info.mids(world).values(), strict=True):
        bid, ask = (Decimal(price) for price in context["impactPxs"])

        assert bid < ask
        assert Decimal(mid) == (bid + ask) / 2
        assert Decimal(context["midPx"]) == Decimal(mid)
        assert Decimal(context["openInterest"]) > 0


def _check(state: views.Json) -> None:
    summary, positions = state["marginSummary"], [p["position"] for p in state["assetPositions"]]
    number = {key: Decimal(value) for key, value in summary.items()}
    signed = [_signed(p) for p in positions]

    assert _equal(number["accountValue"], number["totalRawUsd"] + sum(signed))
    assert _equal(number["totalNtlPos"], sum(abs(v) for v in signed))
    used = sum(Decimal(p["marginUsed"]) for p in positions)
    assert abs(number["totalMarginUsed"] - used) <= Decimal("0.000001") * (1 + len(positions))
    free = max(number["accountValue"] - number["totalMarginUsed"], Decimal(0))
    assert _equal(Decimal(state["withdrawable"]), free)
    maintenance = sum(
        abs(v) / (2 * p["maxLeverage"]) for v, p in zip(signed, positions, strict=True)
    )
    assert abs(Decimal(state["crossMaintenanceMarginUsed"]) - maintenance) < Decimal("0.000002")
    for position in positions:
        _check_position(position)


def _check_position(position: views.Json) -> None:
    value, leverage = Decimal(position["positionValue"]), position["leverage"]["value"]
    basis = _signed(position) - Decimal(position["unrealizedPnl"])

    assert position["szi"] != "0.0"
    assert _equal(Decimal(position["marginUsed"]), value / leverage)
    assert leverage <= position["maxLeverage"]
    if basis:
        expected = Decimal(position["unrealizedPnl"]) / (abs(basis) / leverage)
        assert abs(Decimal(position["returnOnEquity"]) - expected) < Decimal("0.000001")
    liquidation = position["liquidationPx"]
    assert liquidation is None or Decimal(liquidation) > 0


def _signed(position: views.Json) -> Decimal:
    return Decimal(position["positionValue"]).copy_sign(Decimal(position["szi"]))


def _equal(one: Decimal, other: Decimal | int) -> bool:
    """Equal to the millionth, beyond which the venue's floats are noise."""
    return abs(one - other) <= Decimal("0.000002")
