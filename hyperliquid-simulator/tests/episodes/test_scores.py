from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, strategies as st

from hyperliquid_simulator.episodes.scores import VERSION, WINDOWS, scores
from market_scraper.positions.scoring import SCORE_VERSION, Result, Standing, score

amounts = st.floats(min_value=-1e8, max_value=1e8).map(lambda x: round(x, 2))
positive = st.floats(min_value=0, max_value=1e9).map(lambda x: round(x, 2))
rates = st.floats(min_value=-3, max_value=10).map(lambda x: round(x, 6))


@given(
    value=positive,
    rows=st.lists(st.tuples(amounts, rates, positive), min_size=4, max_size=4),
)
def test_everybodys_score_is_the_scrapers_own(
    value: float, rows: list[tuple[float, float, float]]
) -> None:
    standing = Standing(
        "0x" + "0" * 40,
        Decimal(repr(value)),
        {
            window: Result(*(Decimal(repr(number)) for number in row))
            for window, row in zip(WINDOWS, rows, strict=True)
        },
    )
    profit, roi, volume = (np.array(column)[:, None] for column in zip(*rows, strict=True))

    ours = scores(np.array([value]), profit, roi, volume)

    assert ours[0] == pytest.approx(float(score(standing)), abs=0.011)


def test_it_names_the_formula_it_repeats() -> None:
    assert VERSION == SCORE_VERSION
