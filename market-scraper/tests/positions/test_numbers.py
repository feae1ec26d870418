from decimal import Decimal

from hypothesis import given, strategies as st

from market_scraper.positions.numbers import SMALLEST, plainly, quotient, share

numbers = st.decimals(min_value="-1e20", max_value="1e20", allow_nan=False)


@given(number=numbers)
def test_every_number_prints_without_an_exponent_and_keeps_its_value(number: Decimal) -> None:
    plain = plainly(number)

    assert "E" not in str(plain)
    assert abs(plain - number) < SMALLEST


@given(part=st.decimals(0, 1000, places=5), rest=st.decimals("0.00001", 1000, places=5))
def test_a_share_is_one(part: Decimal, rest: Decimal) -> None:
    assert 0 <= share(part, part + rest) <= 1
    assert "E" not in str(quotient(part, rest))
