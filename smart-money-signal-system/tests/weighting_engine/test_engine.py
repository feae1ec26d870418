from decimal import Decimal

import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

from signal_system.domain.trader import Trader
from signal_system.weighting_engine import Scheme, TraderWeightingEngine, WeightingConfig
from signal_system.weighting_engine.schemes import SCHEMES

scores = st.one_of(st.none(), st.decimals(0, 100, allow_nan=False))
every_scheme = pytest.mark.parametrize("scheme", SCHEMES.values(), ids=lambda scheme: scheme.name)


@every_scheme
@given(score=scores)
def test_a_weight_is_between_nothing_and_a_full_voice(
    scheme: Scheme, score: Decimal | None
) -> None:
    weight = scheme.weigh(Trader(address="0xa", tracked=True, score=score))

    assert 0 <= weight.ppm <= 10**6
    assert weight.dimensions


@every_scheme
def test_it_is_registered_under_its_own_name(scheme: Scheme) -> None:
    assert SCHEMES[scheme.name] is scheme
    assert TraderWeightingEngine(WeightingConfig(scheme=scheme.name)).scheme == scheme.name


@given(scores)
def test_who_is_not_tracked_has_no_voice(score: Decimal | None) -> None:
    trader = Trader(address="0xa", tracked=False, score=score)

    assert TraderWeightingEngine(WeightingConfig()).weigh(trader).ppm == 0


def test_an_unknown_scheme_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValidationError, match="there are: score-over-100-v1"):
        WeightingConfig(scheme="astrology")
