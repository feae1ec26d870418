from decimal import Decimal
from random import Random

from hypothesis import given, strategies as st

from signal_system.domain.exposure import Exposure, size_units, usd

entities = st.sampled_from("abcd")
shifts = st.lists(st.tuples(entities, st.integers(-(10**24), 10**24)))


def exposure_after(steps: list[tuple[str, int]]) -> Exposure:
    exposure = Exposure()
    for entity, by in steps:
        exposure.shift(entity, by)
    return exposure


@given(shifts)
def test_the_sums_are_what_adding_up_every_stake_from_scratch_gives(
    steps: list[tuple[str, int]],
) -> None:
    exposure = exposure_after(steps)

    stakes = {e: sum(by for each, by in steps if each == e) for e, _ in steps}
    assert exposure.stakes == {e: stake for e, stake in stakes.items() if stake}
    assert exposure.long == sum(stake for stake in stakes.values() if stake > 0)
    assert exposure.short == -sum(stake for stake in stakes.values() if stake < 0)
    assert exposure.squares == sum(stake**2 for stake in stakes.values())


@given(shifts, st.randoms(use_true_random=False))
def test_the_order_of_the_updates_does_not_matter(
    steps: list[tuple[str, int]], random: Random
) -> None:
    shuffled = random.sample(steps, len(steps))

    one, other = exposure_after(steps), exposure_after(shuffled)

    assert (one.long, one.short, one.squares) == (other.long, other.short, other.squares)
    assert one.stakes == other.stakes


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_every_finite_size_is_units_or_unusable(size: Decimal) -> None:
    units = size_units(size)

    assert units is None or abs(Decimal(units) / 10**8 - size) < Decimal("1E-8") * 2


def test_the_largest_imaginable_stake_still_has_a_value_in_cents() -> None:
    assert usd(10**15 * 10**14 * 10**6, Decimal(10) ** 15) == Decimal(10) ** 36
