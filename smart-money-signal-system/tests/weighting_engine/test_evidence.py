from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, strategies as st
from msgspec import json

from signal_system.weighting_engine.columns import Saved
from signal_system.weighting_engine.evidence import Estimates, Evidence
from signal_system.weighting_engine.paper import Bar
from signal_system.weighting_engine.rules import DAY, EvidenceRules

YEARS = 365**0.5


def a_bar(*timing: float, bars: float = 1.0, active: bool = True) -> Bar:
    """Return a bar in which the voters earned that by timing."""
    nothing = np.zeros(len(timing))
    return Bar(
        at=0.0,
        bars=bars,
        timing=np.array(timing),
        habit=nothing,
        market=nothing,
        cost=nothing,
        turned=nothing,
        gross=nothing + active,
        net=nothing,
        active=nothing + active > 0,
    )


def evidence_of(
    *bars: Bar, half_life: float = 1e6, regimes: dict[str, float] | None = None
) -> Evidence:
    evidence = Evidence(EvidenceRules(half_life_days=half_life), bar_seconds=DAY)
    for _ in range(len(bars[0].timing)):
        evidence.open()
    for bar in bars:
        evidence.add(bar, regimes or {})
    return evidence


def known(*results: float, **options: float) -> Estimates:
    return evidence_of(*(a_bar(result) for result in results), **options).estimates()  # type: ignore[arg-type]


@given(st.lists(st.floats(-5, 5), min_size=3, max_size=80).filter(lambda each: np.std(each) > 0.1))
def test_without_forgetting_the_ratio_is_mean_over_deviation_of_a_year(
    results: list[float],
) -> None:
    found = known(*results)

    expected = np.mean(results) / np.std(results, ddof=1) * YEARS
    assert found.ratio[0] == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert found.count[0] == pytest.approx(len(results), rel=1e-6)


def test_the_error_is_that_of_independent_results() -> None:
    random = Random(4)
    results = [random.gauss(0.1, 1) for _ in range(4_000)]

    assert known(*results).error[0] == pytest.approx(YEARS / 4_000**0.5, rel=0.1)


def test_results_that_follow_each_other_tell_less() -> None:
    random, results = Random(4), [0.0]
    for _ in range(4_000):
        results.append(0.7 * results[-1] + random.gauss(0, 1))

    assert known(*results).error[0] > 1.4 * YEARS / 4_000**0.5


@given(st.lists(st.booleans(), min_size=5, max_size=200), st.floats(5, 500))
def test_more_evidence_never_makes_less_sure(active: list[bool], half_life: float) -> None:
    evidence = evidence_of(a_bar(0.1, 0.1), half_life=half_life)
    for number, is_active in enumerate(active):
        bar = a_bar(0.1 + number % 2, 0.1 + number % 2)
        evidence.add(replace(bar, active=np.array([is_active, False])), {})
        count = evidence.estimates().count
        assert count[0] >= count[1]


def test_the_old_counts_less_and_less() -> None:
    turned = known(*[1.0, -0.8] * 200, *[-1.0, 0.8] * 200, half_life=60.0)

    assert turned.ratio[0] < -1
    assert turned.count[0] < 120


def test_nothing_can_be_told_of_whom_nothing_is_known() -> None:
    found = evidence_of(a_bar(0.3, active=False)).estimates()

    assert (found.ratio[0], found.error[0], found.count[0]) == (0.0, np.inf, 0.0)


def test_skill_is_told_apart_by_regime_as_probable_as_it_was() -> None:
    random = Random(2)
    evidence = evidence_of(a_bar(0.0))
    for _ in range(500):
        evidence.add(a_bar(random.gauss(0.5, 1)), {"bull": 0.9, "bear": 0.1})
        evidence.add(a_bar(random.gauss(-0.5, 1)), {"bull": 0.1, "bear": 0.9})

    found = evidence.estimates()
    bull, neutral, bear = found.by_regime[0]

    assert bull > 5
    assert bear < -5
    assert neutral == 0
    assert found.regime_count[0].tolist() == pytest.approx([500, 0, 500], rel=0.01)


def test_a_snapshot_goes_on_as_if_nothing_had_happened() -> None:
    first, resumed = evidence_of(a_bar(1.0, 2.0), a_bar(0.5, -1.0)), evidence_of(a_bar(0.0))
    resumed.restore(json.decode(json.encode(first.snapshot()), type=Saved))

    for each in (first, resumed):
        each.add(a_bar(0.3, 0.1), {"bull": 1.0})

    assert resumed.estimates().ratio.tolist() == first.estimates().ratio.tolist()
