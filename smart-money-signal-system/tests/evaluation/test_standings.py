import pytest

from signal_system.evaluation.contest import Contested, Scored
from signal_system.evaluation.standings import Result, markdown, standings
from signal_system.weighting_engine.contest import ACCOUNTS
from signal_system.weighting_engine.schemes import ScoreOver100

SKILL = "skill-relative-v1"


def a_score(sharpe: float, *, own: float = 0.0, opinions: float = 0.5) -> Scored:
    return Scored(
        sharpe=sharpe,
        low=sharpe - 1,
        high=sharpe + 1,
        own_sharpe=own,
        rank_correlation=None,
        opinions=opinions,
        turnover=0.1,
    )


def a_result(seed: int, skilled: float, **schemes: Scored) -> Result:
    told = {name: schemes.get(name.replace("-", "_"), a_score(0.0)) for name in ACCOUNTS}
    found = Contested(f"world{seed}", "c0ffee", {}, 100, 2.0, 0.97, {}, told)
    return Result(f"world{seed}", seed, skilled, found)


def test_every_population_has_its_own_standings_and_the_most_skilled_comes_first() -> None:
    found = standings([a_result(1, 0.0), a_result(1, 0.05), a_result(2, 0.05)])

    assert [(each.skilled, each.seeds) for each in found] == [(0.05, (1, 2)), (0.0, (1,))]


def test_a_win_is_a_ratio_above_that_of_score_100_in_the_same_world() -> None:
    worlds = [
        a_result(1, 0.05, skill_relative_v1=a_score(3.0), score_over_100_v1=a_score(1.0)),
        a_result(2, 0.05, skill_relative_v1=a_score(0.0), score_over_100_v1=a_score(0.5)),
        a_result(3, 0.05, skill_relative_v1=a_score(2.0, own=1), score_over_100_v1=a_score(2.0)),
    ]

    (found,) = standings(worlds)

    mine = next(each for each in found.schemes if each.scheme == SKILL)
    assert (mine.wins, mine.own_wins, mine.worst) == (1, 1, 0.0)
    assert mine.lead == pytest.approx((2.0 - 0.5 + 0.0) / 3)
    assert mine.lead_low < mine.lead < mine.lead_high


def test_neutral_is_told_as_the_mean_and_as_the_least_of_all_worlds() -> None:
    worlds = [
        a_result(1, 0.0, skill_relative_v1=a_score(0.0, opinions=0.2)),
        a_result(2, 0.0, skill_relative_v1=a_score(0.0, opinions=0.0)),
    ]

    (found,) = standings(worlds)

    mine = next(each for each in found.schemes if each.scheme == SKILL)
    assert mine.neutral == pytest.approx(0.9)
    assert mine.least_neutral == pytest.approx(0.8)


def test_the_page_has_a_row_for_every_scheme_and_claims_no_win_of_the_baseline_over_itself() -> (
    None
):
    page = markdown(standings([a_result(1, 0.02)]))

    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert len(rows) == len(ACCOUNTS)
    (base,) = [row for row in rows if ScoreOver100.name in row]
    assert " of 1" not in base
    assert "**2% skilled**, 1 worlds" in page
    assert "NEUTRAL 97.0% of the time" in page
