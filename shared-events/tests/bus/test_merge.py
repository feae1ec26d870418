from collections import deque
from datetime import timedelta

from hypothesis import given, strategies as st

from shared_events.bus.merge import merged
from shared_events.bus.port import Delivery
from shared_events.testing.factories import NOON, an_event

EVENT = an_event()


def lane(name: str, seconds: list[int]) -> deque[Delivery]:
    return deque(
        Delivery(an_event(recorded_at=NOON + timedelta(seconds=at)), b"", 1, (name, str(n)))
        for n, at in enumerate(seconds)
    )


def taken(deliveries: list[Delivery]) -> list[tuple[str, int]]:
    return [(d.token[0], int((d.event.recorded_at - NOON).total_seconds())) for d in deliveries]


def test_two_lanes_become_one_in_time_order() -> None:
    lanes = {"a": lane("a", [1, 4]), "b": lane("b", [2, 3])}

    assert taken(merged(lanes, [], 10)) == [("a", 1), ("b", 2), ("b", 3), ("a", 4)]


def test_it_stops_where_an_unfinished_lane_runs_dry() -> None:
    lanes = {"a": lane("a", [1, 2]), "b": lane("b", [1, 9])}

    first = taken(merged(lanes, ["a"], 10))

    assert first == [("a", 1), ("b", 1), ("a", 2)]
    assert taken(merged(lanes, ["a"], 10)) == []
    assert taken(merged(lanes, [], 10)) == [("b", 9)]


lanes_of_times = st.dictionaries(
    st.sampled_from("abcd"), st.lists(st.integers(0, 50), max_size=12), max_size=4
)


@given(lanes_of_times, st.integers(1, 8))
def test_nothing_is_lost_and_each_lane_keeps_its_order(
    times: dict[str, list[int]], limit: int
) -> None:
    lanes = {name: lane(name, seconds) for name, seconds in times.items()}

    received: list[Delivery] = []
    while batch := merged(lanes, [], limit):
        assert len(batch) <= limit
        received += batch

    for name, seconds in times.items():
        assert [at for of, at in taken(received) if of == name] == seconds


@given(lanes_of_times)
def test_lanes_in_order_merge_into_order(times: dict[str, list[int]]) -> None:
    lanes = {name: lane(name, sorted(seconds)) for name, seconds in times.items()}

    received = [at for _, at in taken(merged(lanes, [], 1000))]

    assert received == sorted(at for seconds in times.values() for at in seconds)
