from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

from signal_system.weighting_engine import Scheme, TraderWeightingEngine, WeightingConfig
from signal_system.weighting_engine.schemes import EXPERTS, SCHEMES, ScoreOver100
from signal_system.weighting_engine.voters import Voters

unknown = st.just(float("nan"))
voters = st.lists(
    st.tuples(
        unknown | st.floats(0, 100),
        unknown | st.floats(-1, 10),
        unknown | st.floats(0, 1e9),
        unknown | st.floats(0, 5),
        unknown | st.floats(0, 10),
        st.sampled_from((0.0, 0.5, 1.0)),
        st.floats(0, 1),
    ),
    max_size=40,
)
every_scheme = pytest.mark.parametrize("scheme", EXPERTS, ids=lambda scheme: scheme.name)


def a_panel(rows: list[tuple[float, ...]]) -> Voters:
    names = ("score", "roi", "equity", "skill", "regime", "trust", "uniqueness")
    columns = np.array(rows, np.float64).reshape(-1, len(names)).T
    known = dict(zip(names, columns, strict=True))
    top = np.full(len(rows), float(np.nanmax(known["skill"], initial=0.0)))
    return Voters.unknown(len(rows), top_skill=top, **known)


@every_scheme
@given(voters)
def test_a_weight_is_a_number_from_nothing_on_and_at_most_a_full_voice_but_for_learners(
    scheme: Scheme, rows: list[tuple[float, ...]]
) -> None:
    weights = scheme.weigh(a_panel(rows))

    assert weights.shape == (len(rows),)
    assert (weights >= 0).all()
    assert (weights <= (2 if scheme.learns else 1)).all()


@every_scheme
def test_it_is_registered_under_its_own_name(scheme: Scheme) -> None:
    assert SCHEMES[scheme.name] is scheme
    assert WeightingConfig(scheme=scheme.name).scheme == scheme.name


@every_scheme
def test_until_somebody_can_be_judged_a_scheme_that_learns_leaves_it_to_the_roster(
    scheme: Scheme,
) -> None:
    engine = TraderWeightingEngine(WeightingConfig(scheme=scheme.name))

    assert engine.scheme == (ScoreOver100.name if scheme.learns else scheme.name)


@given(st.one_of(st.none(), st.decimals(0, 100, places=2)))
def test_the_baseline_is_the_score_over_100_and_half_a_voice_without_one(
    score: Decimal | None,
) -> None:
    ppm = TraderWeightingEngine(WeightingConfig()).ppm("0xa", score)

    assert ppm == int(10_000 * (Decimal(50) if score is None else score))


def test_an_unknown_scheme_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValidationError, match="score-over-100-v1"):
        WeightingConfig(scheme="astrology")
