from hypothesis import given, strategies as st
from msgspec import json

from signal_system.weighting_engine.columns import Columns, Saved

steps = st.lists(st.one_of(st.floats(-1e9, 1e9), st.none()), max_size=60)


@given(steps)
def test_rows_are_what_a_list_of_them_would_hold_whatever_was_added_and_dropped(
    steps: list[float | None],
) -> None:
    columns, expected = Columns({"seen": "f8", "pair": "(2,)i8"}), list[float]()

    for step in steps:
        if step is not None:
            assert columns.add(seen=step) == len(expected)
            expected.append(step)
        elif expected:
            columns.drop(0)
            expected[0] = expected[-1]
            expected.pop()

    assert columns["seen"].tolist() == expected
    assert columns["pair"].shape == (len(expected), 2)


@given(steps)
def test_what_was_saved_comes_back_and_goes_on(steps: list[float | None]) -> None:
    columns, other = Columns({"seen": "f8"}), Columns({"seen": "f8"})
    for step in steps:
        columns.add(seen=step or 0.0)

    other.restore(json.decode(json.encode(columns.saved()), type=Saved))

    for each in (columns, other):
        each.add(seen=7.0)
    assert other["seen"].tolist() == columns["seen"].tolist()


def test_a_new_row_is_empty_even_where_one_was_dropped() -> None:
    columns = Columns({"seen": "f8"})
    columns.add(seen=3.0)
    columns.drop(0)

    columns.add()

    assert columns["seen"].tolist() == [0.0]
