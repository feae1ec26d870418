import numpy as np
import pytest

from signal_system.weighting_engine.entities import TAGS, Habits, reasons, trust
from signal_system.weighting_engine.rules import EntityRules

RULES = EntityRules()


def a_voter(**known: float) -> Habits:
    """Return the habits of one voter of whom only `known` is known."""
    named = {name: np.array([known.get(name, np.nan)]) for name in Habits.__slots__}
    assert not known.keys() - named.keys()
    return Habits(**named)


ORDINARY = {
    "turnover": 1.5,
    "net_share": 0.6,
    "side": 0.2,
    "maker_share": 0.3,
    "volume_turnover": 1.5,
    "volume_result": 0.002,
    "idle_days": 1.0,
    "days": 200.0,
    "episodes": 80.0,
    "win_rate": 0.55,
    "concentration": 0.05,
}


@pytest.mark.parametrize(
    ("tag", "habits"),
    [
        ("market maker", {"maker_share": 0.9, "net_share": 0.15}),
        ("market maker", {"turnover": 40.0, "net_share": 0.15}),
        ("delta neutral", {"side": -0.99}),
        ("delta neutral", {"net_share": 0.05}),
        ("wash trader", {"volume_turnover": 60.0, "volume_result": -0.000_02}),
        ("dormant", {"idle_days": 45.0}),
        ("one-position wonder", {"concentration": 0.8}),
        ("superhuman", {"win_rate": 0.99}),
    ],
)
def test_each_tag_has_its_reason_and_takes_weight_away(tag: str, habits: dict[str, float]) -> None:
    voter = a_voter(**ORDINARY | habits)

    (reason,) = reasons(voter, 0, RULES)

    assert reason.startswith(f"{tag}: ")
    assert "nan" not in reason
    assert trust(voter, RULES)[0] == next(each.leaves for each in TAGS if each.name == tag) < 1


def test_nothing_is_held_against_an_ordinary_voter_nor_against_an_unknown_one() -> None:
    for voter in (a_voter(**ORDINARY), a_voter()):
        assert reasons(voter, 0, RULES) == ()
        assert trust(voter, RULES)[0] == 1.0


@pytest.mark.parametrize(
    "habits", [{"win_rate": 1.0, "episodes": 29.0}, {"concentration": 0.9, "episodes": 4.0}]
)
def test_few_positions_prove_nothing(habits: dict[str, float]) -> None:
    assert trust(a_voter(**ORDINARY | habits), RULES)[0] == 1.0


def test_whoever_was_seen_short_for_a_day_is_not_yet_a_hedge() -> None:
    assert trust(a_voter(**ORDINARY | {"side": -1.0, "days": 1.0}), RULES)[0] == 1.0
