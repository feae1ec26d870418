import pytest
from hypothesis import given, strategies as st

from hyperliquid_simulator.accounts.styles import (
    CHOOSABLE,
    CONTEST,
    DEMO,
    HABITS,
    LEAST_MAKERS,
    Style,
    counts_of,
    shares_of,
)
from hyperliquid_simulator.config import Config
from hyperliquid_simulator.errors import ConfigError


def test_every_style_has_a_habit() -> None:
    assert HABITS.keys() == set(Style)
    assert set(CONTEST) == set(DEMO) == set(CHOOSABLE)


def test_an_option_changes_one_share_and_leaves_the_others() -> None:
    changed = shares_of(["skilled=0.02", "copycat=0"], CONTEST)

    assert changed == {**CONTEST, Style.SKILLED: 0.02, Style.COPYCAT: 0.0}


@pytest.mark.parametrize(
    ("option", "advice"),
    [
        ("skilled", "'' is no number; write skilled=0.05"),
        ("skilled=many", "'many' is no number"),
        ("genius=0.1", "STYLE one of skilled,"),
        ("skilled=2", "choose 0 to 1"),
        ("skilled=-0.1", "choose 0 to 1"),
        ("skilled=nan", "choose 0 to 1"),
        ("skilled=0.9", "together they are"),
    ],
)
def test_a_share_that_cannot_be_says_what_to_write(option: str, advice: str) -> None:
    with pytest.raises(ConfigError, match=advice):
        shares_of([option], CONTEST)


def test_followers_need_somebody_to_follow() -> None:
    with pytest.raises(ConfigError, match="could follow"):
        Config(shares={Style.COPYCAT: 0.5, Style.MAKER: 0.5})


@given(
    count=st.integers(min_value=40, max_value=30_000),
    parts=st.lists(st.floats(min_value=0, max_value=1), min_size=11, max_size=11),
)
def test_the_counts_add_up_whatever_the_shares(count: int, parts: list[float]) -> None:
    total = sum(parts) or 1.0
    shares = {style: 0.9 * part / total for style, part in zip(CHOOSABLE, parts, strict=True)}

    counts = counts_of(shares, count)

    ranked = [n for style, n in counts.items() if style is not Style.CROWD]
    assert sum(ranked) == count
    assert min(ranked) >= 0
    assert counts[Style.WASH] % 2 == 0
    assert counts[Style.MAKER] >= LEAST_MAKERS
    assert counts[Style.PROVIDER] == 1
    assert all(
        counts[style] == 0
        for style, share in shares.items()
        if not share and style is not Style.MAKER
    )


def test_nobody_is_skilled_where_none_shall_be() -> None:
    assert counts_of(shares_of(["skilled=0"], CONTEST), 600)[Style.SKILLED] == 0
