from decimal import Decimal

import pytest
from hypothesis import assume, given, strategies as st

from signal_system.domain.exposure import STAKE_SCALE, Exposure
from signal_system.signal_generation.aggregation import cost_to_flip, pooled

stakes = st.lists(st.integers(-(10**18), 10**18).filter(bool), min_size=1, max_size=20)
LINK = 0.5


def exposure_of(*held: int) -> Exposure:
    exposure = Exposure()
    for entity, stake in enumerate(held):
        exposure.shift(str(entity), stake)
    return exposure


@given(stakes)
def test_the_tilt_lies_between_all_short_and_all_long(held: list[int]) -> None:
    pool = pooled(exposure_of(*held), LINK)

    assert -1 <= pool.tilt <= 1
    assert pool.tilt == 1 or any(stake < 0 for stake in held)
    assert 0 < pool.probability_up < 1


@given(stakes)
def test_independent_voters_are_at_least_one_and_at_most_all(held: list[int]) -> None:
    pool = pooled(exposure_of(*held), LINK)

    assert 1 <= pool.independent_voters <= pool.voters * (1 + 1e-12)
    assert pool.voters == len(held)


@given(st.integers(1, 50), st.integers(1, 10**15))
def test_equal_stakes_are_as_many_independent_voters(count: int, stake: int) -> None:
    assert pooled(exposure_of(*[stake] * count), LINK).independent_voters == count


def test_one_loud_voice_among_many_is_hardly_more_than_one() -> None:
    assert pooled(exposure_of(10**6, *[1] * 99), LINK).independent_voters == pytest.approx(1, 0.001)


@given(stakes, st.integers(1, 10**9))
def test_the_unit_of_the_coin_does_not_matter(held: list[int], factor: int) -> None:
    one, other = (pooled(exposure_of(*(s * f for s in held)), LINK) for f in (1, factor))

    assert one == other


def test_nobody_leans_nowhere() -> None:
    pool = pooled(Exposure(), LINK)

    assert (pool.tilt, pool.probability_up, pool.voters, pool.independent_voters) == (0, 0.5, 0, 0)


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=9), st.integers(1, 10**7))
def test_that_cost_is_enough_and_a_cent_less_is_not(held: list[int], cents: int) -> None:
    exposure, mark = exposure_of(*(size * 10**6 for size in held)), Decimal(cents) / 100
    assume(exposure.net)
    share = Decimal("0.2")
    opinion = abs(exposure.net) >= share * exposure.gross
    side = (1 if exposure.net > 0 else -1) * (-1 if opinion else 1)

    cost = cost_to_flip(exposure, 0.2, mark)
    assert cost is not None

    def opinion_after(spent: Decimal) -> bool:
        stake = side * spent / mark * STAKE_SCALE
        net, gross = exposure.net + stake, exposure.gross + abs(stake)
        return abs(net) >= share * gross and (net > 0) == (exposure.net > 0)

    assert opinion_after(cost) is not opinion
    assert opinion_after(cost - Decimal("0.01")) is opinion


@given(stakes, st.sampled_from((0.15, 0.2, 0.5)))
def test_one_more_voice_of_that_cost_brings_the_tilt_to_the_threshold(
    held: list[int], threshold: float
) -> None:
    exposure = exposure_of(*(stake * STAKE_SCALE // 10**9 for stake in held))
    tilt = pooled(exposure, LINK).tilt
    assume(exposure.net != 0)

    cost = cost_to_flip(exposure, threshold, Decimal(1))
    assert cost is not None

    against = abs(tilt) > threshold
    direction = (1 if exposure.net > 0 else -1) * (-1 if against else 1)
    exposure.shift("new", direction * int(cost * STAKE_SCALE))
    assert abs(pooled(exposure, LINK).tilt) == pytest.approx(threshold, rel=1e-3, abs=1e-9) or (
        exposure.gross < 10**3 * STAKE_SCALE  # cents are too coarse for so little
    )


@given(stakes.filter(any), st.integers(0, 10**9), st.floats(-0.5, 0.5))
def test_what_is_usual_and_what_all_coins_share_only_take_away(
    held: list[int], usual: int, lean: float
) -> None:
    exposure = exposure_of(*held)

    plain, pool = pooled(exposure, LINK), pooled(exposure, LINK, usual, lean)

    assert -1 <= pool.tilt <= 1
    assert abs(pooled(exposure, LINK, usual).tilt) <= abs(plain.tilt)
    assert pooled(exposure, LINK, 0, lean).tilt == pytest.approx(min(max(plain.tilt - lean, -1), 1))


@given(
    st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=8).filter(any),
    st.integers(0, 10**6),
    st.floats(-0.4, 0.4),
)
def test_with_a_usual_stake_and_a_lean_that_cost_is_still_enough(
    held: list[int], usual: int, lean: float
) -> None:
    unit = STAKE_SCALE
    exposure = exposure_of(*(size * unit for size in held))
    before = pooled(exposure, LINK, usual * unit, lean).tilt
    assume(abs(abs(before) - 0.2) > 1e-6)

    cost = cost_to_flip(exposure, 0.2, Decimal(1), usual * unit, lean)

    assert cost is not None
    side = (1 if before > 0 else -1) * (-1 if abs(before) >= 0.2 else 1)
    exposure.shift("new", side * int(cost * unit))
    after = pooled(exposure, LINK, usual * unit, lean).tilt * (1 if before > 0 else -1)
    assert after < 0.2 + 1e-9 if abs(before) >= 0.2 else after >= 0.2 - 1e-9


def test_where_all_coins_lean_so_far_that_no_money_helps_no_cost_is_told() -> None:
    assert cost_to_flip(exposure_of(1, 1), 0.5, Decimal(1), 0, 0.6) is None
