"""What the tracked traders hold, sampled at each bar: against sums done by hand."""

import numpy as np
import pytest

from signal_system.ml.features.bar import Bar
from signal_system.ml.features.feature import Feature, History
from signal_system.ml.features.positioning import Context, Counted, Member, Positioning, positioning
from signal_system.ml.features.smart_money import (
    Crowding,
    Funding,
    NetExposure,
    OpenInterest,
    TrackedShare,
    Turnover,
)

WHALE = Member(30.0, 5e6, 80.0)
SMALL = Member(-10.0, 5e4, 70.0)
POOR = Member(-20.0, 9e5, 20.0)
UNKNOWN = Member(5.0, None, None)
FLAT = Member(0.0, 2e6, 90.0)
EVERYBODY = (WHALE, SMALL, POOR, UNKNOWN, FLAT)


def bar(held: Positioning | None, context: Context | None = None) -> Bar:
    return Bar(0, 1.0, 1.0, 1.0, 1.0, 1.0, positioning=held, context=context)


def said(feature: Feature, *bars: Bar) -> list[float]:
    handle = feature.open(History(bars[:-1]))
    return list(handle.update(bars[-1]))


def held(*members: Member, tracked: int = 5, traded: float | None = None) -> Positioning:
    holders = [member for member in members if member.size]
    return positioning(holders, Counted(tracked, len(members)), traded)


@pytest.mark.parametrize(
    ("cohort", "expected"),
    [("all", 5 / 65), ("whales", 1.0), ("smaller", -1.0), ("proven", 20 / 40)],
)
def test_net_exposure_is_net_over_gross_of_the_cohort(cohort: str, expected: float) -> None:
    (level, _) = said(NetExposure(cohort, (1,)), bar(held(*EVERYBODY)))

    assert level == pytest.approx(expected)


def test_a_change_is_to_the_level_so_many_bars_ago() -> None:
    past = [bar(held(Member(size, None, None), SMALL, POOR)) for size in (10.0, 40.0, 30.0)]

    told = said(NetExposure("all", (1, 2)), *past)

    level = [-20 / 40, 10 / 70, 0 / 60]
    assert told == pytest.approx([level[2], level[2] - level[1], level[2] - level[0]])


def test_a_change_from_what_was_not_known_is_not_known() -> None:
    told = said(
        NetExposure("all", (1, 2)), bar(held(WHALE, SMALL, POOR)), bar(None), bar(held(*EVERYBODY))
    )

    assert np.isnan(told).tolist() == [False, True, False]


@pytest.mark.parametrize(
    "feature", [NetExposure("all"), Crowding(), Turnover(), TrackedShare()], ids=str
)
def test_with_less_than_half_of_the_roster_known_nothing_is(feature: Feature) -> None:
    context = Context(None, 100.0)
    few, enough = (held(WHALE, SMALL, tracked=each, traded=1.0) for each in (5, 4))

    assert np.isnan(said(feature, bar(few, context))).all()
    assert not np.isnan(said(feature, bar(enough, context))[0])


def test_crowding_counts_heads_and_concentration_counts_sizes() -> None:
    heads, few = said(Crowding(), bar(held(*EVERYBODY)))

    assert heads == 0.0
    assert few == pytest.approx((30**2 + 10**2 + 20**2 + 5**2) / 65**2)
    assert said(Crowding(), bar(held(WHALE, tracked=1))) == [1.0, 1.0]


def test_what_nobody_holds_has_no_exposure_and_no_turnover() -> None:
    empty = bar(held(FLAT, FLAT, FLAT, traded=0.0), Context(None, 100.0))

    assert np.isnan(said(NetExposure("all", (1,)), empty)).all()
    assert np.isnan(said(Crowding(), empty)).all()
    assert np.isnan(said(Turnover(), empty)).all()
    assert said(TrackedShare(), empty) == [0.0]


def test_turnover_is_what_was_traded_by_what_is_held() -> None:
    assert said(Turnover(), bar(held(*EVERYBODY, traded=13.0))) == pytest.approx([0.2])
    assert np.isnan(said(Turnover(), bar(held(*EVERYBODY, traded=None)))).all()


def test_the_tracked_share_is_of_both_sides_of_the_open_interest() -> None:
    assert said(TrackedShare(), bar(held(*EVERYBODY), Context(None, 325.0))) == pytest.approx([0.1])


def test_open_interest_is_told_by_its_changes() -> None:
    bars = [bar(None, Context(None, interest)) for interest in (100.0, None, 50.0, 200.0)]

    told = said(OpenInterest((1, 2, 3)), *bars)

    assert told == pytest.approx([np.log(4), np.nan, np.log(2)], nan_ok=True)
    assert np.isnan(said(OpenInterest((1,)), *bars[:2])).all()
    assert np.isnan(said(OpenInterest((1,)), bars[0], bar(None, Context(None, 0.0)))).all()


@pytest.mark.parametrize(("rate", "known"), [(1.25e-5, True), (None, False), (-3.0, False)])
def test_funding_is_the_hourly_rate_if_it_is_one(rate: float | None, known: bool) -> None:  # noqa: FBT001 -- a table
    (told,) = said(Funding(), bar(None, Context(rate, None)))

    assert told == rate if known else np.isnan(told)
    assert np.isnan(said(Funding(), bar(None))).all()
