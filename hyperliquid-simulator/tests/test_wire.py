from decimal import Decimal

from hypothesis import given, strategies as st

from hyperliquid_simulator.coins.catalogue import COINS, on_grid
from hyperliquid_simulator.wire import (
    ZERO_HASH,
    decode_hash,
    dollars,
    exact,
    noisy,
    trade_id,
    transaction_hash,
)


@given(st.integers(-(10**15), 10**15), st.integers(0, 8))
def test_a_scaled_integer_is_written_exactly(units: int, decimals: int) -> None:
    text = exact(units, decimals)

    assert Decimal(text) == Decimal(units).scaleb(-decimals)


@given(st.floats(-1e12, 1e12))
def test_numbers_have_a_point_no_exponent_and_no_trailing_zero(value: float) -> None:
    text = noisy(value)

    whole, _, part = text.lstrip("-").partition(".")
    assert whole.isdigit()
    assert part == "0" or (part.isdigit() and not part.endswith("0"))


@given(st.integers(0, 10**13))
def test_money_is_right_to_the_millionth(micro: int) -> None:
    assert round(Decimal(dollars(micro)), 6) == Decimal(micro).scaleb(-6)


@given(st.integers(1, 2**39), st.integers(0, 2**31 - 1), st.integers(0, 2**62))
def test_a_hash_carries_height_and_index(height: int, index: int, seed: int) -> None:
    name = transaction_hash(seed, height, index)

    assert len(name) == len(ZERO_HASH)
    assert decode_hash(name) == (height, index)


def test_a_published_hash_is_read_as_the_simulator_writes_it() -> None:
    name = "0xca6d83e6e85314fccbe7044515fdc602024700cc835633ce6e362f39a756eee7"

    assert decode_hash(name) == (1159069126, 583)
    assert decode_hash(ZERO_HASH) is None


@given(st.integers(0, 2**45), st.integers(0, 2**45))
def test_a_trade_id_has_fifty_bits(buyer: int, seller: int) -> None:
    assert 0 <= trade_id(buyer, seller) < 2**50


@given(st.sampled_from(COINS), st.floats(0.2, 5.0))
def test_prices_have_five_figures_or_are_whole(coin: object, factor: float) -> None:
    assert isinstance(coin, type(COINS[0]))
    ticks = on_grid(round(coin.price * factor * 10**coin.price_decimals), coin.price_decimals)

    price = Decimal(exact(ticks, coin.price_decimals)).normalize()
    figures = len(price.as_tuple().digits)
    assert figures <= 5 or price == price.to_integral_value()
