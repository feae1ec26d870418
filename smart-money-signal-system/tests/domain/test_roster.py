from hypothesis import given, strategies as st

from shared_events.payloads import SnapshotPart, TrackedTrader
from shared_events.testing.factories import an_address
from signal_system.domain.roster import RosterSnapshot, collected
from signal_system.testing.events import member


def part(index: int, total: int, snapshot: str = "s1", second: float = 0) -> TrackedTrader:
    named = SnapshotPart(id=snapshot, index=index, total=total)
    data: TrackedTrader = member(index, second=second, snapshot=named).data
    return data


@given(st.permutations(range(4)))
def test_a_snapshot_is_whole_when_its_last_part_came_whatever_the_order(order: list[int]) -> None:
    so_far: RosterSnapshot | None = None
    for arrived, index in enumerate(order, 1):
        so_far = collected(so_far, part(index, 4))

        assert so_far is not None
        assert so_far.is_whole == (arrived == 4)

    assert so_far is not None
    assert so_far.addresses == {an_address(n) for n in range(4)}


def test_a_newer_snapshot_replaces_one_that_never_became_whole() -> None:
    so_far = collected(collected(None, part(0, 3)), part(1, 2, "s2", second=9))
    so_far = collected(so_far, part(1, 3))

    assert so_far is not None
    assert (so_far.id, so_far.seen) == ("s2", {1})


def test_a_change_of_a_single_trader_is_no_part_of_it() -> None:
    assert collected(None, member(1).data) is None
