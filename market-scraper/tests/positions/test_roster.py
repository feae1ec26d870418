from collections.abc import Set as AbstractSet
from decimal import Decimal

from hypothesis import given, strategies as st

from market_scraper.positions.roster import Overrides, choose, turnover
from market_scraper.positions.scoring import Result, Standing
from shared_events.testing.factories import an_address

LEAST = Decimal(1_000)
NOBODY = Overrides()


def standing(number: int, profit: int) -> Standing:
    result = Result(Decimal(profit), Decimal(profit) / 100_000, Decimal(5_000_000))
    return Standing(an_address(number), Decimal(100_000), {"allTime": result})


def field(count: int) -> list[Standing]:
    """Return so many traders, the lower the number the better."""
    return [standing(number, (count - number) * 1_000) for number in range(count)]


def chosen(
    standings: list[Standing],
    most: int,
    incumbents: AbstractSet[str] = frozenset(),
    overrides: Overrides = NOBODY,
) -> list[str]:
    return list(choose(standings, incumbents, overrides, most, LEAST))


def test_the_best_are_chosen_best_first() -> None:
    assert chosen(field(20), 3) == [an_address(n) for n in range(3)]


def test_a_member_that_slipped_a_little_stays_and_one_that_slipped_far_leaves() -> None:
    members = {an_address(11), an_address(15)}

    roster = chosen(field(20), 10, members)

    assert an_address(11) in roster
    assert an_address(15) not in roster
    assert len(roster) == 10


def test_who_was_added_by_hand_is_tracked_beyond_the_limit_and_without_a_row() -> None:
    stranger = an_address(999)

    members = choose(field(5), frozenset(), Overrides(added={stranger}), 2, LEAST)

    assert list(members) == [stranger, an_address(0), an_address(1)]
    assert members[stranger].score == 50


def test_who_was_removed_by_hand_is_not_tracked() -> None:
    assert an_address(0) not in chosen(field(5), 5, overrides=Overrides(removed={an_address(0)}))


@given(count=st.integers(0, 60), most=st.integers(1, 40), before=st.sets(st.integers(0, 60)))
def test_the_roster_never_exceeds_its_length_and_is_full_if_it_can_be(
    count: int, most: int, before: set[int]
) -> None:
    roster = chosen(field(count), most, {an_address(n) for n in before})

    assert len(roster) == min(count, most)


def test_the_reasons_for_leaving_are_told() -> None:
    standings = {row.address: row for row in field(12)}
    small = Standing(an_address(3), Decimal(1), standings[an_address(3)].results)
    standings[small.address] = small
    before = choose(field(13), frozenset(), NOBODY, 13, LEAST)
    removed = Overrides(removed={an_address(0)})
    after = choose(standings.values(), frozenset(), removed, 10, LEAST)

    left = turnover(before, after, standings, removed, LEAST).left

    assert left[an_address(0)] == "removed by hand"
    assert left[an_address(3)] == "small_account"
    assert left[an_address(12)] == "no longer on the leaderboard"
