from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given, strategies as st

from market_scraper.positions.scoring import Result, Standing, score, unfit
from shared_events.payloads import Window

ADDRESS = "0x" + "a" * 40
LEAST = Decimal(1_000)

money = st.decimals(min_value="-1e12", max_value="1e12", places=6)
volumes = st.decimals(min_value=0, max_value="1e13", places=6)
results = st.builds(
    Result, pnl=money, roi=st.decimals(min_value=-100, max_value=10_000, places=10), volume=volumes
)
standings = st.builds(
    Standing,
    address=st.just(ADDRESS),
    account_value=money,
    results=st.dictionaries(st.sampled_from(get_args(Window)), results),
)


def standing(pnl: int, roi: str, volume: int, account_value: int = 100_000) -> Standing:
    result = Result(Decimal(pnl), Decimal(roi), Decimal(volume))
    windows: tuple[Window, ...] = get_args(Window)
    return Standing(ADDRESS, Decimal(account_value), dict.fromkeys(windows, result))


@given(standing=standings)
def test_every_score_lies_between_0_and_100(standing: Standing) -> None:
    assert 0 <= score(standing) <= 100


@given(standing=standings)
def test_a_score_prints_plainly(standing: Standing) -> None:
    assert "E" not in str(score(standing))


def test_a_trader_without_a_row_cannot_be_told() -> None:
    assert score(None) == score(Standing(ADDRESS, Decimal(1_000_000))) == 50


@given(standing=standings)
def test_who_only_won_is_never_below_the_middle(standing: Standing) -> None:
    won = {
        name: Result(abs(made.pnl), abs(made.roi), made.volume)
        for name, made in standing.results.items()
    }

    assert score(Standing(ADDRESS, standing.account_value, won)) >= 50


def test_the_documented_example_is_what_the_formula_gives() -> None:
    rows: dict[Window, tuple[int, str, int]] = {
        "day": (2_000, "0.008", 900_000),
        "week": (-5_000, "-0.02", 4_000_000),
        "month": (40_000, "0.19", 20_000_000),
        "allTime": (300_000, "1.4", 150_000_000),
    }
    made = {name: Result(Decimal(p), Decimal(r), Decimal(v)) for name, (p, r, v) in rows.items()}

    assert score(Standing(ADDRESS, Decimal(250_000), made)) == Decimal("65.91")


def test_more_profit_on_the_same_volume_is_better_and_a_loss_is_worse() -> None:
    rich, poor = standing(90_000, "0.9", 9_000_000), standing(-90_000, "-0.9", 9_000_000)
    middling = standing(9_000, "0.09", 9_000_000)

    assert score(poor) < 50 < score(middling) < score(rich)


def test_little_evidence_is_drawn_to_the_middle() -> None:
    much, little = standing(90_000, "0.9", 9_000_000), standing(90_000, "0.9", 900_000, 2_000)

    assert 50 < score(little) < score(much)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (standing(5_000, "0.05", 1_000_000), None),
        (standing(5_000, "0.05", 1_000_000, account_value=999), "small_account"),
        (standing(5_000, "0.05", 0), "no_volume"),
        (standing(5_000, "0.05", 3_000_000_000), "market_maker"),
        (standing(50_000_000, "500", 3_000_000_000), None),
    ],
)
def test_who_has_no_place_on_the_roster_is_told_why(row: Standing, reason: str | None) -> None:
    assert unfit(row, LEAST) == reason
