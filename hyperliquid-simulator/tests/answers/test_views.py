from decimal import Decimal

from hyperliquid_simulator.answers import info, markets
from hyperliquid_simulator.world.world import World


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
    for coin, mid in markets.mids(world).items():
        context = markets.context(world, world.coin_index[coin])
        if "impactPxs" not in context or context["midPx"] is None:
            continue
        bid, ask = (Decimal(price) for price in context["impactPxs"])

        assert bid < ask
        assert Decimal(mid) == (bid + ask) / 2
        assert Decimal(context["midPx"]) == Decimal(mid)
        assert Decimal(context["openInterest"]) > 0
