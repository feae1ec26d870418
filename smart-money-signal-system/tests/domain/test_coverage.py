from datetime import datetime, timedelta

from hypothesis import given, strategies as st

from shared_events.testing.factories import NOON
from signal_system.domain.coverage import Coverage

LIMIT = timedelta(seconds=30)

seconds = st.integers(0, 100)
sights = st.lists(
    st.tuples(
        st.sampled_from("abc"), st.integers(0, 5), st.one_of(st.none(), seconds), st.integers(0, 9)
    )
)


def moment(second: int) -> datetime:
    return NOON + timedelta(seconds=second)


def test_what_is_not_seen_any_more_is_not_fresh() -> None:
    coverage = Coverage(LIMIT)
    coverage.see("a", 1, moment(0))
    coverage.see("b", 3, moment(0))

    coverage.see("a", 1, None)
    assert coverage.share(moment(1)) == 0.75

    coverage.see("a", 1, moment(2))
    assert coverage.share(moment(31)) == 0.25


@given(sights)
def test_the_share_is_that_of_the_weight_seen_within_the_limit(
    told: list[tuple[str, int, int | None, int]],
) -> None:
    coverage, known, now = Coverage(LIMIT), dict[str, tuple[int, int | None]](), 0

    for address, weight, at, passed in told:
        now += passed
        before = known.get(address, (0, None))[1]
        newest = max((seen for seen in (at, before) if seen is not None), default=None)
        coverage.see(address, weight, None if newest is None else moment(newest))
        known[address] = (weight, newest)

        fresh = sum(w for w, seen in known.values() if seen is not None and seen + 30 >= now)
        total = sum(w for w, _ in known.values())
        assert coverage.share(moment(now)) == (fresh / total if total else None)


def test_a_longer_limit_makes_the_stale_fresh_again() -> None:
    coverage = Coverage(LIMIT)
    coverage.see("a", 1, moment(0))
    coverage.share(moment(60))

    coverage.judge_by(timedelta(seconds=90))

    assert coverage.share(moment(60)) == 1.0


def test_traders_that_come_and_go_leave_nothing_behind_in_the_queue() -> None:
    coverage = Coverage(LIMIT)

    for _ in range(1_000):
        coverage.see("a", 1, moment(0))
        coverage.see("a", 0, moment(0))

    assert len(coverage._due) == 1  # noqa: SLF001 -- that it stays bounded is the point
